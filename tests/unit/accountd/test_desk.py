"""The help desk's calls: who may act, on whom, how often; what is shown, what is done, what the journals say."""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd import codec
from malleposte.accountd.call import CALLS
from malleposte.accountd.calls.account import ShowAccount, ShowJournal
from malleposte.accountd.calls.desk.acts import CodeGiven, DeskBlock, DeskCode, DeskRemoveFactor
from malleposte.accountd.calls.desk.looks import DeskFind, DeskList, DeskReach, DeskShow
from malleposte.accountd.calls.desk.sealed import DeskSealed, DeskUnseal
from malleposte.accountd.calls.desk.traces import DeskTrace
from malleposte.accountd.calls.protection import EndSessions
from malleposte.accountd.desk_rules import Rules
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Forbidden, Refused, Request
from malleposte.accountd.own import COMPUTED
from malleposte.accounts import life
from malleposte.accounts.credentials import codes
from malleposte.accounts.disclosure import lines
from malleposte.accounts.mailbox.filters import forwards
from malleposte.accounts.mailbox.quarantine import Held as SealedMessage
from malleposte.adapters.lemonldap import Factor
from malleposte.core.errors import InputError, MallepostError
from malleposte.deliveries.model import Answer
from malleposte.directory.devices import Device, device_attributes
from malleposte.directory.model import State
from malleposte.throttle.record import model

from .test_own import LATE, log_in, seen
from .test_service import HERE, KEYS, NO_LOG_IN, NOT_PROVED, NOW, OTHER_NUMEN, Stage, refusal, success, token

SCHOOL, NEAR, FAR = "0210001M", "0210002N", "0580001X"
SCHOOLS = [SCHOOL, *(f"02100{number:02}M" for number in range(2, 16))]
"""The most that an agent has, in this test's eyes."""
WHY = "ticket 4711"
DESK = {"mpRole": [f"helpdesk {SCHOOL}"], "mpEstablishment": [SCHOOL]}


class Store:
    """Second factors of the log-in page."""

    def __init__(self) -> None:
        self.held = [Factor("abc", "totp", "Téléphone", NOW), Factor("def", "webauthn", "Clé", None)]
        self.away = False
        self.sealed = [SealedMessage("12", "Ami <ami@lointain.test>", "Facture", "2026-10-02 09:30:00", ("form",))]

    def kept_apart(self, uid: str, place: str) -> list[SealedMessage]:
        assert place == "sealed"
        return list(self.sealed)

    def release(self, uid: str, place: str, idents: Sequence[str]) -> int:
        if place != "sealed" or set(idents) - {one.ident for one in self.sealed}:
            raise InputError("it is not there")
        self.sealed = []
        return len(idents)

    def factors(self, uid: str) -> list[Factor]:
        if self.away:
            raise MallepostError("pia1 gives no answer")
        return list(self.held)

    def unfactor(self, uid: str, ident: str) -> Factor:
        gone = next((one for one in self.held if one.ident == ident), None)
        if gone is None:
            raise InputError("no such factor")
        self.held.remove(gone)
        return gone


@pytest.fixture
def stage(tmp_path: Path, ground: Any) -> Stage:
    made = Stage(tmp_path, ground)
    school(made, SCHOOL, "21")
    school(made, NEAR, "21")
    school(made, FAR, "58")
    made.agent("adesk", State.ACTIVE, OTHER_NUMEN, **DESK)
    made.agent("mdupond", State.ACTIVE, mpEstablishment=[SCHOOL], mpRecoveryMail=["marie@exemple.test"])
    made.store = store = Store()  # type: ignore[attr-defined]
    vars(made.hosts).update(factors=store.factors, unfactor=store.unfactor, trace=lambda _query: (Answer(), []))
    vars(made.hosts).update(kept_apart=store.kept_apart, release=store.release)
    object.__setattr__(made.service.tools.rules, "desk", Rules(read_aloud=True, read_aloud_a_day=2, protected=("DSI",)))
    return made


