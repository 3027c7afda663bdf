"""An agent's settings in SOGo: a calendar comes and goes, the agent's own choices stay."""

import json

import pytest
from malleposte.groupware.sogo import subscriptions
from malleposte.groupware.sogo.subscriptions import Settings

ZONE, OTHER = "malleposte-calendars:Calendar/zone-a", "mdupond:Calendar/personal"


def test_a_calendar_comes_beside_those_that_are_there() -> None:
    settings: Settings = {"Calendar": {"SubscribedFolders": [OTHER], "View": "weekview"}, "Mail": {"a": 1}}
    subscriptions.subscribe(settings, ZONE, "#18753c")
    assert settings == {
        "Calendar": {"SubscribedFolders": [OTHER, ZONE], "View": "weekview", "FolderColors": {ZONE: "#18753c"}},
        "Mail": {"a": 1},
    }
    assert subscriptions.subscribed(settings, ZONE)
    assert not subscriptions.subscribed(settings, ZONE.removesuffix("-a"))
    fresh: Settings = {}
    subscriptions.subscribe(fresh, ZONE, "#18753c")
    assert subscriptions.subscribed(fresh, ZONE)


def test_a_colour_follows_the_academy_s_unless_the_agent_chose_one() -> None:
    settings: Settings = {"Calendar": {"FolderColors": {ZONE: "#18753C", OTHER: "#18753c"}}}
    subscriptions.repaint(settings, ZONE, "#18753c", "#000091")
    assert settings["Calendar"]["FolderColors"] == {ZONE: "#000091", OTHER: "#18753c"}
    settings["Calendar"]["FolderColors"][ZONE] = "#b34000"
    subscriptions.repaint(settings, ZONE, "#000091", "#6e445a")
    subscriptions.subscribe(settings, ZONE, "#6e445a")
    assert settings["Calendar"]["FolderColors"][ZONE] == "#b34000"


def test_nothing_of_a_calendar_stays() -> None:
    settings: Settings = {
        "Calendar": {
            "SubscribedFolders": [OTHER, ZONE], "FolderColors": {ZONE: "#18753c", OTHER: "#fff"}, "View": "weekview",
            "InactiveFolders": ["malleposte-calendars_zone-a", "personal"], "FolderDisplayNames": {ZONE: "Zone"},
            "FoldersOrder": ["personal", "malleposte-calendars_zone-a"], "Odd": [["x"], 1],
        },
    }  # fmt: skip
    subscriptions.forget(settings, ZONE)
    assert settings == {
        "Calendar": {
            "SubscribedFolders": [OTHER], "FolderColors": {OTHER: "#fff"}, "View": "weekview",
            "InactiveFolders": ["personal"], "FolderDisplayNames": {}, "FoldersOrder": ["personal"], "Odd": [["x"], 1],
        },
    }  # fmt: skip
    empty: Settings = {}
    subscriptions.forget(empty, ZONE)
    assert empty == {}


def test_the_names_of_an_agenda_in_settings_and_on_pages() -> None:
    box = subscriptions.reference("ce.9990001x", "personal")
    assert box == "ce.9990001x:Calendar/personal"
    assert subscriptions.on_page(box) == "ce_D_9990001x_personal"
    assert subscriptions.on_page(subscriptions.reference("9_a", "personal")) == "_9_U_a_personal"
    settings: Settings = {"Calendar": {"SubscribedFolders": [box], "InactiveFolders": ["ce_D_9990001x_personal"]}}
    subscriptions.forget(settings, box)
    assert settings == {"Calendar": {"SubscribedFolders": [], "InactiveFolders": []}}


def test_an_address_book_has_its_own_place_and_no_colour() -> None:
    book = subscriptions.reference("malleposte-annuaires", "9990001x", subscriptions.CONTACTS)
    assert (book, subscriptions.on_page(book)) == (
        "malleposte-annuaires:Contacts/9990001x",
        "malleposte-annuaires_9990001x",
    )
    settings: Settings = {"Calendar": {"SubscribedFolders": [OTHER]}}
    subscriptions.subscribe(settings, book, "")
    assert settings == {"Calendar": {"SubscribedFolders": [OTHER]}, "Contacts": {"SubscribedFolders": [book]}}
    assert subscriptions.subscribed(settings, book)
    subscriptions.forget(settings, book)
    assert settings == {"Calendar": {"SubscribedFolders": [OTHER]}, "Contacts": {"SubscribedFolders": []}}


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"Calendar": []}', '{"Contacts": []}'])
def test_settings_of_another_form_are_not_touched(text: str) -> None:
    assert subscriptions.read(text) is None


def test_settings_are_written_as_they_were_read() -> None:
    text = '{"Mail":{"Nom":"Élodie \\u0000"},"Calendar":{}}'
    settings = subscriptions.read(text)
    assert settings is not None
    assert subscriptions.write(settings) == text
    assert subscriptions.read(None) == {}
    assert subscriptions.write({"lone": json.loads('"\\ud83d"')}) is None
