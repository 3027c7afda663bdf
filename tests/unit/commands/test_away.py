"""Commands that run themselves on other hosts: which hosts, what is told of each, the exit code."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from malleposte.cli import main
from malleposte.commands import away
from malleposte.core import paths
from malleposte.core.errors import MallepostError
from malleposte.fleet import remote

CODES: dict[str, int | None] = {}
"""The exit code of each host; None: it cannot be reached."""


class Place(remote.Place):
    """A host that answers with its code."""

    def answer(self, words: Sequence[str]) -> tuple[int, Any]:
        return away.run(self, words), [self.name]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Words that reached a host."""
    found: list[list[str]] = []

    def run(place: remote.Place, words: Sequence[str], **_given: object) -> int:
        code = CODES[place.name]
        if code is None:
            raise MallepostError(f"{place.name} cannot be reached over ssh")
        found.append([place.name, *words])
        return code

    def places(_inventory: object, group: str, *, but: str = "", only: Sequence[str] = ()) -> list[remote.Place]:
        return [Place(name, ()) for name in only or CODES]

    monkeypatch.setattr(away, "run", run)
    monkeypatch.setattr(remote, "places", places)
    monkeypatch.setattr(remote, "backed_up", lambda inventory, only: places(inventory, "", only=only))
    monkeypatch.setattr(paths, "HOSTED", False)
    CODES.clear()
    return found


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ({"mail1": 0, "mail2": 0}, 0),
        ({"mail1": 1, "mail2": 0}, 1),
        ({"mail1": None, "mail2": 0}, 4),
        ({"mail1": 0, "mail2": None}, 4),
        ({"mail1": None, "mail2": None}, 1),
        ({"mail1": None}, 1),
    ],
)
def test_a_host_out_of_reach_is_named_and_the_others_do_their_part(
    ran: list[list[str]], capsys: pytest.CaptureFixture[str], codes: dict[str, int | None], code: int
) -> None:
    CODES.update(codes)
    assert main(["queue", "release", "anne", "-i", "lab"]) == code
    reached = [name for name, one in codes.items() if one is not None]
    assert ran == [[name, "queue", "release", "anne"] for name in reached]
    said = capsys.readouterr().err
    assert [name for name in codes if f"{name} cannot be reached" in said] == [n for n in codes if n not in reached]


def test_the_answers_of_several_hosts_are_one_document(
    ran: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    CODES.update({"mail1": 0, "web1": None, "db1": 1})
    assert main(["backup", "list", "--json", "-i", "lab"]) == 4
    assert json.loads(capsys.readouterr().out) == {"hosts": {"mail1": ["mail1"], "db1": ["db1"]}}
    assert main(["backup", "list", "--json", "--host", "db1", "--host=mail1", "-i", "lab"]) == 1
    assert [words[0] for words in ran[2:]] == ["db1", "mail1"]
    assert all("--host" not in " ".join(words) for words in ran)


def test_what_some_host_holds_is_done_where_it_is_held(ran: list[list[str]]) -> None:
    CODES.update({"mail1": 1, "mail2": 0, "mail3": 0})
    assert main(["accounts", "lists", "approve", "20260914081500-5f2a90c1", "-i", "lab"]) == 0
    assert [words[0] for words in ran] == ["mail1", "mail2"]
    assert ran[0][1:3] == ["accounts", "--by"] and ran[0][4:] == ["lists", "approve", "20260914081500-5f2a90c1"]
    CODES["mail2"] = CODES["mail3"] = 1
    assert main(["accounts", "lists", "reject", "20260914081500-5f2a90c1", "-i", "lab"]) == 1


def test_what_one_vault_holds_needs_its_name(ran: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    CODES.update({"vault1": 0, "vault2": 0})
    words = ["vault", "undo", "--client", "mail1", "--repository", "system", "-i", "lab"]
    assert main(words) == 2
    assert "2 hosts could be meant; name one with --host: vault1, vault2" in capsys.readouterr().err
    assert main([*words, "--host", "vault2"]) == 0
    assert [one[0] for one in ran] == ["vault2"]
    assert main(["backup", "kept", "--remove", "x", "-i", "lab"]) == 2
    assert main(["vault", "watch", "-i", "lab"]) == 0
    assert [one[0] for one in ran] == ["vault2", "vault1", "vault2"]


def test_a_block_without_the_directory_s_host_names_what_ends_the_sessions(
    ran: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    CODES["dir1"] = None
    assert main(["accounts", "block", "mdupond", "-i", "lab"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.endswith("; meanwhile: malleposte accounts end-sessions mdupond\n")
    CODES["dir1"] = 0
    assert main(["accounts", "block", "mdupond", "-i", "lab"]) == 0
    assert capsys.readouterr().err == ""


def test_sessions_end_on_every_host_that_answers_and_what_is_left_is_said(
    ran: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    CODES.update({"pia1": 0, "mail1": 0, "web1": None})
    words = ["end-sessions", "mdupond", "marie.dupond@ac-exemple.test"]
    assert main(["accounts", *words, "-i", "lab"]) == 4
    assert [(one[0], one[4:]) for one in ran] == [("pia1", words), ("mail1", words)]
    said = capsys.readouterr().err
    assert "web1 cannot be reached" in said
    assert "mdupond: its password is still good: malleposte accounts block mdupond once the directory answers" in said
    CODES["web1"] = 0
    assert main(["accounts", *words, "-i", "lab"]) == 0