def school(stage: Stage, uai: str, department: str) -> None:
    stage.directory.add(
        f"mpEstablishment={uai},ou=establishments,{stage.directory.suffix}",
        {"objectClass": ["mpSchool"], "mpEstablishment": [uai], "o": ["École"], "mpDepartment": [department]},
    )


def change(stage: Stage, uid: str, **values: list[str]) -> None:
    stage.directory.modify(f"uid={uid},ou=people,{stage.directory.suffix}", values)


def mine(level: int | None = 4, uid: str = "adesk") -> dict[str, str]:
    return {"source": HERE, "uid": uid, "token": token(uid, level=level)}


def code(stage: Stage, way: str = "aloud", target: str = "mdupond", **changed: Any) -> CodeGiven | Refused:
    asked: dict[str, Any] = {**mine(), "target": target, "way": way, "reason": WHY, "called_back": True}
    return stage.ask(DeskCode(**asked | changed))


def forbidden(word: Forbidden) -> Refused:
    return Refused(ErrorCode.FORBIDDEN, word.value)


def every(target: str = "mdupond", **who: str) -> list[Request[Any]]:
    """Every call on somebody's account."""
    return [
        DeskShow(**who, target=target),
        DeskCode(**who, target=target, way="aloud", reason=WHY, called_back=True),
        DeskRemoveFactor(**who, target=target, factor="abc", reason=WHY),
        DeskSealed(**who, target=target, reason=WHY),
        DeskUnseal(**who, target=target, messages=("12",), reason=WHY),
        DeskBlock(**who, target=target, reason=WHY),
        DeskTrace(**who, target=target, reason=WHY),
    ]


def looks(**who: str) -> list[Request[Any]]:
    """Every call on nobody's account."""
    return [
        DeskReach(**who),
        DeskFind(**who, text="dupond"),
        DeskList(**who, school=SCHOOL, state="pending"),
    ]


# --- who ---


def test_whoever_has_the_role_and_showed_a_second_factor_may(stage: Stage) -> None:
    for request in (*looks(**mine()), *every(**mine())):
        assert isinstance(stage.ask(request), Done), request


@pytest.mark.parametrize("level", [None, 0, 2, 3, True, "4"])
def test_a_log_in_without_a_second_factor_may_nothing(stage: Stage, level: Any) -> None:
    for request in (*looks(**mine(level)), *every(**mine(level))):
        assert stage.ask(request) == forbidden(Forbidden.FACTOR), request
    assert stage.held("mdupond", "mpState") == ["active"]
    assert len(stage.hosts.factors("mdupond")) == 2
    assert isinstance(stage.ask(DeskReach(**mine(5))), Done)


@pytest.mark.parametrize("held", [[], ["dsi"], ["helpdesk"], ["helpdesk 0210001M 21"], ["other *"]])
def test_whoever_has_not_the_role_may_nothing(stage: Stage, held: list[str]) -> None:
    assert isinstance(stage.ask(DeskReach(**mine())), Done)
    change(stage, "adesk", mpRole=held)
    for request in (*looks(**mine()), *every(**mine())):
        assert stage.ask(request) == forbidden(Forbidden.ROLE), request
    assert stage.held("mdupond", "mpState") == ["active"]


def test_a_token_is_good_for_its_own_agent_alone(stage: Stage) -> None:
    stage.agent("autre", State.ACTIVE, "01E9500003ABC", mpEstablishment=[SCHOOL])
    stolen = {"source": HERE, "uid": "adesk", "token": token("autre", level=5)}
    for request in (*looks(**stolen), *every(**stolen)):
        assert stage.ask(request) == NO_LOG_IN
    old = mine() | {"token": token("adesk", level=4, exp=int(NOW.timestamp()) - 600)}
    assert stage.ask(DeskReach(**old)) == NO_LOG_IN
    change(stage, "adesk", mpState=["blocked"])
    assert stage.ask(DeskReach(**mine())) == NOT_PROVED


# --- on whom ---


