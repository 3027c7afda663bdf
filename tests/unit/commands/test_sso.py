"""`malleposte sso` on the controller asks every host of the portal; one out of reach keeps no other from it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from malleposte.adapters import lemonldap
from malleposte.cli import main
from malleposte.commands.away import person
from malleposte.core import paths
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.fleet import remote
from malleposte.platform.times import local

ANSWER = {"factors": [], "sessions": []}


class Providers:
    """Two hosts of the portal: words that reached them, those that are `gone`, those that `refuse`."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.refuse: set[str] = set()
        self.told: list[tuple[str, list[str]]] = []


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Providers:
    found, both = Providers(), [remote.Place("pia1", ()), remote.Place("pia2", ())]

    def answer(place: remote.Place, words: Sequence[str]) -> tuple[int, Any]:
        if place.name in found.gone:
            raise MallepostError(f"{place.name} cannot be reached over ssh")
        found.told.append((place.name, list(words)))
        return (ExitCode.BAD_INPUT, {"error": "no factor"}) if place.name in found.refuse else (0, ANSWER)

    monkeypatch.setattr(paths, "HOSTED", False)
    monkeypatch.setattr(remote, "places", lambda _inventory, group, only=(): both if group == "portal" else [])
    monkeypatch.setattr(remote.Place, "answer", answer)
    return found


def typed(*words: str) -> int:
    return main(["sso", *words, "--json", "-i", "lab"])


def test_every_host_of_the_portal_answers(providers: Providers, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("status", "mdupond") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"hosts": {"pia1": ANSWER, "pia2": ANSWER}}
    assert providers.told[0] == ("pia1", ["sso", "status", "mdupond", "--json"])


def test_a_host_out_of_reach_is_named_and_the_other_answers(
    providers: Providers, capsys: pytest.CaptureFixture[str]
) -> None:
    providers.gone = {"pia1"}
    assert typed("status", "mdupond") == ExitCode.PARTLY
    said = capsys.readouterr()
    assert json.loads(said.out) == {"hosts": {"pia2": ANSWER}}
    assert "pia1 cannot be reached" in said.err


def test_the_journal_of_the_host_is_told_who_acts(providers: Providers) -> None:
    assert typed("sessions", "end", "mdupond", "--reason", "lost") == ExitCode.DONE
    words = ["sso", "sessions", "end", "--by", person(), "mdupond", "--reason", "lost", "--json"]
    assert providers.told == [("pia1", words), ("pia2", words)]


def test_a_factor_is_removed_where_it_is_and_the_same_typed_again_ends_well(providers: Providers) -> None:
    words = ("factors", "remove", "mdupond", "x1", "--reason", "lost")
    providers.gone = {"pia1"}
    assert typed(*words) == ExitCode.PARTLY
    providers.gone, providers.refuse = set(), {"pia2"}
    assert typed(*words) == ExitCode.DONE
    providers.refuse = {"pia1", "pia2"}
    assert typed(*words) == ExitCode.BAD_INPUT, "a factor that no host knows"


def test_an_agent_without_anything_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = datetime(2026, 3, 14, 20, 5, tzinfo=UTC)
    held = {"anne": [lemonldap.Factor("f1", "totp", "telephone", made)]}
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(lemonldap, "factors", lambda uid: held.get(uid, []))
    monkeypatch.setattr(lemonldap, "sessions", lambda _uid: [])
    assert main(["sso", "status", "personne"]) == ExitCode.DONE
    assert capsys.readouterr() == (
        "personne: no second factor and no open log-in; `malleposte accounts show personne` tells whether there is "
        "such an account\n",
        "",
    )
    assert main(["sso", "status", "anne"]) == ExitCode.DONE
    assert f"f1  totp       {local(made)}  telephone" in capsys.readouterr().out
    assert main(["sso", "status", "personne", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == ANSWER
