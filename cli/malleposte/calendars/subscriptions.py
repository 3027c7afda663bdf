"""An agent's subscriptions in SOGo: what its settings (`c_settings`, a JSON object) hold of an agenda of another's.

`Calendar.SubscribedFolders` lists references, `OWNER:Calendar/NAME`. Choices of the agent stand beside it, by reference
(colour, name, alarms) or by the name that the page gives the agenda (what is hidden, the order).
"""

from __future__ import annotations

import json
from typing import Any

from malleposte.accounts.agendas.sogo import PUBLISHER

Settings = dict[str, Any]
SUBSCRIBED, COLOURS = "SubscribedFolders", "FolderColors"


def reference(ident: str) -> str:
    """The name of a published calendar in settings."""
    return f"{PUBLISHER}:Calendar/{ident}"


def read(text: str | None) -> Settings | None:
    """Settings; none of an agent who has none yet, None where they are not to be understood, and so not written."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("Calendar", {}), dict) else None


def write(settings: Settings) -> str | None:
    """Their text; None where the database could not hold it."""
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


def subscribe(settings: Settings, ident: str, colour: str) -> None:
    """Show a calendar to an agent. A colour that the agent has chosen for it before stays."""
    agenda = settings.setdefault("Calendar", {})
    listed = agenda.get(SUBSCRIBED)
    agenda[SUBSCRIBED] = [*(listed if isinstance(listed, list) else []), reference(ident)]
    colours = agenda.get(COLOURS)
    agenda[COLOURS] = {reference(ident): colour, **(colours if isinstance(colours, dict) else {})}


def subscribed(settings: Settings, ident: str) -> bool:
    """Whether a calendar is shown to an agent, or was and is hidden."""
    listed = settings.get("Calendar", {}).get(SUBSCRIBED)
    return isinstance(listed, list) and reference(ident) in listed


def repaint(settings: Settings, ident: str, before: str, colour: str) -> None:
    """Follow a change of colour, unless the agent has chosen another."""
    colours = settings.get("Calendar", {}).get(COLOURS)
    if isinstance(colours, dict) and str(colours.get(reference(ident), "")).lower() == before:
        colours[reference(ident)] = colour


def forget(settings: Settings, ident: str) -> None:
    """Leave nothing of a calendar."""
    names = {reference(ident), f"{PUBLISHER}_{ident}"}
    agenda = settings.get("Calendar", {})
    for key, held in agenda.items():
        if isinstance(held, dict):
            agenda[key] = {name: value for name, value in held.items() if name not in names}
        elif isinstance(held, list):
            agenda[key] = [value for value in held if not isinstance(value, str) or value not in names]