def test_another_school_is_as_nobody_at_all(stage: Stage) -> None:
    stage.agent("loin", State.ACTIVE, "01E9500003ABC", mpEstablishment=[FAR])
    stage.agent("sans", State.ACTIVE, "01E9500004ABC")
    for target in ("loin", "sans", "nobody", "", "*"):
        for request in every(target, **mine()):
            assert stage.ask(request) == forbidden(Forbidden.REACH), request
    assert (stage.held("loin", "mpState"), stage.held("loin", "mpInaCode")) == (["active"], [])
    change(stage, "adesk", mpRole=[f"helpdesk {SCHOOL}", f"helpdesk {FAR}"])
    assert isinstance(stage.ask(every("loin", **mine())[0]), Done)


@pytest.mark.parametrize(("scope", "reached"), [("21", True), ("58", False), ("*", True), (NEAR, True), (FAR, False)])
def test_a_departement_reaches_its_schools_and_a_star_everybody(stage: Stage, scope: str, reached: bool) -> None:
    stage.agent("voisin", State.ACTIVE, "01E9500003ABC", mpEstablishment=[NEAR])
    change(stage, "adesk", mpRole=[f"helpdesk {scope}"])
    answer = stage.ask(DeskShow(**mine(), target="VOISIN"))
    assert isinstance(answer, Done) is reached, answer


def test_nobody_acts_on_oneself(stage: Stage) -> None:
    for target in ("adesk", " ADESK "):
        for request in every(target, **mine()):
            assert stage.ask(request) == forbidden(Forbidden.ONESELF)
    assert (stage.held("adesk", "mpState"), stage.held("adesk", "mpInaCode")) == (["active"], [])


@pytest.mark.parametrize(
    "more", [{"mpRole": ["dsi"]}, {"mpRole": [f"helpdesk {FAR}"]}, {"mpFunction": ["dsi, exploitation"]}]
)
def test_nobody_acts_on_an_account_with_a_role(stage: Stage, more: dict[str, list[str]]) -> None:
    stage.agent("chef", State.ACTIVE, "01E9500003ABC", mpEstablishment=[SCHOOL], **more)
    for request in every("chef", **mine()):
        assert stage.ask(request) == forbidden(Forbidden.PROTECTED)
    assert (stage.held("chef", "mpState"), stage.held("chef", "mpInaCode")) == (["active"], [])
    change(stage, "chef", mpRole=[], mpFunction=["Professeur"])
    assert isinstance(stage.ask(every("chef", **mine())[0]), Done)


# --- what is looked at ---


def test_a_search_finds_those_in_reach(stage: Stage) -> None:
    stage.agent("loin", State.ACTIVE, "01E9500003ABC", mpEstablishment=[FAR])
    found = success(stage.ask(DeskFind(**mine(), text="dupond")))
    assert [one.uid for one in found.people] == ["adesk", "mdupond"]
    assert not found.more
    assert refusal(stage.ask(DeskFind(**mine(), text="d"))).error is ErrorCode.REFUSED_VALUE


def test_many_are_cut_and_fit_into_a_line(stage: Stage) -> None:
    for number in range(60):
        stage.agent(f"agent{number:02}", State.ACTIVE, f"01E95{number:05}XYZ", mpEstablishment=SCHOOLS)
    found = success(stage.ask(DeskFind(**mine(), text="agent")))
    assert found.more
    assert len(found.people) > 20
    assert len(codec.encode_answer(found)) < LONGEST


