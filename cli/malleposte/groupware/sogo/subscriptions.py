"""An agent's subscriptions in SOGo: what its settings (`c_settings`, a JSON object) hold of another's agenda or book.

`Calendar.SubscribedFolders` lists references, `OWNER:Calendar/NAME`; `Contacts` is the same for address books. Choices
of the agent stand beside it, by reference (colour, name, alarms) or by the name that the page gives the agenda (what is
hidden, the order).
"""

from __future__ import annotations

import json
from typing import Any

from malleposte.adapters.sogo import CALENDAR, CONTACTS

Settings = dict[str, Any]
SUBSCRIBED, COLOURS = "SubscribedFolders", "FolderColors"


def reference(owner: str, name: str, module: str = CALENDAR) -> str:
    """The name of another's agenda, or address book, in settings."""
    return f"{owner}:{module}/{name}"


def _parts(reference: str) -> tuple[str, str, str]:
    """Owner, module, name."""
    owner, _, place = reference.partition(":")
    module, _, name = place.partition("/")
    return owner, module, name


def on_page(reference: str) -> str:
    """The name that a page gives it: owner, fit for a style sheet (`asCSSIdentifier` of SOGo), and name."""
    owner, _module, name = _parts(reference)
    return f"{_fit(owner)}_{name}"


def _fit(word: str) -> str:
    return ("_" if word[:1].isdigit() else "") + word.replace("_", "_U_").replace(".", "_D_")


def read(text: str | None) -> Settings | None:
    """Settings; none of an agent who has none yet, None where they are not to be understood, and so not written."""
    try:
        folders = json.loads(text or "{}")
    except ValueError:
        return None
    readable = isinstance(folders, dict) and all(isinstance(folders.get(one, {}), dict) for one in (CALENDAR, CONTACTS))
    return folders if readable else None


def write(settings: Settings) -> str | None:
    """Their text; None where the database could not hold it."""
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


def subscribe(settings: Settings, reference: str, colour: str) -> None:
    """Show an agenda to an agent. A colour that the agent has chosen for it before stays; an address book has none."""
    agenda = settings.setdefault(_parts(reference)[1], {})
    listed = agenda.get(SUBSCRIBED)
    agenda[SUBSCRIBED] = [*(listed if isinstance(listed, list) else []), reference]
    if not colour:
        return
    colours = agenda.get(COLOURS)
    agenda[COLOURS] = {reference: colour, **(colours if isinstance(colours, dict) else {})}


def subscribed(settings: Settings, reference: str) -> bool:
    """Whether an agenda is shown to an agent, or was and is hidden."""
    listed = settings.get(_parts(reference)[1], {}).get(SUBSCRIBED)
    return isinstance(listed, list) and reference in listed


def repaint(settings: Settings, reference: str, before: str, colour: str) -> None:
    """Follow a change of colour, unless the agent has chosen another."""
    colours = settings.get(_parts(reference)[1], {}).get(COLOURS)
    if isinstance(colours, dict) and str(colours.get(reference, "")).lower() == before:
        colours[reference] = colour


def forget(settings: Settings, reference: str) -> None:
    """Leave nothing of an agenda."""
    names = {reference, on_page(reference)}
    agenda = settings.get(_parts(reference)[1], {})
    for key, setting in agenda.items():
        if isinstance(setting, dict):
            agenda[key] = {name: value for name, value in setting.items() if name not in names}
        elif isinstance(setting, list):
            agenda[key] = [value for value in setting if not isinstance(value, str) or value not in names]
