# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails sent by filters, in plain and hidden forms; and the reports on filters that do not run."""

import email.message
import json
from pathlib import Path

import pytest
from malleposte.accounts.mailbox import filters, idle
from malleposte.accounts.mailbox.filters import COMPUTED

FACTS = {
    "domain": "ac-exemple.test",
    "academy": "académie d’Exemple",
    "support": {"phone": "03 00 00 00 00", "mail": "assistance@ac-exemple.test", "hours": "de 8 h à 17 h"},
}
OFFERED = ("fileinto", "copy", "variables", "include", "encoded-character")


def home(store: Path, uid: str, active: str, **scripts: str) -> Path:
    folder = store / "00" / uid
    (folder / "sieve").mkdir(parents=True)
    for name, text in scripts.items():
        (folder / "sieve" / f"{name}.sieve").write_text(text)
    (folder / filters.ACTIVE).symlink_to(f"sieve/{active}.sieve")
    return folder


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('redirect "a@b.test";', ("a@b.test",)),
        ('set "x" "a@b.test"; redirect "${x}";', ("${x}" + COMPUTED,)),
        ('redirect :copy "${hex:61 40}b.test";', ("a@b.test",)),
        ('redirect "a${unicode:40}b.test";', ("a@b.test",)),
        ('redirect "a${hex:ff}b.test";', ("a${hex:ff}b.test" + COMPUTED,)),
        ('# redirect "c@d.test";\nkeep;', ()),
    ],
)
def test_forwards_are_shown_as_they_are_or_as_computed(text: str, shown: tuple[str, ...]) -> None:
    assert filters.forwards(text) == shown


def test_scripts_that_the_one_in_force_runs_are_looked_through_in_circles_too(tmp_path: Path) -> None:
    folder = home(
        tmp_path, "mdupond", "main",
        main='require "include"; include :personal "other";', other='include :once "third"; reject "no";',
        third='include "main"; redirect "a@b.test";', idle='redirect "not@in.force";',
    )  # fmt: skip
    found = filters.read(folder)
    assert found.included == ("other", "third", "main")
    assert found.forwards == ("a@b.test",)
    assert found.refuses


def test_who_is_told_of_filters_that_do_not_run(tmp_path: Path) -> None:
    store, state = tmp_path / "store", tmp_path / "told.json"
    home(store, "mdupond", "main", main='require ["fileinto", "enotify"];\nnotify "mailto:a@b.test";')
    home(store, "pmartin", "main", main='require ["fileinto", "copy"]; # require "enotify";\nkeep;')
    found = list(idle.find(store, OFFERED, [].append))
    assert [(one.uid, one.script, one.missing) for one in found] == [("mdupond", "main", ("enotify",))]
    sent: list[tuple[str, email.message.EmailMessage]] = []

    def deliver(recipient: str, message: email.message.EmailMessage) -> None:
        sent.append((recipient, message))

    assert idle.tell(found, FACTS, "stores.invalid", state, deliver, [].append) == found
    assert [to for to, _ in sent] == ["mdupond@stores.invalid", "postmaster@ac-exemple.test"]
    assert "enotify" in sent[0][1].get_content()
    assert "03 00 00 00 00" in sent[0][1].get_content()
    # Once; and again when the script has changed.
    assert idle.tell(found, FACTS, "stores.invalid", state, deliver, [].append) == []
    (store / "00" / "mdupond" / "sieve" / "main.sieve").write_text('require "enotify"; stop;')
    found = list(idle.find(store, OFFERED, [].append))
    assert len(idle.tell(found, FACTS, "stores.invalid", state, deliver, [].append)) == 1
    assert len(sent) == 4


def test_operators_who_cannot_be_told_have_no_owner_told_twice(tmp_path: Path) -> None:
    store, state, sent = tmp_path / "store", tmp_path / "told.json", list[str]()
    home(store, "mdupond", "main", main='require "enotify"; stop;')
    found = list(idle.find(store, OFFERED, [].append))

    def deliver(recipient: str, _message: email.message.EmailMessage) -> None:
        if recipient.startswith("postmaster"):
            raise OSError("the box is full")
        sent.append(recipient)

    with pytest.raises(OSError, match="full"):
        idle.tell(found, FACTS, "stores.invalid", state, deliver, [].append)
    assert idle.tell(found, FACTS, "stores.invalid", state, deliver, [].append) == []
    assert sent == ["mdupond@stores.invalid"]


def test_who_could_not_be_told_is_told_the_next_time(tmp_path: Path) -> None:
    store, state = tmp_path / "store", tmp_path / "told.json"
    home(store, "mdupond", "main", main='require "enotify";')
    found = list(idle.find(store, OFFERED, [].append))

    def refuse(_recipient: str, _message: email.message.EmailMessage) -> None:
        raise ConnectionRefusedError("nobody there")

    failures: list[str] = []
    assert idle.tell(found, FACTS, "stores.invalid", state, refuse, failures.append) == []
    assert failures == ["mdupond: nobody there"] and not state.exists()


def test_one_who_cannot_be_told_and_a_box_that_cannot_be_read_stop_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, state = tmp_path / "store", tmp_path / "told.json"
    state.write_text("")  # cut off by a full disk
    for uid in ("anne", "berthe", "celine"):
        home(store, uid, "main", main='require "enotify";')
    read, sent, failures = idle.filters.read, list[str](), list[str]()

    def one_is_closed(box: Path) -> object:
        if box.name == "anne":
            raise PermissionError(13, "Permission denied")
        return read(box)

    def deliver(recipient: str, _message: email.message.EmailMessage) -> None:
        if recipient.startswith("berthe"):
            raise ValueError("no such letter")
        sent.append(recipient)

    monkeypatch.setattr(idle.filters, "read", one_is_closed)
    found = list(idle.find(store, OFFERED, failures.append))
    fresh = idle.tell(found, FACTS, "stores.invalid", state, deliver, failures.append)
    assert [one.uid for one in fresh] == ["celine"]
    assert sent == ["celine@stores.invalid", "postmaster@ac-exemple.test"]
    assert failures[0] == "anne: Permission denied" and failures[1].startswith("berthe: ValueError: no such letter")
    assert list(json.loads(state.read_text("utf-8"))) == ["celine/main"]
    assert [one.read_text() for one in tmp_path.glob("told.json.broken-*")] == [""]