@pytest.mark.parametrize(
    ("state", "uids"),
    [("locked", ["serré"]), ("blocked", ["bloqué"]), ("expired", ["ancien", "échu"]), ("pending", ["attend"]),
     ("idle", ["bloqué-non", "parti"])],
)  # fmt: skip
def test_lists_of_a_school(stage: Stage, state: str, uids: list[str]) -> None:
    recent, long_ago = "20260830080000Z", "20250101080000Z"
    fresh = {"mpEstablishment": [SCHOOL], "pwdLastSuccess": [recent], "pwdChangedTime": [recent]}
    for uid in ("adesk", "mdupond"):
        stage.ground.force(uid, pwdLastSuccess=[recent])
    rows: dict[str, tuple[State, dict[str, list[str]]]] = {
        "serre": (State.ACTIVE, {"pwdAccountLockedTime": [recent]}),
        "bloque": (State.BLOCKED, {"mpBlockedUntil": ["20260903080000Z"]}),
        "echu": (State.EXPIRED, {}),
        "ancien": (State.ACTIVE, {"pwdChangedTime": [long_ago]}),
        "attend": (State.PENDING, {}),
        "parti": (State.ACTIVE, {"pwdLastSuccess": [long_ago]}),
        "jamais": (State.ACTIVE, {"pwdLastSuccess": []}),
        "ailleurs": (State.PENDING, {"mpEstablishment": [NEAR], "pwdAccountLockedTime": [recent]}),
    }
    for number, (uid, (held, more)) in enumerate(rows.items()):
        stage.agent(uid, held, f"01E95{number:05}XYZ", **fresh | more)
    plain = {"serré": "serre", "bloqué": "bloque", "échu": "echu", "bloqué-non": "jamais"}
    answer = success(stage.ask(DeskList(**mine(), school=SCHOOL, state=state)))
    assert sorted(one.uid for one in answer.people) == sorted(plain.get(uid, uid) for uid in uids)
    assert stage.ask(DeskList(**mine(), school=NEAR, state=state)) == forbidden(Forbidden.REACH)
    refusal(stage.ask(DeskList(**mine(), school=SCHOOL, state="rich")))


def test_who_entered_by_a_device_or_is_on_record_is_not_idle(stage: Stage) -> None:
    def idle() -> list[str]:
        answer = success(stage.ask(DeskList(**mine(), school=SCHOOL, state="idle")))
        return sorted(one.uid for one in answer.people)

    for uid, numen in (("telephone", "01E9500003ABC"), ("ailleurs", "01E9500004ABC")):
        stage.agent(uid, State.ACTIVE, numen, mpEstablishment=[SCHOOL])
    for owner, ident, days in (("telephone", "abcdefgh", 89), ("ailleurs", "bcdefghj", 91)):
        used = NOW - datetime.timedelta(days=days)
        device = Device(ident, owner, "Téléphone", ("imap",), NOW, used=used)
        held = device_attributes(device, {"mpProfile": ["roundcube"], "mpState": ["active"]}, "x") | {
            "mpDeviceUsed": [life.stamp(used)]
        }
        stage.directory.add(device.dn(stage.directory.suffix), held)
    assert idle() == ["adesk", "ailleurs", "mdupond"]

    refused, entered, long_ago = log_in(), log_in(accepted=True), NOW - datetime.timedelta(days=91)
    stage.hosts.kept = model.Kept((seen(refused, NOW), seen(entered, long_ago)))
    assert "mdupond" in idle()
    stage.hosts.kept = model.Kept((seen(entered, NOW - datetime.timedelta(days=2)),))
    assert idle() == ["adesk", "ailleurs"]
    stage.mute = True
    assert idle() == ["adesk", "ailleurs"], "what one host does not tell, another may"


def test_a_sheet_says_the_state_and_no_secret(stage: Stage) -> None:
    change(stage, "mdupond", mpRecoveryPhone=["+33612345678"], pwdAccountLockedTime=["20260901075900Z"])
    secret = stage.code("mdupond")
    stage.hosts.forwards += forwards('redirect "marie@${x}";')
    answer = success(stage.ask(DeskShow(**mine(), target="mdupond")))
    assert answer.sheet is not None
    assert (answer.account.recovery_mail, answer.account.recovery_phone) == ("ma…@exemple.test", "…78")
    assert answer.account.forwards == ("ai…@exemple.test", COMPUTED)
    assert answer.sheet.codes == ("desk 20261001080000Z",)
    assert answer.sheet.ways == ("mail", "sms", "aloud")
    assert [(one.ident, one.kind) for one in answer.sheet.factors] == [("abc", "totp"), ("def", "webauthn")]
    assert (answer.sheet.locked, answer.sheet.factors_known) == ("20260901075900Z", True)
    told = codec.encode_answer(answer).decode()
    assert not [one for one in (secret, "marie@", "612345678", "k1:", "ailleurs@") if one in told]


