"""« J'ai été piraté »: an account is taken back by NUMEN and INA code, and what was left is removed one by one."""

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls import hacked, passwords
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.calls.protection import Block
from malleposte.accountd.dispatch import Service
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.accounts.channels import Failure
from malleposte.accounts.convocations.model import Event
from malleposte.accounts.credentials import codes
from malleposte.accounts.devices import acts as devices
from malleposte.accounts.journal import Journal
from malleposte.accounts.meetings.invite import Meeting
from malleposte.accounts.meetings.polls import Shown, Slot
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor
from malleposte.core.errors import MallepostError
from malleposte.directory.model import FunctionalBox, State, box_attributes

from .test_service import HERE, KEYS, NEW, NOT_PROVED, NOW, NUMEN, OLD, OTHER_NUMEN, Stage, refusal, token

FORWARD = Trace("forward", who="voleur@lointain.test")
FOLDER = Trace("folder", "Projets", "user=voleur")
UNTIL = "20260903080000Z"


class HackedStage(Stage):
    """The stage, with what an attacker left on the hosts and at the log-in page."""

    def __init__(self, folder: Path, ground: Any = None) -> None:
        super().__init__(folder, ground)
        self.left = [FORWARD, FOLDER]
        self.factors = [Factor("a2V5", "webauthn", "Clé", NOW), Factor("dG90cA==", "totp", "Inconnu", None)]
        self.down = False
        self.now = NOW
        self.service = Service(dataclasses.replace(self.service.tools, now=lambda: self.now))
        vars(self.hosts).update(
            traces=self.found, untrace=self.gone, unfactor=self.without, factors=lambda uid: tuple(self.factors)
        )

    def found(self, uid: str) -> tuple[Sequence[Trace], Sequence[Failure]]:
        assert uid == "mdupond"
        return self.left, [Failure("traces", "on web1: no route")] if self.down else []

    def gone(self, uid: str, trace: Trace) -> Sequence[Failure]:
        if self.down:
            return [Failure("traces", "on web1: no route")]
        self.left.remove(trace)
        return []

    def without(self, uid: str, ident: str) -> None:
        self.factors = [one for one in self.factors if one.ident != ident]

    def recover(self, good: str, **changed: str) -> Done | Refused:
        return self.ask(hacked.Recover(HERE, **{"numen": NUMEN, "code": good, "new": NEW} | changed))

    def taken_back(self, way: codes.Way = codes.Way.LETTER) -> hacked.Recovered:
        issued = codes.issue(KEYS, "mdupond", NOW, 30, way=way)
        self.directory.modify(f"uid=mdupond,ou=people,{self.directory.suffix}", issued.attributes)
        answer = self.recover(issued.code)
        assert isinstance(answer, hacked.Recovered), answer
        return answer

    def check(self, ticket: str, *remove: str) -> hacked.Traces:
        answer = self.ask(hacked.Check(HERE, ticket, remove))
        assert isinstance(answer, hacked.Traces), answer
        return answer


@pytest.fixture
def stage(tmp_path: Path, ground: Any) -> HackedStage:
    made = HackedStage(tmp_path, ground)
    made.agent(
        "mdupond", State.ACTIVE, mpRecoveryMail=["marie.d@exemple.test"], mpRecoveryPhone=["+33612345678"],
        mpRecoveryCode=["k1:x"], mpRecoveryNext=["20260904080000Z voleur@lointain.test -"],
    )  # fmt: skip
    return made


def kinds(done: hacked.Traces) -> list[str]:
    return [one.kind for one in done.traces]


def test_a_sender_s_name_is_found_where_it_is_another_and_becomes_the_right_one(stage: HackedStage) -> None:
    box = FunctionalBox("ce.x", "Collège des Prés", "ce.x@ac-exemple.test", delegates=("mdupond",))
    stage.directory.add(box.dn(stage.directory.suffix), box_attributes(box))
    stage.directory.modify(f"uid=mdupond,ou=people,{stage.directory.suffix}", {"mpOpens": ["ce.x"]})
    mine, theirs = "mdupond@ac-exemple.test", "ce.x@ac-exemple.test"
    false = [Trace("sender", mine, "Le rectorat"), Trace("sender", theirs, "Marie Dupond")]
    stage.left = [Trace("sender", mine, "Marie Dupond"), *false, Trace("sender", theirs, "Collège des Prés"),
                  Trace("signature", mine, "Payez ici")]  # fmt: skip
    done = stage.taken_back()
    shown = stage.check(done.ticket)
    assert [(one.kind, one.what, one.who) for one in shown.traces if one.kind in ("sender", "signature")] == [
        ("sender", mine, "Le rectorat"), ("sender", theirs, "Marie Dupond"), ("signature", mine, "Payez ici"),
    ]  # fmt: skip
    written: list[Trace] = []

    def untrace(_uid: str, trace: Trace) -> list[Failure]:
        written.append(trace)
        return []

    vars(stage.hosts).update(untrace=untrace)
    stage.check(done.ticket, *(one.ident for one in shown.traces if one.kind in ("sender", "signature")))
    assert written == [
        Trace("sender", mine, "Marie Dupond"), Trace("sender", theirs, "Collège des Prés"),
        Trace("signature", mine, "Payez ici"),
    ]  # fmt: skip
    notes = [one["note"] for one in stage.lines() if one["action"] == "trace-removed"]
    assert notes[:2] == ["nom d’expéditeur: Le rectorat", "nom d’expéditeur: Marie Dupond"]


