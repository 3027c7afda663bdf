"""The way back from other facts: all that they brought goes. The last file of this folder by its name."""

import contextlib

import pytest
from malleposte.probe.model import Status

from tests.stack.support.calendars import Calendars
from tests.stack.support.site import Site

from .test_clamav import walk

pytestmark = pytest.mark.full


def test_the_scanner_stops_and_mail_arrives(site: Site, others: contextlib.ExitStack) -> None:
    active = "systemctl is-active clamav-daemon.service"
    assert site.run("mail1", active, check=False).strip() == "active"
    others.close()
    assert site.run("mail1", active, check=False).strip() != "active"
    assert walk(site, "foreign-to-agent")["foreign-to-agent"].status is Status.OK


def test_the_calendar_of_holidays_is_withdrawn(site: Site, others: contextlib.ExitStack) -> None:
    calendars = Calendars(site)
    others.close()
    calendars.gather()
    assert [one["ident"] for one in calendars.ask("list")["calendars"] if one["fixed"]] == []
    site.run(site.host_of("web"), "rm -f /var/lib/malleposte-calendars/withdrawn/vacances-scolaires-*")
