"""`malleposte notice`: on a host of the portal posted with an end, listed, ended; from the controller sent to each."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from malleposte.cli import main
from malleposte.commands import notice
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
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


class Portals:
    """Two hosts of the portal, each with a file of notices; those in `gone` cannot be reached."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.gone: set[str] = set()
        self.files = {name: folder / f"{name}.json" for name in ("pia1", "pia2")}
        both = [remote.Place(name, ()) for name in self.files]
        patch.setattr(paths, "HOSTED", False)
        patch.setattr(remote, "places", lambda _inventory, group, only=(): both if group == "portal" else [])

        def answer(place: remote.Place, words: Sequence[str]) -> tuple[int, Any]:
            if place.name in self.gone:
                raise MallepostError(f"{place.name} cannot be reached over ssh")
            with patch.context() as there:
                there.setattr(paths, "HOSTED", True)
                there.setattr(notices, "FILE", self.files[place.name])
                done = CliRunner().invoke(notice.command, list(words[1:]), standalone_mode=False)
            if isinstance(done.exception, InputError):
                return ExitCode.BAD_INPUT, {"error": str(done.exception)}
            assert done.exception is None
            return done.return_value or 0, json.loads(done.stdout)

        patch.setattr(remote.Place, "answer", answer)

    def shown(self, name: str) -> list[str]:
        """Names of the messages that a portal shows."""
        found = notices.shown(notices.read(self.files[name]), datetime.now(UTC))
        return [one.ident for one in found]


@pytest.fixture
def portals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Portals:
    return Portals(tmp_path, monkeypatch)


def typed(*words: str) -> int:
    return main(["notice", *words, "--json", "-i", "lab"])


def test_from_the_controller_every_host_of_the_portal_gets_the_same_message(
    portals: Portals, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notice", "add", "--for", "2h", "--json", "-i", "lab", "incident", "--", "-une panne-"]) == 0
    hosts = json.loads(capsys.readouterr().out)["hosts"]
    assert hosts["pia1"] == hosts["pia2"]
    assert hosts["pia1"][0]["texts"] == {"fr": "-une panne-"}
    assert portals.shown("pia1") == portals.shown("pia2") == [hosts["pia1"][0]["id"]]


@pytest.mark.parametrize("gone", ["pia1", "pia2"])
def test_with_a_host_away_the_other_does_its_part_and_the_same_typed_again_ends_well(
    portals: Portals, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    portals.gone = {gone}
    post = ("add", "incident", "Messagerie indisponible.", "--for", "2h")
    assert typed(*post) == ExitCode.PARTLY
    assert f"{gone} cannot be reached" in capsys.readouterr().err
    portals.gone = set()
    assert typed(*post) == ExitCode.DONE
    (ident,) = portals.shown("pia1")
    assert portals.shown("pia2") == [ident], "one message, with one name"
    portals.gone = {gone}
    assert typed("end", ident) == ExitCode.PARTLY
    assert portals.shown(gone) == [ident]
    portals.gone = set()
    assert typed("end", ident) == ExitCode.DONE
    assert portals.shown("pia1") == portals.shown("pia2") == []


def test_a_message_that_no_host_knows_cannot_be_ended(portals: Portals) -> None:
    assert typed("end", "12345678") == ExitCode.BAD_INPUT
    portals.gone = {"pia2"}
    assert typed("end", "12345678") == ExitCode.PARTLY


def test_the_controller_refuses_a_message_without_an_end(portals: Portals, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("add", "incident", "x") == ExitCode.BAD_INPUT
    assert "needs an end" in capsys.readouterr().err
    assert portals.shown("pia1") == []


def test_the_same_words_for_another_day_are_another_message(run: Run) -> None:
    for day in ("28", "29", "29"):
        run("add", "maintenance", "x", "--from", f"2999-11-{day} 18:00", "--until", f"2999-11-{day} 20:00")
    assert [one["start"][:10] for one in run("list")] == ["2999-11-28", "2999-11-29"]