def test_the_academy_s_signature_is_no_trace_and_another_is(stage: HackedStage) -> None:
    facts = dataclasses.replace(stage.service.tools.facts(), signature="{name}\n{function}\n{school}")
    stage.service = Service(dataclasses.replace(stage.service.tools, facts=lambda: facts))
    suffix, mine = stage.directory.suffix, "mdupond@ac-exemple.test"
    school = {"objectClass": ["mpSchool"], "mpEstablishment": ["0010001A"], "o": ["Collège des Prés"]}
    stage.directory.add(f"mpEstablishment=0010001A,ou=establishments,{suffix}", school)
    stage.directory.modify(f"uid=mdupond,ou=people,{suffix}", {"mpEstablishment": ["0010001A"]})
    stage.factors = []
    ticket = stage.taken_back().ticket
    for words, shown in (
        ("Marie Dupond Collège des Prés", []),
        ("Marie Dupond Collège des Prés Payez ici", ["signature"]),
        ("Marie Dupond", ["signature"]),
    ):
        stage.left = [Trace("signature", mine, words)]
        assert kinds(stage.check(ticket)) == shown, words


@pytest.mark.parametrize("wrong", [{"numen": OTHER_NUMEN}, {"numen": ""}, {"code": "3" * 10}, {"code": ""}])
def test_whatever_is_wrong_the_answer_is_one_and_nothing_changes(stage: HackedStage, wrong: dict[str, str]) -> None:
    stage.agent("other", State.ACTIVE, OTHER_NUMEN)
    code = stage.code("mdupond")
    assert stage.recover(code, **wrong) == NOT_PROVED
    assert stage.opens("mdupond", OLD) and stage.held("mdupond", "mpBlockedUntil") == []
    assert refusal(stage.recover(code, new="weak")).violations
    assert (stage.channel.closed, stage.letters, stage.held("mdupond", "mpBlockedUntil")) == ([], [], [])
    assert [one.code for one in refusal(stage.recover(code, new=OLD)).violations] == ["in_history"]
    assert isinstance(stage.recover(code), Done), "a failure spends no code"


def test_every_way_in_closes_at_once(stage: HackedStage) -> None:
    directory, journal = stage.directory, Journal(stage.journal, "essai")
    with journal:
        made = devices.add(directory, journal, "mdupond", devices.Specification("Téléphone du voleur"), NOW)

    def known() -> list[str]:
        return [one.dn for one in directory.search("devices", ("mpDeviceId",), {"mpDeviceOwner": "mdupond"})]

    assert known() == [made.device.dn(directory.suffix)]
    done = stage.taken_back()
    assert (done.uid, done.before, done.until, done.open) == ("mdupond", "active", UNTIL, ())
    assert done.devices == ("Téléphone du voleur",)
    assert known() == []
    assert stage.channel.closed == ["mdupond"]
    for name in ("mpRecoveryCode", "mpRecoveryNext", "mpInaDigest", "mpInaCode"):
        assert stage.held("mdupond", name) == [], name
    assert stage.held("mdupond", "mpState") == ["active"]
    before = token("mdupond")
    assert isinstance(stage.ask(ShowAccount(HERE, "mdupond", before)), Refused)
    assert stage.ask(passwords.Change(HERE, "mdupond", OLD, "Encore-Autre9!q")) == NOT_PROVED
    assert isinstance(stage.ask(passwords.Change(HERE, "mdupond", NEW, "Encore-Autre9!q")), Done)


def test_its_owner_is_told_by_every_means_on_file_and_by_none_that_waits(stage: HackedStage) -> None:
    stage.taken_back()
    assert [one["To"] for one in stage.letters] == ["marie.d@exemple.test", "mdupond@ac-exemple.test"]
    text = stage.letters[0].get_content()
    assert "piraté" in text and "l’assistance\u00a0: 03" in text
    assert "03/09/2026" in text and OLD not in text and NEW not in text
    assert [number for number, _text in stage.gateway.sent] == ["+33612345678"]


