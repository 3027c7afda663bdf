"""Notes to colleagues: in no message, in the export, few, and gone with their message."""

import json

import pytest
from malleposte.accounts.mailbox.owners import box as module
from malleposte.accounts.mailbox.owners.model import LONGEST_NOTE, MOST_OF_A_MESSAGE, Act

from .conftest import Stage
from .simulated import BOX

TEXT = "<script>alert(1)</script> voir avec Mme Durand"


def test_a_note_is_a_delegates_and_touches_no_message(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    before = len(stage.doveadm.asked)
    shown = stage.change("adupond", Act.NOTE, mail, TEXT)
    assert [note.text for note in shown.notes] == [TEXT] and shown.mails[0].notes == 1
    assert all(TEXT not in word for words in stage.doveadm.asked[before:] for word in words)
    assert mail.flags == set()
    assert TEXT in json.dumps(stage.box.own_terms(BOX), ensure_ascii=False)
    (note,) = shown.notes
    assert stage.change("bmartin", Act.ERASE, mail, note.ident).mails[0].notes == 1, "another's stays"
    assert stage.change("adupond", Act.ERASE, mail, note.ident).mails[0].notes == 0


def test_notes_are_few_and_short(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    mail, other = stage.doveadm.arrive("one"), stage.doveadm.arrive("two")
    assert stage.change("adupond", Act.NOTE, mail, "x" * (LONGEST_NOTE + 1)).refused == "note"
    assert stage.change("adupond", Act.NOTE, mail, "  ").refused == "note"
    for _ in range(MOST_OF_A_MESSAGE):
        assert not stage.change("adupond", Act.NOTE, mail, "x" * LONGEST_NOTE).refused
    assert stage.change("adupond", Act.NOTE, mail, "x").refused == "full"
    assert not stage.change("adupond", Act.NOTE, other, "x").refused
    monkeypatch.setattr(module, "MOST_OF_AN_AGENT", MOST_OF_A_MESSAGE + 1)
    assert stage.change("adupond", Act.NOTE, other, "x").refused == "full"
    assert not stage.change("bmartin", Act.NOTE, other, "x").refused, "a colleague has room"
    monkeypatch.setattr(module, "MOST_OF_A_BOX", MOST_OF_A_MESSAGE + 2)
    assert stage.change("bmartin", Act.NOTE, other, "x").refused == "full"


def test_a_note_follows_its_message_and_ends_with_it(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.change("adupond", Act.NOTE, mail, "x")
    mail.folder = "Élèves"
    stage.later(100_000)
    assert stage.box.own_terms(BOX)
    mail.folder = ".EXPUNGED/mail/INBOX"
    stage.later(100_000)
    assert stage.box.own_terms(BOX) == []


def test_the_end_of_the_box_ends_all(stage: Stage) -> None:
    stage.change("adupond", Act.NOTE, stage.doveadm.arrive("one"), "x")
    assert stage.box.forget(BOX) and stage.box.own_terms(BOX) == [] and not stage.store.boxes()
    assert not stage.box.forget(BOX)
