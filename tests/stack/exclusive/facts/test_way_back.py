"""The way back from other facts: all that they brought goes. The last file of this folder by its name."""

import contextlib

import pytest
from malleposte.probe.model import Status

from tests.stack.support.site import Site

from .test_clamav import walk

pytestmark = pytest.mark.full


def test_the_scanner_stops_and_mail_arrives(site: Site, others: contextlib.ExitStack) -> None:
    active = "systemctl is-active clamav-daemon.service"
    assert site.run("mail1", active, check=False).strip() == "active"
    others.close()
    assert site.run("mail1", active, check=False).strip() != "active"
    assert walk(site, "foreign-to-agent")["foreign-to-agent"].status is Status.OK
