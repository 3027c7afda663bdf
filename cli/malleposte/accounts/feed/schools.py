"""From a feed of schools to their entries and their boxes `ce.<UAI>@`. A school that is missing is never removed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import replace

from malleposte.accounts import boxes
from malleposte.accounts.feed import Feed, School
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.accounts.plan.current import Current
from malleposte.directory.model import Attributes, FunctionalBox, box_attributes, escape
from malleposte.directory.protocol import Entry

CLASSES = ("mpSchool",)


def plan(feed: Feed, current: Current, domain: str, now: datetime.datetime, *, profile: str) -> Plan:
    """Schools to make or to rename, and for each the box of its head where there is none, of the class `profile`."""
    there, taken = current.schools(), current.names()
    boxes_by_school = current.boxes() if any(school.agenda is not None for school in feed.schools) else {}
    changes = [
        change
        for school in feed.schools
        for change in (
            *_entry(school, there.get(school.uai), current.suffix),
            *_box(school, domain, taken, current.suffix, profile),
            *_agenda(school, boxes_by_school),
        )
    ]
    touched = {change.line for change in changes}
    return Plan(
        domain=domain,
        feed=feed.name,
        feed_sha256=feed.sha256,
        made=now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        changes=tuple(changes),
        unchanged=sum(school.line not in touched for school in feed.schools),
        rejected=len(feed.rejects),
        left_out=feed.left_out,
    )


def _attributes(school: School) -> Attributes:
    values = {"o": school.name, "l": school.town, "postalCode": school.postal_code, "mpDepartment": school.department}
    return {name: [value] for name, value in values.items() if value}


def _entry(school: School, present: Mapping[str, list[str]] | None, suffix: str) -> Iterable[Change]:
    dn = f"mpEstablishment={escape(school.uai)},ou=establishments,{suffix}"
    new = _attributes(school)
    if present is None:
        attributes = {"objectClass": list(CLASSES), "mpEstablishment": [school.uai], **new}
        yield Change(Kind.SCHOOL, school.uai, dn, {}, attributes, school.line)
        return
    after = {name: values for name, values in new.items() if present.get(name, []) != values}
    if after:
        yield Change(
            Kind.SCHOOL, school.uai, dn, {name: list(present.get(name, [])) for name in after}, after, school.line
        )


def _uid(school: School) -> str:
    return f"ce.{school.uai.lower()}"


def _agenda(school: School, boxes_by_school: Mapping[str, Entry]) -> Iterable[Change]:
    """The agenda of a box that is there, where the feed says whether it has one."""
    box = boxes_by_school.get(_uid(school))
    changes = boxes.agenda(box, on=school.agenda) if box and school.agenda is not None else []
    yield from (replace(one, line=school.line) for one in changes)


def _box(school: School, domain: str, taken: set[str], suffix: str, profile: str) -> Iterable[Change]:
    uid = _uid(school)
    mail = f"{uid}@{domain}"
    if {uid, mail} & taken:
        return
    box = FunctionalBox(
        uid=uid, name=school.name, mail=mail, establishments=(school.uai,), profile=profile, agenda=bool(school.agenda)
    )
    yield Change(Kind.BOX, uid, box.dn(suffix), {}, box_attributes(box), school.line)
