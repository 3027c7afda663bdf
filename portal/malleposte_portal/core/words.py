"""Times and classes in the words of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from flask import current_app, g
from malleposte.accountd.own import COMPUTED
from malleposte.platform import opening
from malleposte.platform.times import in_english, in_french, when

from malleposte_portal.core.languages import translate as _


def now() -> datetime:
    """The time on the host's clock, with its zone."""
    return datetime.now().astimezone()


def clock(moment: time) -> str:
    """An hour in the language of the page: `8 h`, `8 h 30`, `8:30`."""
    return opening.clock(moment, french=g.language == "fr")


def read(text: str | float) -> datetime | None:
    """A time of the directory (`20261201120000Z`), of a journal (ISO 8601) or in seconds since 1970; None for none."""
    if isinstance(text, int | float):
        return datetime.fromtimestamp(text, UTC).astimezone()
    if (stamped := when(text)) is not None:
        return stamped.astimezone()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone()


def day(text: str | float, *, weekday: bool = False) -> str:
    """A day as people write it, with its name in the week if asked; empty for none."""
    moment = read(text)
    if moment is None:
        return ""
    return (in_french if g.language == "fr" else in_english)(moment, weekday=weekday)


def moment(text: str | float) -> str:
    """A day and an hour; empty for none."""
    at = read(text)
    return _("%(day)s à %(hour)s", day=day(text), hour=clock(at.time())) if at else ""


def span(begin: str, end: str) -> str:
    """The time of an event, from days or moments of the platform's zone (ISO 8601 without a zone)."""
    first, last = (datetime.fromisoformat(one).astimezone().isoformat() for one in (begin, end))
    if "T" not in begin:
        return (
            _("le %(day)s", day=day(first, weekday=True))
            if begin == end
            else _("du %(first)s au %(last)s", first=day(first), last=day(last))
        )
    if begin[:10] == end[:10]:
        opens, closes = (clock(time.fromisoformat(one[11:])) for one in (begin, end))
        return _("le %(day)s, de %(begin)s à %(end)s", day=day(first, weekday=True), begin=opens, end=closes)
    return _("du %(first)s au %(last)s", first=moment(first), last=moment(last))


def zoned(text: str | float) -> str:
    """As `moment`, for the people who run the platform: with the zone of the hour, as the command line writes it."""
    at = read(text)
    return f"{moment(text)} ({at.tzname()})" if at else ""


def days_left(text: str, now: datetime) -> int | None:
    """Whole days until a time; None where there is none."""
    at = read(text)
    return (at - now).days if at else None


def forwards(addresses: Iterable[str]) -> str:
    """The addresses to which filters send mail."""
    computed = _("une adresse que le filtre calcule")
    return ", ".join(computed if one == COMPUTED else one for one in addresses)


def class_of(name: str) -> Mapping[str, Any]:
    """A class of service as the facts have it; empty for one that they do not know."""
    service_class: Mapping[str, Any] = current_app.extensions["portal"].classes.get(name, {})
    return service_class


def label(name: str) -> str:
    """The class in the words of the page."""
    return str(class_of(name).get("label", {}).get(g.language, name))


def browser(agent: str) -> str:
    """The program and the device of a `User-Agent`, as far as they can be told apart."""
    programs = (
        ("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Thunderbird", "Thunderbird"),
        ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari"),
    )  # fmt: skip
    systems = (
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    )  # fmt: skip
    # Any other names itself first (RFC 9110, 10.1.5).
    itself = agent.partition("/")[0].strip()[:40]
    program = next((name for sign, name in programs if sign in agent), itself or _("Navigateur inconnu"))
    system = next((name for sign, name in systems if sign in agent), "")
    return f"{program}, {system}" if system else program
