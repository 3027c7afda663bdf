"""An agent's settings in SOGo: a calendar comes and goes, the agent's own choices stay."""

from __future__ import annotations

import json

import pytest
from malleposte.calendars import subscriptions
from malleposte.calendars.subscriptions import Settings

ZONE, OTHER = "malleposte-calendars:Calendar/zone-a", "mdupond:Calendar/personal"


def test_a_calendar_comes_beside_those_that_are_there() -> None:
    settings: Settings = {"Calendar": {"SubscribedFolders": [OTHER], "View": "weekview"}, "Mail": {"a": 1}}
    subscriptions.subscribe(settings, "zone-a", "#18753c")
    assert settings == {
        "Calendar": {"SubscribedFolders": [OTHER, ZONE], "View": "weekview", "FolderColors": {ZONE: "#18753c"}},
        "Mail": {"a": 1},
    }
    assert subscriptions.subscribed(settings, "zone-a")
    assert not subscriptions.subscribed(settings, "zone")
    fresh: Settings = {}
    subscriptions.subscribe(fresh, "zone-a", "#18753c")
    assert subscriptions.subscribed(fresh, "zone-a")


def test_a_colour_follows_the_academy_s_unless_the_agent_chose_one() -> None:
    settings: Settings = {"Calendar": {"FolderColors": {ZONE: "#18753C", OTHER: "#18753c"}}}
    subscriptions.repaint(settings, "zone-a", "#18753c", "#000091")
    assert settings["Calendar"]["FolderColors"] == {ZONE: "#000091", OTHER: "#18753c"}
    settings["Calendar"]["FolderColors"][ZONE] = "#b34000"
    subscriptions.repaint(settings, "zone-a", "#000091", "#6e445a")
    subscriptions.subscribe(settings, "zone-a", "#6e445a")
    assert settings["Calendar"]["FolderColors"][ZONE] == "#b34000"


def test_nothing_of_a_calendar_stays() -> None:
    settings: Settings = {
        "Calendar": {
            "SubscribedFolders": [OTHER, ZONE], "FolderColors": {ZONE: "#18753c", OTHER: "#fff"}, "View": "weekview",
            "InactiveFolders": ["malleposte-calendars_zone-a", "personal"], "FolderDisplayNames": {ZONE: "Zone"},
            "FoldersOrder": ["personal", "malleposte-calendars_zone-a"], "Odd": [["x"], 1],
        },
    }  # fmt: skip
    subscriptions.forget(settings, "zone-a")
    assert settings == {
        "Calendar": {
            "SubscribedFolders": [OTHER], "FolderColors": {OTHER: "#fff"}, "View": "weekview",
            "InactiveFolders": ["personal"], "FolderDisplayNames": {}, "FoldersOrder": ["personal"], "Odd": [["x"], 1],
        },
    }  # fmt: skip
    empty: Settings = {}
    subscriptions.forget(empty, "zone-a")
    assert empty == {}


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"Calendar": []}'])
def test_settings_of_another_form_are_not_touched(text: str) -> None:
    assert subscriptions.read(text) is None


def test_settings_are_written_as_they_were_read() -> None:
    text = '{"Mail":{"Nom":"Élodie \\u0000"},"Calendar":{}}'
    settings = subscriptions.read(text)
    assert settings is not None
    assert subscriptions.write(settings) == text
    assert subscriptions.read(None) == {}
    assert subscriptions.write({"lone": json.loads('"\\ud83d"')}) is None
