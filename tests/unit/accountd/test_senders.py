"""« Filtrage »: accountd shows and changes an agent's antispam, and refuses what nobody may allow or block."""

import json

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.mailbox.senders import Sender, SenderLists, SetSenders, ShowSenders, sender
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Refused
from malleposte.accounts.mailbox.senders import MOST, Edit, Senders
from malleposte.core.errors import MallepostError
from malleposte.directory.model import FunctionalBox, State, box_attributes

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, OTHER_NUMEN, Stage, success, token


class Box:
    """The store of one mailbox."""

    def __init__(self) -> None:
        self.held = Senders()
        self.away: Exception | None = None
        self.uids: set[str] = set()

    def senders(self, uid: str) -> Senders:
        self.uids.add(uid)
        if self.away:
            raise self.away
        return self.held

    def set_senders(self, uid: str, edit: Edit) -> Senders:
        self.uids.add(uid)
        self.held = edit.to(self.held)
        return self.held


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def stage(stage: Stage, box: Box) -> Stage:
    vars(stage.hosts).update(senders=box.senders, set_senders=box.set_senders)
    return stage


def put(stage: Stage, of: str = "mdupond", **parts: object) -> SenderLists | Refused:
    return stage.ask(SetSenders(HERE, "mdupond", token(of), **parts))  # type: ignore[arg-type]


def show(stage: Stage, uid: str = "mdupond", of: str = "mdupond", after: int = 0) -> SenderLists | Refused:
    return stage.ask(ShowSenders(HERE, uid, token(of), after))


def unfit(answer: Done | Refused) -> str:
    assert isinstance(answer, Refused) and answer.error is ErrorCode.REFUSED_VALUE, answer
    return answer.message


def test_level_and_lists_are_changed_shown_and_told_in_the_journal(stage: Stage, box: Box) -> None:
    assert isinstance(put(stage, level="strict"), Done)
    assert isinstance(put(stage, allow=(" Ami@Lointain.TEST ",), block=("@Été.test",)), Done)
    assert box.held == Senders("strict", ("ami@lointain.test",), ("xn--t-9fab.test",))
    answer = success(show(stage))
    assert (answer.level, answer.more) == ("strict", False)
    assert answer.senders == (Sender("ami@lointain.test", True), Sender("xn--t-9fab.test", False))
    assert codec.decode_answer(SenderLists, codec.encode_answer(answer)) == answer
    assert isinstance(put(stage, remove=("ami@lointain.test", "inconnu.test")), Done)
    assert isinstance(put(stage, remove=("inconnu.test",)), Done)
    noted = [json.loads(one) for one in stage.journal.read_text("utf-8").splitlines()]
    assert {(one["action"], one["account"]) for one in noted} == {("senders", "mdupond")}
    assert [one["note"].replace("\N{NO-BREAK SPACE}", " ") for one in noted] == [
        "niveau strict", "expéditeur autorisé : ami@lointain.test", "expéditeur bloqué : xn--t-9fab.test",
        "expéditeur qui n’est plus autorisé : ami@lointain.test",
    ]  # fmt: skip


def test_nobody_reaches_another_s(stage: Stage, box: Box) -> None:
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    assert put(stage, of="autre", level="strict") == NO_LOG_IN == show(stage, of="autre")
    assert box.held == Senders()
    stage.agent("parti", State.SUSPENDED, "01E9500003ABC")
    assert show(stage, "parti", "parti") == NOT_PROVED
    assert isinstance(show(stage, "autre", "autre"), Done)


@pytest.mark.parametrize(
    "typed",
    ["", "@", "x", "a b@c.test", "a@b@c.test", 'a"@c.test', "a@c.test\nstop;", "*.test", "a@[192.0.2.7]", "\0.test",
     "a@b.test;", "x" * 400 + ".test", '"; stop; #@c.test', "é@c.test", "http://c.test", "c.test/x",
     "*@c.test", "a*@c.test"],
)  # fmt: skip
def test_what_is_no_sender_is_refused(stage: Stage, box: Box, typed: str) -> None:
    for parts in ({"allow": (typed,)}, {"block": ("bon.test", typed)}):
        assert unfit(put(stage, **parts)) == "form"
    assert box.held == Senders() and stage.journal.read_text("utf-8") == ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(" Nom.Prénom@x.test".replace("é", "e"), "nom.prenom@x.test"), ("EXEMPLE.test", "exemple.test"),
     ("@exemple.test", "exemple.test"), ("a@bücher.test", "a@xn--bcher-kva.test"), ("o'x+y@a.test", "o'x+y@a.test")],
)  # fmt: skip
def test_senders_have_one_form(typed: str, kept: str) -> None:
    assert sender(typed) == kept


