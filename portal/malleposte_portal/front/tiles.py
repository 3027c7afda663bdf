"""The tiles of the first page: for an agent who is logged in, those of the own class of service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app

from malleposte_portal.log_in import sign_on


def tiles() -> Sequence[Mapping[str, Any]]:
    """All tiles for a visitor; for an agent, none of a webmail or an agenda that the class does not have."""
    settings = current_app.extensions["portal"]
    agent = sign_on.agent()
    own = settings.classes.get(agent.session.profile) if agent else None
    if own is None:
        return list(settings.tiles)
    of_classes = {one[kind] for one in settings.classes.values() for kind in ("mail", "agenda")}
    hidden = of_classes - {own["mail"], own["agenda"]}
    return [one for one in settings.tiles if one.get("service") not in hidden]


def webmail() -> str:
    """The address of the webmail, empty for none. Roundcube's leads agents of the other class on to SOGo's."""
    addresses = {one.get("service"): str(one["url"]) for one in tiles()}
    return next((addresses[name] for name in ("roundcube", "sogo") if name in addresses), "")