def test_what_cannot_be_told_or_closed_keeps_nobody_from_the_account(stage: HackedStage) -> None:
    stage.mute = stage.gateway.broken = stage.channel.broken = True
    done = stage.taken_back()
    assert done.open == ("essai",) and done.ticket
    assert [one for one in stage.lines() if one["action"] == "told" and one["sent"] is False]


def test_a_blocked_account_is_taken_back_and_one_that_waits_is_not(stage: HackedStage) -> None:
    stage.ask(Block(HERE, "mdupond", token("mdupond", iat=int(NOW.timestamp()) + 1), "piraté"))
    assert stage.held("mdupond", "mpState") == ["blocked"]
    assert stage.taken_back().before == "blocked"
    assert stage.held("mdupond", "mpState") == ["active"]
    uid = stage.agent("nouveau", State.PENDING, OTHER_NUMEN)
    assert refusal(stage.recover(stage.code(uid), numen=OTHER_NUMEN)).error == ErrorCode.REFUSED_VALUE


def test_what_is_named_goes_and_nothing_else(stage: HackedStage) -> None:
    ticket = stage.taken_back().ticket
    found = stage.check(ticket)
    assert kinds(found) == ["forward", "folder", "factor", "factor"]
    assert [(one.what, one.who) for one in found.traces[1:3]] == [("Projets", "user=voleur"), ("webauthn", "Clé")]
    assert stage.left == [FORWARD, FOLDER] and len(stage.factors) == 2
    after = stage.check(ticket, FORWARD.ident, found.traces[3].ident, "0123456789abcdef")
    assert (kinds(after), after.open) == (["folder", "factor"], ())
    assert stage.left == [FOLDER] and [one.name for one in stage.factors] == ["Clé"]
    notes = [one["note"] for one in stage.lines() if one["action"] == "trace-removed"]
    assert notes == ["renvoi: voleur@lointain.test", "second facteur: Inconnu"]
    assert any(one["action"] == "factor-remove" for one in stage.lines())


def test_what_was_called_in_the_agent_s_name_is_shown_and_called_off(stage: HackedStage) -> None:
    slots = (Slot("2099-06-15T08:00", "2099-06-15T09:00"),)
    over = (Slot("2020-06-15T08:00", "2020-06-15T09:00"),)
    polls = [
        Shown("p1", "Gagnez", "Marie", slots), Shown("p2", "x", "Marie", slots, open=False),
        Shown("p3", "y", "Marie", over),
    ]  # fmt: skip
    event = Event("Prime", "2099-06-15T08:00", "2099-06-15T09:00")
    ended: list[tuple[str, str]] = []

    def end(_uid: str, ident: str) -> None:
        ended.append((_uid, ident))
        polls[:] = [one for one in polls if one.ident != ident]

    vars(stage.hosts).update(
        my_polls=lambda _uid: polls, my_meetings=lambda _uid: [Meeting("m1", event), Meeting("m2", event, off=True)],
        end_poll=end, call_off_meeting=lambda uid, ident: ended.append((uid, ident)),
    )  # fmt: skip
    done = stage.taken_back()
    shown = [one for one in stage.check(done.ticket).traces if one.kind in ("meeting", "poll")]
    assert [(one.kind, one.what) for one in shown] == [("meeting", "Prime"), ("poll", "Gagnez")] and ended == []
    left = stage.check(done.ticket, *(one.ident for one in shown))
    assert ended == [("mdupond", "m1"), ("mdupond", "p1")] and "poll" not in kinds(left)
    assert [line["note"] for line in stage.lines() if line["action"] == "trace-removed"] == [
        "réunion: Prime", "sondage: Gagnez",
    ]  # fmt: skip


