"""The calendar of school holidays that an inventory has: it comes and changes with the fact."""

from collections.abc import Callable

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.calendars import Calendars
from tests.stack.support.dav import Device
from tests.stack.support.deployed import with_facts
from tests.stack.support.site import Site

from .conftest import holidays

pytestmark = pytest.mark.full

PROGRAM = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0"


Titles = Callable[[], set[str]]


@pytest.fixture
def titles(site: Site, device: Callable[..., Device]) -> Titles:
    """The titles of the holidays that agents of both classes see."""
    agents = [device(profile=profile) for profile in ("convergence", "roundcube")]
    for one in agents:
        one.program = PROGRAM
    calendars = Calendars(site)

    def seen() -> set[str]:
        calendars.gather()
        titles = [{title for title in one.discover()[1].values() if "Vacances scolaires" in title} for one in agents]
        assert [len(one) for one in titles] == [len(titles[0])] * 2, titles
        # SOGo puts the academy's name behind that of the calendar.
        assert all(long.startswith(short) for long, short in zip(*(sorted(one) for one in titles), strict=True))
        return titles[1]

    return seen


def test_the_holidays_of_the_zone_come_with_the_fact(site: Site, titles: Titles) -> None:
    assert titles() == {"Vacances scolaires (zone B)"}
    (row,) = (one for one in Calendars(site).ask("list")["calendars"] if one["fixed"])
    assert (row["ident"], row["agents"]) == ("vacances-scolaires-zone-b", None)
    refused = Cli(site).typed("withdraw", row["ident"], "--yes", group="calendar")
    assert refused.returncode == 2 and "malleposte_school_holidays" in refused.stderr


def test_they_change_with_the_fact(site: Site, titles: Titles) -> None:
    with with_facts(site, site.host_of("web"), "calendars", malleposte_school_holidays=holidays("Corse")):
        assert titles() == {"Vacances scolaires (Corse)"}
    assert titles() == {"Vacances scolaires (zone B)"}
