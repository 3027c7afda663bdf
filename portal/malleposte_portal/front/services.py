"""The front page for everybody: each service's state, messages, the help desk's hours. All of it comes from files."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from flask import current_app, g, render_template
from malleposte.front import notices, states
from malleposte.platform import opening

from malleposte_portal.core import acts
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.languages import translate_number
from malleposte_portal.core.words import clock, now

WEEKS_AHEAD = 5
"""The weeks in which the next opening is looked for: longer than any holidays of a help desk."""


@dataclass(frozen=True)
class Shown:
    """One service as pages show it: `state` is `up`, `down` or `unknown`; `since` is a text, or empty."""

    service: str
    title: str
    state: str
    since: str


def services() -> list[Shown]:
    """Every service with its state, in the order of the settings."""
    settings = current_app.extensions["portal"]
    walk = states.read(Path(settings.states)) if settings.states else None
    by_service = walk.current(now()) if walk else {}
    shown = []
    for one in settings.services:
        state = by_service.get(one["service"])
        word = "unknown" if state is None else "up" if state.up else "down"
        since = when(datetime.fromisoformat(state.since)) if state and not state.up else ""
        shown.append(Shown(one["service"], one["title"][g.language], word, since))
    return shown


def when(moment: datetime) -> str:
    """A time as people say it: the hour alone for today."""
    here = moment.astimezone()
    hour = clock(here.time())
    if here.date() == now().date():
        return _("aujourd’hui à %(hour)s", hour=hour)
    return _("le %(day)s à %(hour)s", day=_date(here), hour=hour)


def messages() -> list[dict[str, str]]:
    """The notices that are shown now: kind, title, text. None when their file cannot be read; the rest stays up."""
    settings = current_app.extensions["portal"]
    try:
        current = notices.shown(notices.read(Path(settings.notices)), now()) if settings.notices else []
    except notices.NoticeError as error:
        current_app.logger.error("%s", error)
        return []
    return [{"kind": _look(one), "title": title(one), "text": one.text(g.language), "id": one.ident} for one in current]


def _look(one: notices.Notice) -> str:
    return {"incident": "alert", "maintenance": "warning"}.get(one.kind, "info")


def title(one: notices.Notice) -> str:
    """The same words as in `plugins/plugin_utils/notices.js`, which the other sites' pages have."""
    if one.kind == "information":
        return _("Information")
    if one.start > now():
        named = _("Maintenance prévue") if one.kind == "maintenance" else _("Incident prévu")
        named = f"{named} {when(one.start)}"
    else:
        named = _("Maintenance en cours") if one.kind == "maintenance" else _("Incident en cours")
    here, start = one.end.astimezone(), max(one.start.astimezone(), now())
    if here.date() == start.date():
        return _("%(what)s, jusqu’à %(end)s", what=named, end=clock(here.time()))
    return _("%(what)s, jusqu’au %(day)s à %(hour)s", what=named, day=_date(here), hour=clock(here.time()))


def _date(here: datetime) -> str:
    return f"{here:%d/%m}" if g.language == "fr" else f"{here:%-d %B}"


def spans(opening_hours: Sequence[Mapping[str, Any]], day: date, closed: Sequence[str] = ()) -> list[tuple[time, time]]:
    """The hours of the help desk on a day, in order."""
    if day.isoformat() in closed:
        return []
    name = opening.ENGLISH_DAYS[day.weekday()]
    hours_of_day = [
        (time.fromisoformat(one["from"]), time.fromisoformat(one["to"])) for one in opening_hours if name in one["days"]
    ]
    return sorted(hours_of_day)


def desk(moment: datetime | None = None) -> str:
    """A sentence: whether the help desk is open now, or when it opens; empty where its hours are not known as times."""
    support = current_app.extensions["portal"].support
    opening_hours, closed = support.get("opening") or [], support.get("closed") or []
    here = moment or now()
    for ahead in range(WEEKS_AHEAD * 7):
        day = here.date() + timedelta(days=ahead)
        for begin, end in spans(opening_hours, day, closed):
            if ahead == 0 and begin <= here.time() < end:
                return _("Ouvert maintenant, jusqu’à %(hour)s.", hour=clock(end))
            if ahead or here.time() < begin:
                return _("Fermé. Ouvre %(day)s à %(hour)s.", day=_day(day, ahead), hour=clock(begin))
    return _("Fermé.") if opening_hours else ""


def _day(day: date, ahead: int) -> str:
    if ahead < 2:
        return _("demain") if ahead else _("aujourd’hui")
    if ahead < 7:
        return opening.DAYS[day.weekday()] if g.language == "fr" else opening.ENGLISH_DAYS[day.weekday()].capitalize()
    return _("le %(date)s", date=f"{day:%d/%m}" if g.language == "fr" else f"{day:%-d %B}")


def hours() -> list[str]:
    """The hours as sentences, one for each set of days of the fact."""
    phrases = opening.phrases(current_app.extensions["portal"].support.get("opening") or [], french=g.language == "fr")
    return [one[0].upper() + one[1:] for one in phrases]


def place() -> str:
    """The place of the browser, as far as the platform can tell: `school`, `away`."""
    try:
        here = ipaddress.ip_address(acts.source())
    except ValueError:
        return "away"
    networks = current_app.extensions["portal"].school_networks
    return "school" if any(here in ipaddress.ip_network(one, strict=False) for one in networks) else "away"


def diagnosis(**own: Any) -> str:
    """« Diagnostiquer mon problème »: is the service up, and what to do about the usual faults.

    `own` is what the page has about the agent who is logged in (own.diagnosis).
    """
    shown = services()
    down = sum(one.state == "down" for one in shown)
    if any(one.state == "unknown" for one in shown) or not shown:
        verdict = ("info", _("L’état des services n’est pas connu pour le moment."))
    elif down:
        verdict = (
            "warning",
            translate_number(
                "%(number)d service ne répond pas. L’état est contrôlé chaque minute.",
                "%(number)d services ne répondent pas. L’état est contrôlé chaque minute.",
                down,
            ),
        )
    else:
        verdict = ("success", _("Tous les services répondent."))
    return render_template(
        "front/diagnosis.html", services=shown, verdict=verdict, place=place(), address=acts.source(), **own
    )  # fmt: skip
