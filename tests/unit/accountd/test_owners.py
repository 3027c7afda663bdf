"""Boxes in which each message has an owner: delegates see the mail, managers turn it on, nobody else."""

from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.shared.owners import BoxMail, ChangeBoxMail, SetBoxOwners, ShowBoxMail
from malleposte.accountd.message import Done, Refused
from malleposte.accounts.mailbox.owners.model import Act, Change, Mail, Note, Shown
from malleposte.directory.model import FunctionalBox, State, box_attributes

from .test_service import HERE, Stage, success, token

KEY = "a" * 40
IDENT = f"7.{KEY}"
SHOWN = Shown(
    True, 1_800_000_000.0,
    (
        Mail(7, KEY, "Parent <p@example.org>", "Absence", 1_800_000_010.0),
        Mail(8, "b" * 40, "Parent <p@example.org>", "Bourse", 1_800_000_020.0, "pmartin", 1_800_000_030.0, 1),
    ),
    notes=(Note("n1", "pmartin", 1_800_000_040.0, "voir <b>Mme Durand</b>"),),
)  # fmt: skip


class Host:
    """The host of the boxes."""

    def __init__(self) -> None:
        self.shown, self.done = SHOWN, list[Any]()

    def owned_mail(self, box: str, key: str = "") -> Shown:
        self.done.append((box, key))
        return self.shown

    def change_owned(self, box: str, change: Change) -> Shown:
        self.done.append((box, change))
        return self.shown

    def set_owners(self, box: str, on: bool) -> Shown:
        self.done.append((box, on))
        return self.shown


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def stage(tmp_path: Path, host: Host) -> Stage:
    made = Stage(tmp_path)
    for number, uid in enumerate(("chef", "mdupond", "pmartin", "autre")):
        made.agent(uid, State.ACTIVE, f"01E950000{number}ABC")
    for name, delegates in (("ce.x", ("mdupond", "pmartin")), ("ce.y", ("autre",))):
        box = FunctionalBox(name, f"Collège {name}", f"{name}@ac-exemple.test", delegates=delegates)
        attributes = box_attributes(box) | {"mpManager": ["chef"]}
        made.directory.add(box.dn(made.directory.suffix), attributes)
    vars(made.hosts).update({name: getattr(host, name) for name in ("owned_mail", "change_owned", "set_owners")})
    return made


def show(stage: Stage, uid: str = "mdupond", **more: Any) -> BoxMail | Refused:
    return stage.ask(ShowBoxMail(HERE, uid, token(uid), **more))


def change(stage: Stage, uid: str = "mdupond", box: str = "ce.x", ident: str = IDENT, act: str = "take") -> Any:
    return stage.ask(ChangeBoxMail(HERE, uid, token(uid), box, ident, act, "texte"))


def refused(answer: Done | Refused) -> tuple[str, str]:
    assert isinstance(answer, Refused), answer
    return answer.error.value, answer.message


def test_a_delegate_sees_what_waits_with_names(stage: Stage) -> None:
    (box,) = success(show(stage)).boxes
    assert (box.uid, box.opens, box.manager) == ("ce.x", True, False)
    answer = success(show(stage, box="CE.X"))
    assert [(one.subject, one.owner, one.notes) for one in answer.mails] == [
        ("Absence", "", 0),
        ("Bourse", "pmartin", 1),
    ]
    assert answer.mails[1].name and answer.since
    assert [one.subject for one in success(show(stage, box="ce.x", only="nobody")).mails] == ["Absence"]
    assert success(show(stage, box="ce.x", only="mine")).mails == ()
    assert [one.subject for one in success(show(stage, "pmartin", box="ce.x", only="mine")).mails] == ["Bourse"]
    assert [one.subject for one in success(show(stage, box="ce.x", skip=1)).mails] == ["Bourse"]
    one = success(show(stage, box="ce.x", ident=f"8.{'b' * 40}"))
    assert [note.text for note in one.notes] == ["voir <b>Mme Durand</b>"] and len(one.mails) == 1


def test_nobody_else_sees_or_changes_anything(stage: Stage, host: Host) -> None:
    for uid, box in (("autre", "ce.x"), ("mdupond", "ce.y"), ("mdupond", "nul"), ("autre", "mdupond")):
        assert refused(show(stage, uid, box=box))[0] == "not_found"
        assert refused(change(stage, uid, box))[0] == "not_found"
    assert refused(change(stage, "chef"))[0] == "not_found", "a manager who opens the box not reads nothing"
    assert host.done == []
    managed = success(show(stage, "chef", box="ce.x"))
    assert (managed.mails, managed.notes, bool(managed.since)) == ((), (), True)
    success(change(stage))
    assert host.done[-1] == ("ce.x", Change("mdupond", Act.TAKE, 7, KEY, "texte"))


def test_what_is_refused_says_why(stage: Stage, host: Host) -> None:
    assert refused(change(stage, act="burn")) == ("refused_value", "no such change")
    for wrong in ("", "7", f"0.{KEY}", f"7.{KEY}/../x", "7." + "A" * 40):
        assert refused(change(stage, ident=wrong)) == ("refused_value", "gone")
    host.shown = Shown(True, 1.0, refused="taken", owner="pmartin")
    assert refused(change(stage)) == ("refused_value", "taken")


def test_managers_turn_it_on_where_the_academy_allows_it(stage: Stage, host: Host) -> None:
    def turn(uid: str) -> BoxMail | Refused:
        return stage.ask(SetBoxOwners(HERE, uid, token(uid), "ce.x", True))

    assert refused(turn("mdupond"))[0] == "not_found"
    success(turn("chef"))
    assert host.done[-1] == ("ce.x", True)
    host.shown = Shown(False)
    assert refused(turn("chef")) == ("refused_value", "off")
