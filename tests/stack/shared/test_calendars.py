"""Published calendars: read at their address, sources read again, refusals that change nothing, withdrawn."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.stack.support.calendars import Calendars, file, school
from tests.stack.support.site import Site
from tests.stack.support.web import Web

WORLD = "mta-sts.sts.test"
"""A web server of the simulated Internet."""


@pytest.fixture
def calendars(site: Site) -> Iterator[Calendars]:
    made = Calendars(site)
    yield made
    made.clear()


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


def test_what_cannot_be_published_is_refused_and_changes_nothing(
    calendars: Calendars, served: Callable[[str], str]
) -> None:
    name, rule = f"Refus {secrets.token_hex(4)}", f"uai={school()}"
    row = calendars.publish("-", name, rule, given=file("Rentrée"))
    page = served("<html></html>")
    for source, given, code, said in (
        ("-", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n", 2, "it has no event"),
        ("-", file("x").replace("DTSTART;VALUE=DATE:20270206", "DTSTART:demain"), 2, "is not valid iCalendar"),
        (page, "", 2, "not an iCalendar file"),
        (page.replace(".ics", "-absent.ics"), "", 1, "the server answers 404"),
        (page.replace("https", "http"), "", 2, "only an address https"),
    ):
        told = calendars.ask("publish", source, "--name", name, "--rule", rule, given=given, code=code)
        assert said in told["error"]
    kept = next(one for one in calendars.ask("list")["calendars"] if one["ident"] == row["ident"])
    assert kept == row