def test_a_sheet_says_what_could_not_be_read(stage: Stage) -> None:
    stage.mute = stage.store.away = True  # type: ignore[attr-defined]
    answer = success(stage.ask(DeskShow(**mine(), target="mdupond")))
    assert answer.sheet is not None
    assert (answer.sheet.factors_known, answer.account.looked) == (False, False)


def test_a_sheet_has_the_diagnosis_without_the_names_of_others(stage: Stage) -> None:
    virus = model.Refusal("mdupond", "in", "ami@lointain.test", "virus")
    stage.hosts.kept = model.Kept((seen(log_in(accepted=True)), seen(log_in())), (seen(virus, count=2),), 2400, 2500)
    answer = success(stage.ask(DeskShow(**mine(), target="mdupond")))
    told = {(one.accepted, one.place, one.program) for one in answer.diagnosis.logins}
    assert told == {(True, "192.0.2.7", "K-9"), (False, "192.0.2.7", "K-9")}
    assert [(one.other, one.reason, one.count) for one in answer.diagnosis.refused] == [
        ("am…@lointain.test", "virus", 2)
    ]
    assert (answer.diagnosis.used_mb, answer.diagnosis.quota_mb, answer.diagnosis.looked) == (2400, 2500, True)


def test_the_fullest_sheet_fits_into_an_answer(stage: Stage) -> None:
    logins = [seen(log_in(accepted=odd, place=f"2001:db8::{number}", program="é" * 40), LATE, 10)
              for number in range(100) for odd in (False, True)]  # fmt: skip
    refused = [seen(model.Refusal("mdupond", "in", "é" * 120, f"spam{number}")) for number in range(100)]
    stage.hosts.kept = model.Kept(tuple(logins), tuple(refused))
    stage.store.held = [Factor(f"{number}" * 8, "webauthn", "é" * 40, NOW) for number in range(14)]  # type: ignore[attr-defined]
    stage.hosts.forwards += forwards("".join(f'redirect "{"x" * 40}{number}@{"y" * 60}.test";' for number in range(14)))
    change(stage, "mdupond", mpEstablishment=SCHOOLS, cn=["é" * 200])
    answer = stage.ask(DeskShow(**mine(), target="mdupond"))
    assert len(codec.encode_answer(answer)) < LONGEST
    assert isinstance(answer, Done)
    assert {one.accepted for one in answer.diagnosis.logins} == {False, True} and answer.diagnosis.refused


# --- codes ---


def test_a_code_read_aloud_is_good_once_and_ends_the_others(stage: Stage) -> None:
    before = stage.code("mdupond")
    done = success(code(stage))
    assert done.until == "20260901090000Z"
    held = {"mpInaCode": stage.held("mdupond", "mpInaCode")}
    assert codes.matches(KEYS, "mdupond", done.secret, held, NOW, (codes.Way.DESK,))
    assert not codes.matches(KEYS, "mdupond", done.secret, held, NOW + datetime.timedelta(minutes=61))
    assert not codes.matches(KEYS, "mdupond", before, held, NOW)
    assert done.secret not in stage.journal.read_text("utf-8")
    assert "lu un code au téléphone" in " ".join(stage.letters[-1].get_content().split())


def test_a_code_is_read_aloud_after_a_call_back_where_the_academy_wants_it(stage: Stage) -> None:
    assert code(stage, called_back=False) == forbidden(Forbidden.CALL_BACK)
    object.__setattr__(stage.service.tools.rules, "desk", Rules())
    assert code(stage) == forbidden(Forbidden.ALOUD)
    assert stage.held("mdupond", "mpInaCode") == []
    object.__setattr__(stage.service.tools.rules, "desk", Rules(read_aloud=True))
    assert isinstance(code(stage), Done)