def test_nobody_shuts_the_academy_out(stage: Stage, box: Box) -> None:
    for one in ("ac-exemple.test", "AC-Exemple.test", "sous.ac-exemple.test", "postmaster@ac-exemple.test"):
        assert unfit(put(stage, block=(one,))) == "academy", one
    assert box.held == Senders()
    success(put(stage, block=("chef@ac-exemple.test", "exemple.test"), allow=("ac-exemple.test",)))
    assert box.held.blocked == ("chef@ac-exemple.test", "exemple.test")


def test_one_s_own_address_is_in_no_list(stage: Stage, box: Box) -> None:
    (own,) = {one for entry in stage.directory.search("people", ["mail"], {"uid": "mdupond"})
              for one in entry.attributes["mail"]}  # fmt: skip
    assert unfit(put(stage, allow=(own.upper(),))) == "own" == unfit(put(stage, block=(own,)))
    assert box.held == Senders()


def test_a_full_list_and_an_odd_level_are_refused(stage: Stage, box: Box) -> None:
    box.held = Senders(blocked=tuple(f"a{number}.test" for number in range(MOST)))
    assert unfit(put(stage, block=("encore.test",))) == "full"
    assert isinstance(put(stage, allow=("encore.test",)), Done)
    assert "no such level" in unfit(put(stage, level="paranoïaque"))


def test_long_lists_come_in_parts(stage: Stage, box: Box) -> None:
    long = [f"{'x' * 60}{number:03d}@{'y' * 60}.{'z' * 60}.test" for number in range(2 * MOST)]
    box.held = Senders("strict", tuple(long[:MOST]), tuple(long[MOST:]))
    found: list[Sender] = []
    more, calls = True, 0
    while more:
        answer = success(show(stage, after=len(found)))
        assert answer.senders
        assert len(codec.encode_answer(answer)) < LONGEST
        found, more, calls = [*found, *answer.senders], answer.more, calls + 1
    assert [one.value for one in found] == long and calls < 12
    assert [one.allowed for one in found] == [True] * MOST + [False] * MOST


def test_the_manager_of_a_box_sets_its_antispam_and_nobody_else_does(stage: Stage, box: Box) -> None:
    for number, uid in enumerate(("chef", "autre", "delegue")):
        stage.agent(uid, State.ACTIVE, f"01E950001{number}ABC", mpOpens=["ce.x"] if uid == "delegue" else [])
    for name, manager in (("ce.x", "chef"), ("ce.y", "autre")):
        one = FunctionalBox(name, f"Collège {name}", f"{name}@ac-exemple.test", delegates=("delegue",))
        stage.directory.add(one.dn(stage.directory.suffix), box_attributes(one) | {"mpManager": [manager]})

    def ask(uid: str, name: str = "ce.x", of: str = "", **parts: object) -> list[SenderLists | Refused]:
        proof = token(of or uid)
        return [
            stage.ask(ShowSenders(HERE, uid, proof, box=name)),
            stage.ask(SetSenders(HERE, uid, proof, box=name, **({"level": "strict"} | parts))),  # type: ignore[arg-type]
        ]

    for uid, name in (("autre", "ce.x"), ("delegue", "ce.x"), ("chef", "ce.y"), ("chef", "nul"), ("chef", "mdupond")):
        for answer in ask(uid, name):
            assert isinstance(answer, Refused) and answer.error is ErrorCode.NOT_FOUND, (uid, name)
    assert ask("chef", of="autre") == [NO_LOG_IN, NO_LOG_IN]
    assert box.uids == set() and box.held == Senders()
    shown, done = ask("chef", "CE.X", block=("pub.test",))
    assert isinstance(shown, Done) and isinstance(done, Done)
    assert (done.uid, done.level) == ("chef", "strict")
    assert box.uids == {"ce.x"} and box.held == Senders("strict", (), ("pub.test",))
    noted = [(one["action"], one["account"], one["by"]) for one in stage.lines() if one["action"] == "senders"]
    assert noted == [("senders", "ce.x", "chef")] * 2
    assert unfit(ask("chef", allow=("CE.x@ac-exemple.test",))[1]) == "own"
    assert isinstance(ask("chef", allow=("chef@ac-exemple.test",))[1], Done)
    stage.directory.modify(f"uid=ce.x,ou=functional,{stage.directory.suffix}", {"mpManager": ["autre"]})
    assert {type(one) for one in ask("chef")} == {Refused} and {type(one) for one in ask("autre")} == {SenderLists}


@pytest.mark.parametrize("fault", [MallepostError("mail1: no route to host"), OSError("no route to host")])
def test_a_mailbox_that_is_away_is_said_to_be(stage: Stage, box: Box, fault: Exception) -> None:
    box.away = fault
    for answer in (show(stage), put(stage, level="strict")):
        assert isinstance(answer, Refused) and answer.error is ErrorCode.UNAVAILABLE
    assert stage.journal.read_text("utf-8") == ""
    box.away = None
    assert isinstance(put(stage, level="strict"), Done)