def test_what_others_opened_is_told_by_names_and_stays(stage: HackedStage) -> None:
    box = FunctionalBox("ce.x", "Collège des Prés", "ce.x@ac-exemple.test", delegates=("mdupond", "autre"))
    other = FunctionalBox("ce.y", "Lycée", "ce.y@ac-exemple.test", delegates=("autre",))
    for one in (box, other):
        stage.directory.add(one.dn(stage.directory.suffix), box_attributes(one))
    team = FunctionalBox("equipe-x", "Équipe X", "equipe-x@ac-exemple.test", team="autre")
    stage.directory.add(team.dn(stage.directory.suffix), {**box_attributes(team), "mpReader": ["mdupond"]})
    stage.agent("collegue", State.ACTIVE, OTHER_NUMEN)
    folder = Trace("their-folder", "Conseils", "collegue")
    stage.left, stage.factors = [FORWARD, folder, Trace("their-mail", who="collegue"),
                                 Trace("their-agenda", "Contacts/x", "malleposte-annuaires")], []  # fmt: skip
    ticket = stage.taken_back().ticket
    shown = stage.check(ticket).traces
    assert [(one.kind, one.what, one.who, one.kept) for one in shown] == [
        ("forward", "", "voleur@lointain.test", False), ("box", "ce.x@ac-exemple.test", "Collège des Prés", True),
        ("box", "equipe-x@ac-exemple.test", "Équipe X", True),
        ("their-folder", "Conseils", "Marie Dupond", True), ("their-mail", "", "Marie Dupond", True),
    ]  # fmt: skip
    after = stage.check(ticket, *(one.ident for one in shown), folder.ident)
    assert kinds(after) == ["box", "box", "their-folder", "their-mail"]
    assert folder in stage.left and FORWARD not in stage.left


@pytest.mark.parametrize(("way", "left"), [(codes.Way.LETTER, 0), (codes.Way.DESK, 0), (codes.Way.MAIL, 1)])
def test_the_last_factor_goes_by_a_code_of_a_letter_or_the_desk_alone(
    stage: HackedStage, way: codes.Way, left: int
) -> None:
    stage.factors, stage.left = stage.factors[:1], []
    ticket = stage.taken_back(way).ticket
    (factor,) = stage.check(ticket).traces
    assert factor.kept is bool(left)
    assert len(stage.check(ticket, factor.ident).traces) == left == len(stage.factors)


def test_means_of_recovery_that_changed_of_late_are_shown_masked_and_removed(stage: HackedStage) -> None:
    stage.left, stage.factors = [], []
    dn = f"uid=mdupond,ou=people,{stage.directory.suffix}"
    ticket = stage.taken_back().ticket
    assert stage.check(ticket).traces == ()
    stage.directory.modify(dn, {"mpRecoveryChanged": ["20260820080000Z"]})
    mail, _phone = stage.check(ticket).traces
    assert (mail.kind, mail.what, mail.who, mail.made) == ("recovery", "mail", "ma…@exemple.test", "20260820080000Z")
    assert [one.what for one in stage.check(ticket, mail.ident).traces] == ["phone"]
    assert stage.held("mdupond", "mpRecoveryMail") == [] and stage.held("mdupond", "mpRecoveryPhone")
    assert [to for to, *_rest in stage.told] == [["marie.d@exemple.test"]]


def test_what_gives_no_answer_is_named(stage: HackedStage) -> None:
    ticket = stage.taken_back().ticket
    stage.down = True
    assert stage.check(ticket).open == ("traces",)
    assert stage.check(ticket, FORWARD.ident).open == ("traces",)
    assert FORWARD in stage.left

    def broken(uid: str) -> Any:
        raise MallepostError("no answer")

    vars(stage.hosts).update(traces=broken, factors=broken)
    answer = stage.ask(hacked.Check(HERE, ticket))
    assert isinstance(answer, hacked.Traces) and (answer.traces, answer.open) == ((), ("traces", "factors"))


def test_a_ticket_is_good_for_an_hour_and_for_one_account_as_it_was(stage: HackedStage) -> None:
    ticket = stage.taken_back(codes.Way.MAIL).ticket
    end, way, uid, mac = ticket.split(".")
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN, mpBlockedUntil=[UNTIL])
    for wrong in ("", "x", f"{end}.desk.{uid}.{mac}", f"20261001080000Z.{way}.{uid}.{mac}", f"{end}.{way}.autre.{mac}"):
        assert stage.ask(hacked.Check(HERE, wrong)) == NOT_PROVED, wrong
    assert stage.check(ticket).uid == "mdupond"
    stage.now = NOW + datetime.timedelta(minutes=59)
    assert stage.check(ticket).uid == "mdupond"
    stage.now = NOW + datetime.timedelta(minutes=60)
    assert stage.ask(hacked.Check(HERE, ticket)) == NOT_PROVED
    stage.now = NOW
    dn = f"uid=mdupond,ou=people,{stage.directory.suffix}"
    stage.directory.modify(dn, {"mpState": ["blocked"]})
    assert stage.ask(hacked.Check(HERE, ticket)) == NOT_PROVED
    stage.directory.modify(dn, {"mpState": ["active"], "mpBlockedUntil": ["20260904080000Z"]})
    assert stage.ask(hacked.Check(HERE, ticket)) == NOT_PROVED, "another block since"
