"""`malleposte notice`: on a host of the portal posted with an end, listed, ended; from the controller sent to each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from malleposte import paths
from malleposte.commands import notice
from malleposte.errors import InputError
from malleposte.fleet import remote
from malleposte.front import notices

Run = Callable[..., Any]
LONG = ("--from", "2020-01-01 08:00", "--until", "2999-01-01 08:00")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command of a host; what it prints as JSON."""
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(notices, "FILE", tmp_path / "notices.json")

    def ran(*words: str) -> Any:
        done = CliRunner().invoke(notice.command, [*words, "--json"], catch_exceptions=False, standalone_mode=False)
        assert done.exit_code == 0
        return json.loads(done.stdout)

    return ran


def test_a_notice_is_posted_listed_and_ended(run: Run) -> None:
    (made,) = run("add", "incident", "Messagerie indisponible.", "--en", "Mail is away.", *LONG)
    assert made["texts"] == {"fr": "Messagerie indisponible.", "en": "Mail is away."}
    assert run("list") == [made]
    run("end", made["id"])
    assert run("list") == []
    assert [one["texts"] for one in run("list", "--all")] == [made["texts"]]


def test_a_planned_one_is_removed_by_its_end(run: Run) -> None:
    (made,) = run("add", "maintenance", "Mise à jour.", "--from", "2999-11-28 18:00", "--until", "2999-11-28 20:00")
    run("end", made["id"])
    assert run("list", "--all") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["incident", "x"], "needs an end: give --until or --for"),
        (["incident", "x", "--for", "2h", "--until", "2999-01-01"], "needs an end: give --until or --for"),
        (["incident", "x", "--until", "2020-01-01"], "is past"),
        (["incident", "x", "--for", "2"], "is no duration"),
        (["incident", "x", "--from", "2999-01-02", "--until", "2999-01-01"], "is not after the start"),
        (["incident", " ", "--for", "2h"], "the French text is missing"),
    ],
)
def test_what_cannot_be_posted_is_refused(run: Run, words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run("add", *words)
    assert run("list") == []


def test_an_unknown_one_cannot_be_ended(run: Run) -> None:
    with pytest.raises(InputError, match="there is no notice 12345678"):
        run("end", "12345678")


def test_on_the_controller_it_goes_to_every_host_of_the_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def answer(place: remote.Place, words: Sequence[str]) -> tuple[int, Any]:
        asked.append((place.name, list(words)))
        return 0, []

    both = [remote.Place("pia1", ()), remote.Place("pia2", ())]
    monkeypatch.setattr(remote, "places", lambda _inventory, group: both if group == "portal" else [])
    monkeypatch.setattr(remote.Place, "answer", answer)
    words = ["add", "--for", "2h", "--json", "incident", "--", "-une panne-"]
    done = CliRunner().invoke(notice.command, words, catch_exceptions=False, standalone_mode=False)
    assert done.return_value == 0
    assert [name for name, _words in asked] == ["pia1", "pia2"]
    assert asked[0][1] == asked[1][1], "the same times, and so the same name, on both"
    assert asked[0][1][-2:] == ["--", "-une panne-"]
    assert set(json.loads(done.stdout)["hosts"]) == {"pia1", "pia2"}
