"""`malleposte calendar`: publish, list, withdraw; from the controller the file goes along; refusals change nothing."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from malleposte.commands import away, calendar
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import remote
from malleposte.groupware.published import settings, store

FILE = b"BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART:20270105T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
URL = "https://calendrier.ministere.test/zone-a.ics"
Run = Callable[..., Any]


class Host:
    """A host of the web: the units that were started, the processes of the store's user."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.code, self.answer = 0, FILE

    def run(self, words: list[str], **_named: Any) -> subprocess.CompletedProcess[Any]:
        if words[0] == "systemctl":
            self.started += [words[-1]] * (words[1] == "start")
            return subprocess.CompletedProcess(words, 0, "inactive\n", "")
        assert words[1:4] == ["run", "calendars", "fetch"]
        return subprocess.CompletedProcess(words, self.code, self.answer, b"https://x: the server answers 404; look")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    made = Host()
    root = tmp_path / "store"
    for folder in ("entries", "withdrawn"):
        (root / folder).mkdir(parents=True)
    given = {"address": "https://calendriers.ac-exemple.test", "web": str(tmp_path), "bind_dn": "", "uri": ""}
    file = tmp_path / "calendars.json"
    file.write_text(json.dumps(given | {"base": "dc=ac-exemple,dc=test", "units": ["one.service"]}))
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(calendar, "ROOT", root)
    monkeypatch.setattr(calendar, "Store", lambda: store.Store(root))
    read = settings.Settings.read(file)
    monkeypatch.setattr(settings.Settings, "read", lambda: read)
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


def run(*words: str, given: bytes = b"") -> Any:
    done = CliRunner().invoke(
        calendar.command, [*words, "--json"], input=given, catch_exceptions=False, standalone_mode=False
    )
    assert done.exit_code == 0
    return json.loads(done.stdout)


def test_a_file_is_published_listed_replaced_and_withdrawn(host: Host) -> None:
    (made,) = run("publish", "-", "--name", "Vacances – zone A", given=FILE)["calendars"]
    assert made["ident"] == "vacances-zone-a"
    assert made["address"] == "https://calendriers.ac-exemple.test/vacances-zone-a.ics"
    assert made["agents"] is None
    assert host.started == ["malleposte-calendars.service", "one.service"]
    assert [one["ident"] for one in run("list")["calendars"]] == ["vacances-zone-a"]
    run("publish", "-", "--name", "Vacances – zone A", "--colour", "#18753C", given=FILE)
    assert [one["colour"] for one in run("list")["calendars"]] == ["#18753c"]
    assert run("withdraw", "vacances-zone-a", "--yes") == {"withdrawn": "vacances-zone-a"}
    assert run("list") == {"calendars": []}


def test_the_address_of_one_with_a_rule_stays_and_cannot_be_guessed(host: Host) -> None:
    (made,) = run("publish", "-", "--name", "Conseils", "--rule", "uai=9990001X", given=FILE)["calendars"]
    assert len(made["address"]) == len("https://calendriers.ac-exemple.test/conseils-.ics") + 32
    (again,) = run("publish", "-", "--name", "Conseils", "--rule", "departement=21", given=FILE)["calendars"]
    assert again["address"] == made["address"]


def test_an_address_is_read_by_the_store_s_user(host: Host) -> None:
    (made,) = run("publish", URL, "--name", "Zone A")["calendars"]
    assert made["source"] == URL
    host.code = ExitCode.FAILURE
    with pytest.raises(MallepostError, match="the server answers 404"):
        run("publish", URL, "--name", "Zone B")
    assert [one["ident"] for one in run("list")["calendars"]] == ["zone-a"]


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (["--name", "Zone A"], b"<html>", "Zone A: not an iCalendar file"),
        (["--name", "…"], FILE, "has neither letter nor digit"),
        (["--name", "Zone A", "--colour", "red"], FILE, "is not of the form #rrggbb"),
        (["--name", "Zone A", "--rule", "ville=Dijon"], FILE, "is nothing that a rule knows"),
        (["--name", "Zone A", "--rule", "uai=123"], FILE, "no rule"),
    ],
)
def test_bad_input_changes_nothing(host: Host, words: list[str], given: bytes, said: str) -> None:
    run("publish", "-", "--name", "Zone A", given=FILE)
    before = run("list")
    host.started.clear()
    with pytest.raises(InputError, match=said):
        run("publish", "-", *words, given=given)
    assert host.started == []
    assert run("list") == before
    with pytest.raises(InputError, match="only an address https"):
        run("publish", "http://calendrier.ministere.test/zone-a.ics", "--name", "Zone A")
    with pytest.raises(InputError, match="no calendar 'autre' is published"):
        run("withdraw", "autre", "--yes")
    assert run("list") == before


def test_from_the_controller_the_file_goes_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[list[str], bytes | None]] = []

    def sent(_place: remote.Place, words: list[str], *, content: bytes | None = None) -> int:
        asked.append((words, content))
        return 0

    monkeypatch.setattr(paths, "HOSTED", False)
    monkeypatch.setattr(remote, "places", lambda _inventory, group, **_named: [remote.Place(group, ("ssh",))])
    monkeypatch.setattr(calendar, "run", sent)
    monkeypatch.setattr(away, "run", sent)
    file = tmp_path / "examens.ics"
    file.write_bytes(FILE)
    words = ["publish", str(file), "--name", "Examens", "--rule", "departement=21", "-i", "lab"]
    CliRunner().invoke(calendar.command, words, catch_exceptions=False, standalone_mode=False, obj=None)
    ((told, content),) = asked
    assert content == FILE
    assert told == [
        "calendar", "publish", "--name", "Examens", "--colour", "#000091", "--rule", "departement=21", "--", "-",
    ]  # fmt: skip
    file.write_bytes(b"x")
    with pytest.raises(InputError, match=r"examens\.ics: not an iCalendar file"):
        CliRunner().invoke(calendar.command, words, catch_exceptions=False, standalone_mode=False)
    assert len(asked) == 1


def test_a_calendar_of_the_inventory_is_shown_and_not_touched(host: Host) -> None:
    (made,) = run("publish", "-", "--name", "Vacances", given=FILE)["calendars"]
    kept = calendar.Store()
    with kept.locked():
        kept.put(replace(kept.find("vacances"), fixed=True))  # type: ignore[type-var]
    assert [one["fixed"] for one in run("list")["calendars"]] == [True] and made["fixed"] is False
    for words in (["publish", "-", "--name", "Vacances"], ["withdraw", "vacances", "--yes"]):
        with pytest.raises(InputError, match="the calendar of the inventory's malleposte_school_holidays"):
            run(*words, given=FILE)
    assert run("publish", "-", "--name", "Examens", given=FILE)["calendars"]
