"""The busy times of a colleague of the light class, on SOGo's page for attendees."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.stack.support.dav import Device, first
from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import token
from tests.stack.support.site import Site

pytestmark = pytest.mark.scattered

ICS = "text/calendar; charset=utf-8"
DAY = datetime.datetime.now(ZoneInfo("Europe/Paris")).date() + datetime.timedelta(days=3)


def put(device: Device, hour: int, uid: str) -> str:
    """An event of one hour on the day; its address."""
    address = f"{first(device.discover()[1])}{uid}.ics"
    text = event(
        uid, "Rendez-vous chez le médecin", start=f"{DAY:%Y%m%d}T{hour:02}0000", end=f"{DAY:%Y%m%d}T{hour + 1:02}0000"
    )
    assert device.ask("PUT", address, text, Content_Type=ICS).status in (201, 204)
    return address


def asked(here: Groupware, uid: str) -> Any:
    """The answer to the page's script."""
    return here.get(f"/SOGo/so/{uid}/freebusy.ifb/ajaxRead?sday={DAY:%Y%m%d}&eday={DAY:%Y%m%d}")


def taken(here: Groupware, uid: str) -> set[int]:
    """The hours of the day that are taken."""
    answer = asked(here, uid)
    assert answer.status == 200 and "médecin" not in answer.text, answer.text
    hours = answer.json().get(f"{DAY:%Y%m%d}", {})
    return {int(hour) for hour, quarters in hours.items() if any(int(one) for one in quarters.values())}


def test_both_classes_are_seen(device: Callable[..., Device], site: Site, ca_bundle: Path, people: Any) -> None:
    mine, light, full = people.agent(profile="convergence"), device(profile="roundcube"), device(profile="convergence")
    here = Groupware(site, ca_bundle, mine)
    assert asked(here, light.account.uid).status == 302, "a visitor is told nothing"
    assert here.enters()
    assert taken(here, light.account.uid) == set()
    address = put(light, 9, token())
    put(full, 14, token())
    assert taken(here, light.account.uid) == {9}
    assert taken(here, full.account.uid) == {14}
    assert light.ask("DELETE", address).status in (200, 204)
    assert taken(here, light.account.uid) == set()
