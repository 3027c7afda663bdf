"""Free slots of a group: those at which everybody is free first, then those at which one or two are busy."""

from __future__ import annotations

import datetime
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from malleposte.accounts.meetings.model import Slot, Span

STEP = 30
"""Minutes between the beginnings that are looked at."""
MOST_BUSY = 2
"""People who may be busy at a slot that is proposed."""
MOST, A_DAY = 24, 4
"""Slots that are proposed, and of one day."""
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True)
class Window:
    """The time in which a meeting of so many minutes is sought: days, both included, and hours of each.

    `zone` is that of days and hours; the machine's without one.
    """

    first: datetime.date
    last: datetime.date
    begins: datetime.time
    ends: datetime.time
    minutes: int
    saturday: bool = False
    zone: datetime.tzinfo | None = None

    def moment(self, day: datetime.date, hour: datetime.time = datetime.time()) -> datetime.datetime:
        """Return a moment of a day, with its zone."""
        naive = datetime.datetime.combine(day, hour)
        return naive.replace(tzinfo=self.zone) if self.zone else naive.astimezone()

    @property
    def whole(self) -> Span:
        """The beginning of the first day, and the end of the last one."""
        return self.moment(self.first), self.moment(self.last + datetime.timedelta(days=1))

    def days(self) -> Iterator[datetime.date]:
        """Yield the days: no Sunday, and a Saturday where that is wanted."""
        for number in range((self.last - self.first).days + 1):
            day = self.first + datetime.timedelta(days=number)
            if day.weekday() < SATURDAY or (day.weekday() == SATURDAY and self.saturday):
                yield day

    def slots(self, now: datetime.datetime) -> Iterator[Span]:
        """Yield the slots that begin after now, in order."""
        lasts, step = datetime.timedelta(minutes=self.minutes), datetime.timedelta(minutes=STEP)
        for day in self.days():
            # In UTC, so that a slot lasts as long as it should on the day of a change of clocks.
            begin, end = (self.moment(day, hour).astimezone(datetime.UTC) for hour in (self.begins, self.ends))
            while begin + lasts <= end:
                if begin > now:
                    yield begin, begin + lasts
                begin += step


def propose(window: Window, busy: Mapping[str, Sequence[Span]], now: datetime.datetime) -> list[Slot]:
    """Return slots, the best first. `busy`: the times of each person who is known, by key."""
    times = {key: _Times(spans) for key, spans in busy.items()}
    possible = [
        (taken, span) for span in window.slots(now)
        if len(taken := tuple(key for key, one in times.items() if one.meet(span))) <= MOST_BUSY
    ]  # fmt: skip
    chosen = list[tuple[tuple[str, ...], Span]]()
    a_day = dict[datetime.date, int]()
    for taken, span in sorted(possible, key=lambda one: (len(one[0]), one[1])):
        day = span[0].astimezone(window.zone).date()
        overlap = any(other[0] < span[1] and span[0] < other[1] for _taken, other in chosen)
        if len(chosen) < MOST and a_day.get(day, 0) < A_DAY and not overlap:
            chosen.append((taken, span))
            a_day[day] = a_day.get(day, 0) + 1
    return [Slot(_local(window, begin), _local(window, end), taken) for taken, (begin, end) in chosen]


class _Times:
    """The busy times of one person, those that meet as one."""

    def __init__(self, spans: Sequence[Span]) -> None:
        joined = list[Span]()
        for begin, end in sorted(spans):
            if joined and begin <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(joined[-1][1], end)
            else:
                joined.append((begin, end))
        self.begins, self.ends = [one[0] for one in joined], [one[1] for one in joined]

    def meet(self, span: Span) -> bool:
        """Whether the person is busy in some of it."""
        before = bisect_left(self.begins, span[1])
        return before > 0 and self.ends[before - 1] > span[0]


def _local(window: Window, moment: datetime.datetime) -> str:
    return moment.astimezone(window.zone).replace(tzinfo=None).isoformat(timespec="minutes")
