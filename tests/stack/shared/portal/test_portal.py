"""The portal's pages: links to the services and to help, in two languages, for everyone."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack.support.headers import guarded, private
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page


def test_the_policy_allows_what_the_pages_need_and_no_more(site: Site, web: Web, platform: dict[str, Any]) -> None:
    portal = platform["hostnames"]["portal"]
    policy = web.get(site.address("pia1"), portal).headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self' https://sso.ac-exemple.test; "
        "frame-ancestors 'none'"
    )
    for path, kind in (("/style.css", "text/css"), ("/icon.svg", "image/svg+xml")):
        answer = guarded(web.get(site.address("pia1"), portal, path))
        assert (answer.status, answer.headers.get_content_type()) == (200, kind)
    assert private(web.get(site.address("pia1"), portal, "/rien")).status == 404


def test_every_colour_of_the_styles_is_defined(site: Site, web: Web, platform: dict[str, Any]) -> None:
    """A browser drops a rule that it cannot read without a word, and all that leans on it."""
    address, portal = site.address("pia1"), platform["hostnames"]["portal"]
    home = web.get(address, portal).text
    (state,) = re.findall(r'href="(/assets/[0-9a-f]{16}/dsfr\.css)"', home)
    styles = web.get(address, portal, "/style.css").text
    bare = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL)
    defined = set(re.findall(r"(--[a-z-]+):", web.get(address, portal, state).text))
    assert set(re.findall(r"var\((--[a-z-]+)\)", bare)) <= defined
    assert bare.count("{") == bare.count("}")


def test_the_styles_are_compressed(site: Site, web: Web, platform: dict[str, Any]) -> None:
    address, portal = site.address("pia1"), platform["hostnames"]["portal"]
    (state,) = re.findall(r'href="(/assets/[^"]+/dsfr\.css)"', web.get(address, portal).text)
    answer = web.get(address, portal, state, Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("key", ["portal", "sso"])
def test_programs_that_keep_passwords_find_the_page(site: Site, web: Web, platform: dict[str, Any], key: str) -> None:
    names = platform["hostnames"]
    answer = web.get(site.address(site.host_of("portal")), names[key], "/.well-known/change-password")
    assert answer.status == 302
    where = f"https://{names['portal']}/motdepasse"
    assert answer.headers["Location"] in (where, where.removeprefix(f"https://{names[key]}"))


def test_every_process_serves_the_guide(site: Site, web: Web, platform: dict[str, Any]) -> None:
    """Its pages are in the package's archive, in which processes must not disturb each other's reads."""
    address, name = site.address(site.host_of("portal")), platform["hostnames"]["portal"]
    listed = set(Page(web.get(address, name, "/guide").text).links)
    paths = ["/guide", *sorted(one for one in listed if one.startswith("/guide/"))] * 6
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: web.get(address, name, path), paths))
    assert len(set(paths)) > 10 and {answer.status for answer in answers} == {200}
    assert "Le guide des agents" in answers[0].text


@pytest.mark.parametrize(
    ("path", "hours"), [("/motdepasse", "Du lundi au vendredi, de 8 h 30"), ("/en/password", "Monday to Friday, 08:30")]
)
def test_help_is_on_every_page(site: Site, web: Web, platform: dict[str, Any], path: str, hours: str) -> None:
    answer = private(web.get(site.address("pia1"), platform["hostnames"]["portal"], path))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page, support = Page(answer.text), platform["support"]
    links = set(page.links)
    assert f"tel:{support['phone'].replace(' ', '')}" in links
    assert f"mailto:{support['mail']}" in links
    said = page.main.replace("\u00a0", " ")
    assert hours in said
    assert ("Ouvert" in said or "Fermé." in said) if path == "/motdepasse" else ("Open" in said or "Closed." in said)


UNITS = {
    "portal.service": 2.0,
    "malleposte-portal-states.service": 2.0,
    "portal-profile@0.service": 2.0,
    "lemonldap-ng-fastcgi-server.service": 2.0,
}
"""Units of the portal's host, and the exposure that each has at most (systemd-analyze(1))."""


@pytest.mark.parametrize(("unit", "most"), UNITS.items())
def test_a_unit_has_few_rights(site: Site, unit: str, most: float) -> None:
    told = site.run("pia1", f"systemd-analyze security --no-pager {unit} | tail -n 1")
    found = re.search(r"(\d+\.\d) ", told)
    assert found and float(found[1]) <= most, told
