"""« Aujourd’hui et cette semaine »: the agent's own meetings of the coming days, whatever the class."""

from __future__ import annotations

import datetime
from urllib.parse import urlsplit

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, reached
from malleposte.accountd.message import Done, Message, Owned, fitting
from malleposte.accounts import facts
from malleposte.accounts.convocations.people import People
from malleposte.accounts.meetings.model import Appointment, Asked
from malleposte.directory.model import first
from malleposte.platform.times import DATE_TIME
from malleposte.throttle import costs

DAYS = 8
"""Today and the seven days that follow."""
DAY = "%Y%m%d"


class Meeting(Message, frozen=True):
    """A meeting in the platform's zone (`2026-06-15T08:00`, a day alone for a whole one).

    `visio` is its link at the academy's own server of meetings by video: an address of any other server is text, since
    whoever invites chooses it.
    """

    begin: str
    end: str
    title: str
    place: str = ""
    visio: str = ""


class Week(Done, frozen=True):
    """The meetings, in order; `more`: and others, or more than can be read."""

    meetings: tuple[Meeting, ...] = ()
    more: bool = False


class MyWeek(Owned[Week], frozen=True):
    """Show them."""


@call(cost=costs.LOOK, slow=True)
def my_week(context: Context, request: MyWeek) -> Week:
    """Read the agent's agenda on its host."""
    uid = context.owner(request.uid).uid
    one = People(context.directory, None, context.tools.domain).of(uid)
    assert one is not None and one.entry is not None
    addresses = tuple(sorted(one.addresses))[:50]
    meetings, more = shown_days(context, uid, first(one.entry.attributes, "mpProfile"), addresses)
    return Week(uid, meetings=meetings, more=more)


def shown_days(
    context: Context, uid: str, profile: str, addresses: tuple[str, ...]
) -> tuple[tuple[Meeting, ...], bool]:
    """Return the meetings of the coming days of an agent's or a box's own agenda, and whether there are others.

    Raises DirectoryError where its host gives no answer.
    """
    asked = Asked(uid, profile, addresses)
    now = context.tools.now()
    today = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    span = (now, (today + datetime.timedelta(days=DAYS)).astimezone())
    with reached(what="the host of the agendas"):
        appointments = context.tools.hosts.own_days(
            asked, *(f"{each.astimezone(datetime.UTC):{DATE_TIME}}" for each in span)
        )
    if appointments is None:
        return (), True
    server = (urlsplit(str(facts.read().get("visio_url", ""))).hostname or "").lower()
    shown = fitting(_shown(each, server) for each in appointments)
    return shown, len(shown) < len(appointments)


def _shown(one: Appointment, server: str) -> Meeting:
    links = [link for link in one.links if server and (urlsplit(link).hostname or "").lower() == server]
    return Meeting(_local(one.begin), _local(one.end), one.title, one.place, next(iter(links), ""))


def _local(moment: str) -> str:
    if len(moment) == len("20260615"):
        return datetime.datetime.strptime(moment, DAY).date().isoformat()  # noqa: DTZ007  # a day has no zone
    read = datetime.datetime.strptime(moment, DATE_TIME).replace(tzinfo=datetime.UTC)
    return read.astimezone().replace(tzinfo=None).isoformat(timespec="minutes")