def test_a_day_has_so_many_codes_read_aloud_and_so_many_acts(stage: Stage) -> None:
    stage.agent("bdesk", State.ACTIVE, "01E9500005ABC", **DESK)
    assert [isinstance(code(stage), Done) for _ in range(3)] == [True, True, False]
    assert code(stage) == forbidden(Forbidden.CAP)
    assert isinstance(code(stage, "mail"), Done), "another way is free"
    assert isinstance(code(stage, **mine(uid="bdesk")), Done), "and another person"
    object.__setattr__(stage.service.tools.rules, "desk", Rules(acts_a_day=3))
    assert code(stage, "mail") == forbidden(Forbidden.CAP), "what was refused counts for nothing"
    assert stage.ask(DeskBlock(**mine(), target="mdupond", reason=WHY)) == forbidden(Forbidden.CAP)
    assert stage.held("mdupond", "mpState") == ["active"]


def test_what_its_owner_cannot_be_told_is_not_read_aloud(stage: Stage) -> None:
    stage.mute = True
    refused = refusal(code(stage))
    assert (refused.error, stage.held("mdupond", "mpInaCode")) == (ErrorCode.UNAVAILABLE, [])
    stage.mute = False
    assert isinstance(code(stage), Done)


@pytest.mark.parametrize("reason", ["", "  ", "\x07"])
def test_each_act_has_a_reason(stage: Stage, reason: str) -> None:
    refused = refusal(code(stage, reason=reason))
    assert (refused.error, stage.held("mdupond", "mpInaCode")) == (ErrorCode.REFUSED_VALUE, [])
    assert isinstance(code(stage), Done)


def test_a_code_goes_to_the_means_of_recovery_and_is_not_shown(stage: Stage) -> None:
    done = success(code(stage, "mail"))
    assert (done.secret, [where for where, _ in stage.sent]) == ("", ["marie@exemple.test"])
    assert stage.held("mdupond", "mpInaCode")[0].startswith("mail ")
    assert code(stage, "sms") == forbidden(Forbidden.MEANS)
    change(stage, "mdupond", mpRecoveryPhone=["+33612345678"])
    assert isinstance(code(stage, "sms"), Done)
    assert stage.gateway.sent[0][0] == "+33612345678"
    stage.gateway.broken = True
    assert refusal(code(stage, "sms")).error is ErrorCode.UNAVAILABLE


def test_a_letter_is_for_an_account_that_waits(stage: Stage) -> None:
    stage.agent("attend", State.PENDING, "01E9500003ABC", mpEstablishment=[SCHOOL])
    assert code(stage, "letter") == forbidden(Forbidden.STATE)
    done = success(code(stage, "letter", "attend"))
    assert (stage.held("attend", "mpLetterAsked"), done.secret) == (["20260901080000Z"], "")
    assert code(stage, "mail", "attend") == forbidden(Forbidden.STATE)
    assert isinstance(code(stage, "aloud", "attend"), Done)


def test_a_code_that_opens_nothing_is_not_given(stage: Stage) -> None:
    change(stage, "mdupond", mpNumenDigest=[])
    assert code(stage) == forbidden(Forbidden.NUMEN)
    change(stage, "mdupond", mpNumenDigest=[KEYS.digest("numen", "01E9500001ABC")], mpState=["suspended"])
    assert code(stage) == forbidden(Forbidden.STATE)
    change(stage, "mdupond", mpState=["active"])
    assert isinstance(code(stage), Done)


# --- a block, a factor ---


def test_a_block_is_that_of_the_policy(stage: Stage) -> None:
    done = success(stage.ask(DeskBlock(**mine(), target="mdupond", reason=WHY)))
    assert (done.before, done.until) == ("active", "20260903080000Z")
    assert (stage.held("mdupond", "mpState"), stage.channel.closed) == (["blocked"], ["mdupond"])


def test_no_call_ends_a_block(stage: Stage) -> None:
    """Ending one is the DSI's, on the command line: of all calls, the desk's and the agent's own."""
    assert isinstance(stage.ask(DeskBlock(**mine(), target="mdupond", reason=WHY)), Done)
    blocked = {name: stage.held("mdupond", name) for name in ("mpState", "mpBlockedUntil")}
    for request in (*looks(**mine()), *every(**mine()), *every(**mine(uid="mdupond"))):
        stage.ask(request)
        assert {name: stage.held("mdupond", name) for name in blocked} == blocked, request
    assert not [name for name in CALLS if "unblock" in name or "reopen" in name]


