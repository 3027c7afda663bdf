"""Published calendars: seen by the agents of a school in Radicale, SOGo and at an address, read-only, withdrawn."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stack.support.calendars import Calendars, file, school
from tests.stack.support.dav import EVENT, Device, responses
from tests.stack.support.site import Site
from tests.stack.support.web import Web

pytestmark = pytest.mark.together("calendars")

QUERY = """<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:prop><d:getetag/><c:calendar-data/></d:prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="{}" end="{}"/>
</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"""
FEBRUARY, MAY = ("20270201T000000Z", "20270301T000000Z"), ("20270501T000000Z", "20270601T000000Z")
PROFILES = ("roundcube", "convergence")
WORLD = "mta-sts.sts.test"
"""A web server of the simulated Internet."""


def homes(device: Device, name: str) -> list[str]:
    """The addresses under which a device finds a calendar by its name."""
    return [home for home, title in device.discover()[1].items() if title.startswith(name)]


def test_agents_of_the_school_see_it_in_their_homes_and_nobody_changes_it(
    calendars: Calendars, device: Callable[..., Device], tmp_path: Path
) -> None:
    here, name = school(), f"Vacances {secrets.token_hex(4)}"
    mine = [device(profile=profile, establishments=(here,)) for profile in PROFILES]
    theirs = [device(profile=profile, establishments=("9990001X",)) for profile in PROFILES]
    for one in (*mine, *theirs):
        # SOGo leaves out what others own where it does not know the program, which then finds it as delegated.
        one.program = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0"
    before = [len(one.discover()[1]) for one in (*mine, *theirs)]
    assert before == [1] * 4
    path = tmp_path / "vacances.ics"
    path.write_text(file("Vacances d’hiver – été"), "utf-8")
    row = calendars.publish(str(path), name, f"uai={here}", "--colour", "#18753c")
    assert row["agents"] == len(mine)
    found: list[str] = []
    for one in mine:
        (home,) = homes(one, name)
        found.append(home)
        held = one.ask("REPORT", home, QUERY.format(*FEBRUARY), Depth="1", Content_Type="application/xml")
        (item,) = responses(held)
        assert "Vacances d’hiver – été" in one.ask("GET", item).text
        assert not responses(one.ask("REPORT", home, QUERY.format(*MAY), Depth="1", Content_Type="application/xml"))
        assert list(one.changes(home)[1]) == [item]
        text = EVENT.format(uid="essai", summary="à moi")
        for where in (f"{home}essai.ics", item):
            assert one.ask("PUT", where, text, Content_Type="text/calendar; charset=utf-8").status == 403
        assert one.ask("DELETE", item).status == 403
        assert "Vacances d’hiver – été" in one.ask("GET", item).text
        own = next(other for other in one.discover()[1] if other != home)
        put = one.ask("PUT", f"{own}essai.ics", text, Content_Type="text/calendar; charset=utf-8")
        assert put.status == 201
    for one, model, home in zip(theirs, mine, found, strict=True):
        assert homes(one, name) == []
        there = home.replace(model.account.uid, one.account.uid)
        assert one.ask("PROPFIND", there, Depth="1").status == 404
        assert one.ask("PROPFIND", home, Depth="1").status in (403, 404)
    calendars.withdraw(row["ident"])
    for one, home in zip(mine, found, strict=True):
        assert homes(one, name) == []
        assert one.ask("PROPFIND", home, Depth="1").status == 404


@pytest.mark.full
def test_whoever_has_the_address_subscribes_until_it_is_withdrawn(calendars: Calendars, web: Web, site: Site) -> None:
    name = f"Conseils {secrets.token_hex(4)}"
    row = calendars.publish("-", name, f"uai={school()}", given=file("Conseil de classe"))
    parts, address = urlsplit(row["address"]), site.address(site.host_of("web"))
    assert parts.hostname == f"calendriers.{site.place.domain}"
    got = web.get(address, parts.hostname, parts.path)
    assert (got.status, got.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert "SUMMARY:Conseil de classe" in got.text
    assert f"X-WR-CALNAME:{name}" in got.text
    for other in (f"/{row['ident']}.ics", "/", f"/../{row['ident']}.ics"):
        assert web.get(address, parts.hostname, other).status in (400, 404)
    assert web.get(address, parts.hostname, parts.path, method="PUT", body=b"x").status == 405
    calendars.publish("-", name, f"uai={school()}", given=file("Conseil de discipline"))
    assert "SUMMARY:Conseil de discipline" in web.get(address, parts.hostname, parts.path).text
    calendars.withdraw(row["ident"])
    assert web.get(address, parts.hostname, parts.path).status == 404
    kept = site.run(site.host_of("web"), f"cat /var/lib/malleposte-calendars/withdrawn/{row['ident']}-*.ics")
    assert "Conseil de discipline" in kept


@pytest.fixture
def served(site: Site) -> Iterator[Callable[[str], str]]:
    """Have the simulated Internet serve a file; its address."""
    name = f"{secrets.token_hex(4)}.ics"
    path = f"/srv/www/calendars/{name}"

    def serve(text: str) -> str:
        site.run("world", f"mkdir -p /srv/www/calendars && cat > {path}", given=text)
        return f"https://{WORLD}/calendars/{name}"

    yield serve
    site.run("world", f"rm -f {path}")


@pytest.mark.full
def test_an_address_is_read_again_and_its_last_good_content_stays(
    calendars: Calendars, served: Callable[[str], str], web: Web, site: Site
) -> None:
    url = served(file("Vacances de printemps"))
    row = calendars.publish(url, f"Zone {secrets.token_hex(4)}", f"uai={school()}")
    assert row["source"] == url
    parts, address = urlsplit(row["address"]), site.address(site.host_of("web"))

    def again() -> str:
        """The file of the site, after the source was read again."""
        entry = f"/var/lib/malleposte-calendars/entries/{row['ident']}.json"
        site.run(site.host_of("web"), f"""sed -i 's/"fetched": "20../"fetched": "2020/' {entry}""")
        calendars.gather()
        return web.get(address, str(parts.hostname), parts.path).text

    def fault() -> str:
        listed = calendars.ask("list")["calendars"]
        return str(next(one["error"] for one in listed if one["ident"] == row["ident"]))

    served(file("Vacances d’été"))
    assert "SUMMARY:Vacances d’été" in again()
    assert fault() == ""
    served("<html>en maintenance</html>")
    assert "SUMMARY:Vacances d’été" in again()
    assert "not an iCalendar file" in fault()
    served(file("Fin des cours"))
    assert "SUMMARY:Fin des cours" in again()
    assert fault() == ""
