"""The account of an agent who is logged in, as the agent sees it."""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd import codec, own
from malleposte.accountd.calls import log_ins, passwords
from malleposte.accountd.calls.account import Diagnose, Diagnosed, Line, ShowAccount, ShowJournal
from malleposte.accountd.calls.devices import AddDevice, Devices
from malleposte.accountd.calls.protection import EndSessions
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Refused
from malleposte.accountd.own import COMPUTED, Account, Diagnosis, LogIn, RefusedMail
from malleposte.accounts.disclosure import lines as disclosure
from malleposte.accounts.mailbox.filters import forwards
from malleposte.directory.model import State
from malleposte.throttle.record import model

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, OLD, OTHER_NUMEN, Stage, success, token


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.agent(
        "mdupond", State.ACTIVE, mpRecoveryMail=["marie.d@exemple.test"], mpRecoveryPhone=["+33612345678"],
        pwdChangedTime=["20260801080000Z"], mpQuota=["7000"],
    )  # fmt: skip
    return made


def shown(stage: Stage) -> Account:
    answer = success(stage.ask(ShowAccount(HERE, "mdupond", token("mdupond"))))
    return answer.account


def test_an_account_is_summed_up_and_its_means_of_recovery_are_masked(stage: Stage) -> None:
    found = shown(stage)
    assert (found.name, found.mail, found.profile) == ("Marie Dupond", "mdupond@ac-exemple.test", "roundcube")
    assert (found.recovery_mail, found.recovery_phone) == ("ma…@exemple.test", "…78")
    assert (found.quota_mb, found.password_until) == (7000, "20270801080000Z")
    assert (found.looked, found.filters, found.forwards) == (True, "roundcube", ("ailleurs@exemple.test",))
    stage.mute = True
    assert (shown(stage).looked, shown(stage).forwards) == (False, ())


def test_a_forward_that_a_filter_computes_is_told_without_its_text(stage: Stage) -> None:
    stage.hosts.forwards = forwards('redirect "a@b.test"; redirect "moi${x}@c.test"; redirect "${y}";')
    assert shown(stage).forwards == ("a@b.test", COMPUTED)


def test_nobody_is_shown_another_s(stage: Stage) -> None:
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    for call in (ShowAccount, ShowJournal, Diagnose):
        assert stage.ask(call(HERE, "mdupond", token("autre"))) == NO_LOG_IN
        assert success(stage.ask(call(HERE, "autre", token("autre")))).uid == "autre"


@pytest.mark.parametrize("state", [State.BLOCKED, State.SUSPENDED, State.EXPIRED])
def test_a_token_of_before_opens_no_account_that_is_not_active(stage: Stage, state: State) -> None:
    stage.agent("autre", state, OTHER_NUMEN)
    for call in (ShowAccount, ShowJournal, Devices, Diagnose):
        assert stage.ask(call(HERE, "autre", token("autre"))) == NOT_PROVED
        assert isinstance(stage.ask(call(HERE, "mdupond", token("mdupond"))), Done)


def test_a_change_of_password_ends_what_was_logged_in_before(stage: Stage) -> None:
    assert shown(stage)
    assert isinstance(stage.ask(EndSessions(HERE, "mdupond", token("mdupond"))), Done)
    assert stage.ask(ShowAccount(HERE, "mdupond", token("mdupond"))) == NO_LOG_IN


def test_looking_has_a_limit_of_its_own(stage: Stage) -> None:
    ask = ShowJournal(HERE, "mdupond", token("mdupond"))
    answers = [stage.ask(ask) for _ in range(stage.limits.rates.shown.most + 1)]
    assert isinstance(answers[-2], Done)
    assert isinstance(answers[-1], Refused) and answers[-1].error == ErrorCode.SLOW_DOWN
    assert isinstance(stage.ask(EndSessions(HERE, "mdupond", token("mdupond"))), Done)


