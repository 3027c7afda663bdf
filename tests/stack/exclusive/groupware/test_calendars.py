"""A calendar is withdrawn while the timer's run is under way."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.stack.support.calendars import Calendars, file, school
from tests.stack.support.site import Site
from tests.stack.support.web import Web

pytestmark = pytest.mark.full

UNIT = "malleposte-calendars.service"
DROP_IN = f"/run/systemd/system/{UNIT}.d/slow.conf"


@pytest.fixture
def slow(site: Site) -> Iterator[None]:
    """A run stays under way for a while after its work."""
    host = site.host_of("web")
    site.run(host, f"mkdir -p $(dirname {DROP_IN}) && cat > {DROP_IN}", given="[Service]\nExecStartPost=sleep 5\n")
    site.run(host, "systemctl daemon-reload")
    yield
    site.run(host, f"rm -r $(dirname {DROP_IN}) && systemctl daemon-reload")


def test_what_is_withdrawn_during_a_run_is_served_no_more(
    calendars: Calendars, web: Web, site: Site, request: pytest.FixtureRequest
) -> None:
    row = calendars.publish("-", f"Conseils {secrets.token_hex(4)}", f"uai={school()}", given=file("Conseil"))
    parts, host = urlsplit(row["address"]), site.host_of("web")
    assert web.get(site.address(host), str(parts.hostname), parts.path).status == 200
    request.getfixturevalue("slow")
    site.run(host, f"systemctl start --no-block {UNIT}")
    site.run(host, f"until [ $(systemctl show -P SubState {UNIT}) = start-post ]; do sleep 0.1; done")
    calendars.withdraw(row["ident"])
    assert web.get(site.address(host), str(parts.hostname), parts.path).status == 404