def test_a_lost_factor_is_removed_and_its_owner_told(stage: Stage) -> None:
    object.__setattr__(stage.service.tools.rules, "factors_close", True)
    change(stage, "mdupond", mpTwoFactor=["totp", "webauthn"])
    success(stage.ask(DeskRemoveFactor(**mine(), target="mdupond", factor="abc", reason=WHY)))
    assert stage.held("mdupond", "mpTwoFactor") == ["webauthn"]
    assert "Moyen de connexion supprimé" in str(stage.letters[-1]["Subject"])
    refused = refusal(stage.ask(DeskRemoveFactor(**mine(), target="mdupond", factor="abc", reason=WHY)))
    assert refused.error is ErrorCode.REFUSED_VALUE


@pytest.mark.parametrize("name", ["factors", "unfactor"])
def test_a_log_in_page_that_is_away_is_no_wrong_value(stage: Stage, name: str) -> None:
    def away(*_words: str) -> None:
        raise MallepostError("sso1 does not answer")

    vars(stage.service.tools.hosts)[name] = away
    refused = refusal(stage.ask(DeskRemoveFactor(**mine(), target="mdupond", factor="abc", reason=WHY)))
    assert refused.error is ErrorCode.UNAVAILABLE


# --- journals ---


def test_the_journal_names_both_and_the_owner_is_shown_it_without_names(stage: Stage) -> None:
    code(stage)
    stage.ask(DeskBlock(**mine(2), target="mdupond", reason=WHY))
    told = [one for one in stage.lines() if one["action"].startswith("desk-")]
    assert [(one["action"], one["by"], one["account"]) for one in told] == [
        ("desk-aloud", "adesk", "mdupond"), ("desk-refused", "adesk", "mdupond"),
    ]  # fmt: skip
    assert (told[0]["note"], told[1]["why"], told[1]["call"]) == (WHY, "factor", "desk_block")
    answer = success(stage.ask(ShowJournal(HERE, "mdupond", token("mdupond"))))
    shown = {one.act: one for one in answer.journal}
    assert (shown["code lu au téléphone"].by, shown["code lu au téléphone"].note) == ("desk", WHY)
    assert "demande de l’assistance refusée" in shown
    assert "adesk" not in str(answer.journal)


def test_an_agent_s_own_acts_are_not_the_help_desk_s(stage: Stage) -> None:
    stage.ask(EndSessions(HERE, "mdupond", token("mdupond")))
    assert [one.by for one in lines.of([stage.journal], "mdupond")] == ["portal"]
    shown = success(stage.ask(ShowAccount(HERE, "adesk", token("adesk"))))
    assert shown.account.desk


# --- dangerous messages ---


def test_dangerous_messages_are_listed_and_handed_over_for_a_reason_that_the_owner_reads(stage: Stage) -> None:
    (one,) = success(stage.ask(DeskSealed(**mine(), target="mdupond", reason=WHY))).held
    assert (one.ident, one.subject, one.reasons) == ("12", "Facture", ("form",))
    assert success(stage.ask(DeskUnseal(**mine(), target="mdupond", messages=("12",), reason=WHY))).many == 1
    noted = [json.loads(line) for line in stage.journal.read_text("utf-8").splitlines()]
    assert [(row["action"], row["account"], row["note"]) for row in noted] == [
        ("desk-sealed", "mdupond", WHY), ("desk-unseal", "mdupond", WHY),
    ]  # fmt: skip
    assert "Facture" not in stage.journal.read_text("utf-8")


def test_without_a_reason_none_is_looked_at_and_what_is_gone_is_told(stage: Stage) -> None:
    for request in (
        DeskSealed(**mine(), target="mdupond", reason=" "),
        DeskUnseal(**mine(), target="mdupond", messages=("12",), reason=""),
        DeskUnseal(**mine(), target="mdupond", messages=("99",), reason=WHY),
        DeskUnseal(**mine(), target="mdupond", messages=(), reason=WHY),
    ):
        assert refusal(stage.ask(request)).error == ErrorCode.REFUSED_VALUE
    assert len(stage.hosts.kept_apart("mdupond", "sealed")) == 1