def test_the_journal_tells_acts_in_words_newest_first(stage: Stage) -> None:
    stage.journal.parent.mkdir(exist_ok=True)
    lines = [
        {"time": "2026-08-01T08:00:00", "who": "root@pc-dsi", "action": "block", "account": "mdupond", "note": "vol"},
        {"time": "2026-08-02T08:00:00", "who": "accountd:portal", "action": "password", "account": "mdupond"},
        {"time": "2026-08-03T08:00:00", "who": "root@pc-dsi", "action": "channels-open", "account": "mdupond"},
        {"time": "2026-08-04T08:00:00", "who": "root@pc-dsi", "action": "block", "account": "autre"},
        {"time": "2026-08-05T08:00:00", "who": "root@pc-dsi", "action": "modify", "account": "mdupond",
         "before": {"mpOpens": []}, "after": {"mpOpens": ["ce.0210001a"]}},
        {"time": "2026-08-06T08:00:00", "who": "root@pc-dsi", "action": "modify", "account": "mdupond",
         "after": {"mpOpens": ["ce.0210001a"], "mpCorps": ["PLC"]}},
        {"time": "2026-08-07T08:00:00", "who": "root@mail1", "action": "restore-folder", "account": "mdupond",
         "what": "Projets", "note": "demande 4711"},
        {"time": "2026-08-08T08:00:00", "who": "accountd:portal", "action": "device-add", "account": "mdupond",
         "name": "Téléphone d’Amélie"},
    ]  # fmt: skip
    stage.journal.write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    answer = success(stage.ask(ShowJournal(HERE, "mdupond", token("mdupond"))))
    assert answer.journal == (
        Line("2026-08-08T08:00:00", "mot de passe d’appareil créé", "portal", name="Téléphone d’Amélie"),
        Line("2026-08-07T08:00:00", "dossier restauré depuis une sauvegarde", "operators", "demande 4711"),
        Line("2026-08-06T08:00:00", "données modifiées", "operators", changed="corps; boîtes ouvertes"),
        Line("2026-08-05T08:00:00", "accès à une boîte partagée modifié", "operators", changed="boîtes ouvertes"),
        Line("2026-08-02T08:00:00", "mot de passe changé", "portal"),
        Line("2026-08-01T08:00:00", "compte bloqué", "operators", "vol"),
    )


def test_a_long_journal_has_room_in_an_answer(stage: Stage) -> None:
    rows = [("données modifiées", "operators", "é" * 120)] * 60
    lines = [disclosure.Line(f"2026-08-01T08:00:{number:02d}", *row) for number, row in enumerate(rows)]
    vars(stage.hosts).update(journal=lambda _uid: lines)
    answer = success(stage.ask(ShowJournal(HERE, "mdupond", token("mdupond"))))
    assert 5 < len(answer.journal) < 60 and answer.journal[0].time == lines[-1].time
    assert len(codec.encode_answer(answer)) < LONGEST


@pytest.mark.parametrize(("value", "told"), [("", ""), ("+33612345678", "…78"), ("m@exemple.test", "m…@exemple.test")])
def test_means_of_recovery_are_masked(value: str, told: str) -> None:
    assert own.masked(value) == told


LATE = datetime.datetime(2026, 8, 20, 12, tzinfo=datetime.UTC)
"""After the password was changed, in August."""
EARLY = datetime.datetime(2026, 7, 20, 12, tzinfo=datetime.UTC)


def seen(event: model.LogIn | model.Refusal, at: datetime.datetime = LATE, count: int = 1) -> model.Seen[Any]:
    return model.Seen(event, int(at.timestamp()), int(at.timestamp()), count)


def log_in(*, accepted: bool = False, service: str = "imap", program: str = "K-9", place: str = "") -> model.LogIn:
    return model.LogIn(
        "mdupond", accepted, service, place or "192.0.2.7", program, reason="" if accepted else "password"
    )


def diagnosed(stage: Stage) -> Diagnosed:
    return success(stage.ask(Diagnose(HERE, "mdupond", token("mdupond"))))


