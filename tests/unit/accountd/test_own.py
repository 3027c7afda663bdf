"""The account of an agent who is logged in, as the agent sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from malleposte.accountd import own, wire
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, OTHER_NUMEN, Stage, token


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.agent(
        "mdupond", State.ACTIVE, mpRecoveryMail=["marie.d@exemple.test"], mpRecoveryPhone=["+33612345678"],
        pwdChangedTime=["20260801080000Z"], mpQuota=["7000"],
    )  # fmt: skip
    return made


def shown(stage: Stage) -> wire.Account:
    answer = stage.ask(wire.ShowAccount(HERE, "mdupond", token("mdupond")))
    assert isinstance(answer, wire.Done), answer
    return answer.account


def test_an_account_is_summed_up_and_its_means_of_recovery_are_masked(stage: Stage) -> None:
    found = shown(stage)
    assert (found.name, found.mail, found.profile) == ("Marie Dupond", "mdupond@ac-exemple.test", "roundcube")
    assert (found.recovery_mail, found.recovery_phone) == ("ma…@exemple.test", "…78")
    assert (found.quota_mb, found.password_until) == (7000, "20270801080000Z")
    assert (found.looked, found.filters, found.forwards) == (True, "roundcube", ("ailleurs@exemple.test",))
    stage.mute = True
    assert (shown(stage).looked, shown(stage).forwards) == (False, ())


def test_nobody_is_shown_another_s(stage: Stage) -> None:
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    for call in (wire.ShowAccount, wire.ShowJournal):
        assert stage.ask(call(HERE, "mdupond", token("autre"))) == NO_LOG_IN
        assert isinstance(stage.ask(call(HERE, "autre", token("autre"))), wire.Done)


@pytest.mark.parametrize("state", [State.BLOCKED, State.SUSPENDED, State.EXPIRED])
def test_a_token_of_before_opens_no_account_that_is_not_active(stage: Stage, state: State) -> None:
    stage.agent("autre", state, OTHER_NUMEN)
    for call in (wire.ShowAccount, wire.ShowJournal, wire.Devices):
        assert stage.ask(call(HERE, "autre", token("autre"))) == NOT_PROVED
        assert isinstance(stage.ask(call(HERE, "mdupond", token("mdupond"))), wire.Done)


def test_a_change_of_password_ends_what_was_logged_in_before(stage: Stage) -> None:
    assert shown(stage)
    assert isinstance(stage.ask(wire.EndSessions(HERE, "mdupond", token("mdupond"))), wire.Done)
    assert stage.ask(wire.ShowAccount(HERE, "mdupond", token("mdupond"))) == NO_LOG_IN


def test_looking_has_a_limit_of_its_own(stage: Stage) -> None:
    ask = wire.ShowJournal(HERE, "mdupond", token("mdupond"))
    answers = [stage.ask(ask) for _ in range(stage.limits.rates.shown.most + 1)]
    assert isinstance(answers[-2], wire.Done)
    assert isinstance(answers[-1], wire.Refused) and answers[-1].error == wire.ErrorCode.SLOW_DOWN
    assert isinstance(stage.ask(wire.EndSessions(HERE, "mdupond", token("mdupond"))), wire.Done)


def test_the_journal_tells_acts_in_words_newest_first(stage: Stage) -> None:
    stage.journal.parent.mkdir(exist_ok=True)
    lines = [
        {"time": "2026-08-01T08:00:00", "who": "root@pc-dsi", "action": "block", "account": "mdupond", "note": "vol"},
        {"time": "2026-08-02T08:00:00", "who": "accountd:portal", "action": "password", "account": "mdupond"},
        {"time": "2026-08-03T08:00:00", "who": "root@pc-dsi", "action": "channels-open", "account": "mdupond"},
        {"time": "2026-08-04T08:00:00", "who": "root@pc-dsi", "action": "block", "account": "autre"},
    ]
    stage.journal.write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    answer = stage.ask(wire.ShowJournal(HERE, "mdupond", token("mdupond")))
    assert isinstance(answer, wire.Done)
    assert answer.journal == (
        wire.Line("2026-08-02T08:00:00", "mot de passe changé", "portal"),
        wire.Line("2026-08-01T08:00:00", "compte bloqué", "operators", "vol"),
    )


def test_a_long_journal_has_room_in_an_answer() -> None:
    lines = [wire.Line(f"2026-08-01T08:00:{n:02d}", "données modifiées", "operators", "é" * 120) for n in range(60)]
    kept = own.newest(lines)
    assert 5 < len(kept) < 60 and kept[0] == lines[-1]
    assert len(wire.encode_answer(wire.Done("mdupond", journal=kept))) < wire.LONGEST


@pytest.mark.parametrize(("value", "told"), [("", ""), ("+33612345678", "…78"), ("m@exemple.test", "m…@exemple.test")])
def test_means_of_recovery_are_masked(value: str, told: str) -> None:
    assert own.masked(value) == told