def test_log_ins_and_refused_mail_are_told_with_the_account(stage: Stage) -> None:
    virus = model.Refusal("mdupond", "in", "ami@lointain.test", "virus")
    stage.hosts.kept = model.Kept((seen(log_in(accepted=True)),), (seen(virus, count=2),), 2400, 2500)
    answer = diagnosed(stage)
    assert answer.account.forwards == ("ailleurs@exemple.test",)
    time = "2026-08-20T12:00:00+00:00"
    assert answer.diagnosis == Diagnosis(
        (LogIn(time, True, "imap", "192.0.2.7", "K-9"),),
        (RefusedMail(time, "in", "ami@lointain.test", "virus", 2),), 2400, 2500, looked=True,
        agendas_mb=150, agendas_room_mb=200,
    )  # fmt: skip
    assert codec.decode_answer(Diagnosed, codec.encode_answer(answer)) == answer
    stage.mute = True
    assert not diagnosed(stage).diagnosis.looked


def test_agendas_that_cannot_be_measured_leave_the_rest(stage: Stage) -> None:
    stage.hosts.kept = model.Kept((), (), 2400, 2500)
    stage.hosts.agendas_away = True
    answer = diagnosed(stage).diagnosis
    assert not answer.looked and (answer.used_mb, answer.agendas_room_mb) == (2400, 0)


def test_a_device_is_told_by_its_name(stage: Stage) -> None:
    made = success(stage.ask(AddDevice(HERE, "mdupond", OLD, "Téléphone")))
    event = dataclasses.replace(log_in(accepted=True), device=made.devices[0].ident)
    stage.hosts.kept = model.Kept((seen(event),))
    assert diagnosed(stage).diagnosis.logins[0].device == "Téléphone"


def test_a_full_record_fits_into_an_answer(stage: Stage) -> None:
    logins = [seen(log_in(accepted=odd, place=f"2001:db8::{number}", program="é" * 40), LATE, 10)
              for number in range(100) for odd in (False, True)]  # fmt: skip
    refused = [seen(model.Refusal("mdupond", "in", "é" * 120, f"spam{number}")) for number in range(100)]
    stage.hosts.kept = model.Kept(tuple(logins), tuple(refused))
    answer = diagnosed(stage)
    assert len(codec.encode_answer(answer)) < LONGEST
    assert {one.accepted for one in answer.diagnosis.logins} == {False, True} and answer.diagnosis.refused


@pytest.mark.parametrize(
    ("others", "count", "expected"),
    [
        ([], 1, False),
        ([], own.OFTEN, True),
        ([seen(log_in(accepted=True), EARLY)], 1, True),
        ([seen(log_in(accepted=True), LATE)], 9, False),
        ([seen(log_in(accepted=True, program="Thunderbird"), EARLY)], 1, False),
    ],
)
def test_a_program_with_the_password_of_before_a_change(others: list[Any], count: int, expected: bool) -> None:
    changed = datetime.datetime(2026, 8, 1, tzinfo=datetime.UTC).timestamp()
    wrong = seen(log_in(), LATE, count)
    assert own.old(wrong, [wrong, *others], changed) is expected
    assert own.old(wrong, [wrong, *others], LATE.timestamp() + 1) is False, "refused before the change"
    assert own.old(wrong, [wrong, *others], None) is False


def test_a_person_at_the_log_in_page_is_no_program() -> None:
    wrong = seen(log_in(service="page", program=""), LATE, 20)
    assert own.old(wrong, [wrong], EARLY.timestamp()) is False


def test_log_ins_at_the_log_in_page_are_recorded_and_unknown_names_are_not(stage: Stage) -> None:
    for login, password in (("mdupond", "faux"), ("personne", "faux"), ("mdupond.bis", OLD)):
        stage.ask(passwords.Prove(HERE, login, password))
    assert stage.noted == [model.LogIn("mdupond", False, "page", HERE, reason="password")]
    stage.ask(log_ins.Entered(HERE, "mdupond", "password"))
    assert stage.noted[1:] == [model.LogIn("mdupond", True, "page", HERE)]


def test_whoever_must_wait_is_recorded_so(stage: Stage) -> None:
    for number in range(5):
        stage.ask(passwords.Prove(HERE, "mdupond", f"faux{number}"))
    assert [one.reason for one in stage.noted] == ["password"] * 3 + ["wait"] * 2
