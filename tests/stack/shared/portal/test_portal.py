"""The portal's pages: links to the services and to help, in two languages, for everyone."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import yaml
from malleposte.core.paths import ROOT

from tests.stack.support.headers import guarded, private
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page

FRENCH = (
    *("/", "/diagnostic", "/motdepasse/robustesse", "/motdepasse", "/motdepasse/changer", "/motdepasse/code"),
    *("/motdepasse/oublie", "/activer", "/oublie", "/oublie/identifiant"),
)
ENGLISH = (
    *("/en/", "/en/diagnosis", "/en/password/strength", "/en/password", "/en/password/change", "/en/password/code"),
    *("/en/password/forgotten", "/en/activate", "/en/forgotten", "/en/forgotten/log-in"),
)
PAGES = dict.fromkeys(FRENCH, "fr") | dict.fromkeys(ENGLISH, "en")


@pytest.fixture
def open_page(site: Site, web: Web, platform: dict[str, Any]) -> Any:
    def opened(path: str) -> Page:
        answer = private(web.get(site.address("pia1"), platform["hostnames"]["portal"], path))
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return Page(answer.text)

    return opened


@pytest.mark.parametrize(("path", "language"), PAGES.items())
def test_a_page_is_well_built(open_page: Any, path: str, language: str) -> None:
    page = open_page(path)
    assert [attributes["lang"] for attributes, _text in page.all("html")] == [language]
    assert [len(page.all(tag)) for tag in ("title", "h1", "main", "header", "footer", "nav")] == [1] * 6
    assert "initial-scale=1" in str(page.all("meta"))
    skip, _text = page.all("a")[0]
    assert skip["href"] == "#" + str(page.all("main")[0][0]["id"])
    levels = [int(tag[1]) for tag, _attributes in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(text or attributes.get("aria-label") for attributes, text in page.all("a"))
    named = {attributes["aria-labelledby"] for _tag, attributes in page.elements if "aria-labelledby" in attributes}
    assert named <= set(ids)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_neither_script_nor_style_and_asks_nothing_of_another_site(open_page: Any, path: str) -> None:
    page = open_page(path)
    assert page.all("style") == page.all("iframe") == []
    assert all(str(attributes["src"]).startswith("/") and not text for attributes, text in page.all("script"))
    for _tag, attributes in page.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
    links = [str(attributes["href"]) for attributes, _text in page.all("link")]
    assert links and all(link.startswith("/") for link in links)


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
    ("path", "title", "target"),
    [("/", "Gérer mon mot de passe", "/motdepasse"), ("/en/", "Manage my password", "/en/password")],
)
def test_a_tile_leads_to_the_page_about_passwords(open_page: Any, path: str, title: str, target: str) -> None:
    tiles = {text: attributes["href"] for attributes, text in open_page(path).all("a")}
    assert tiles[title] == target


@pytest.mark.parametrize(("path", "language"), [("/", "fr"), ("/en/", "en")])
def test_the_services_of_the_manifest_have_their_tiles(
    open_page: Any, platform: dict[str, Any], path: str, language: str
) -> None:
    manifest = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))
    wanted = {
        service["tile"]["title"][language]: f"https://{platform['hostnames'][service['tile']['host']]}"
        for service in manifest["malleposte_services"].values()
        if "tile" in service
    }
    tiles = {text: str(attributes["href"]) for attributes, text in open_page(path).all("a")}
    assert {title: tiles.get(title, "")[: len(url)] for title, url in wanted.items()} == wanted


@pytest.mark.parametrize(
    ("path", "hours"), [("/motdepasse", "Du lundi au vendredi, de 8 h 30"), ("/en/password", "Monday to Friday, 08:30")]
)
def test_help_is_on_every_page(open_page: Any, platform: dict[str, Any], path: str, hours: str) -> None:
    page, support = open_page(path), platform["support"]
    links = set(page.links)
    assert f"tel:{support['phone'].replace(' ', '')}" in links
    assert f"mailto:{support['mail']}" in links
    said = page.main.replace("\u00a0", " ")
    assert hours in said
    assert ("Ouvert" in said or "Fermé." in said) if path == "/motdepasse" else ("Open" in said or "Closed." in said)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_leads_to_its_other_language(open_page: Any, path: str) -> None:
    page = open_page(path)
    (other,) = [attributes["href"] for attributes, _text in page.all("a") if "hreflang" in attributes]
    assert PAGES[str(other)] != PAGES[path]
    (back,) = [attributes["href"] for attributes, _text in open_page(str(other)).all("a") if "hreflang" in attributes]
    assert back == path


@pytest.mark.parametrize("path", PAGES)
def test_what_is_read_out_is_what_is_seen(web: Web, site: Site, platform: dict[str, Any], path: str) -> None:
    """A label of its own hides the text from people who speak to the page (WCAG 2.5.3)."""
    page = Page(web.get(site.address("pia1"), platform["hostnames"]["portal"], path).text)
    links = page.all("a")
    assert any("PIA" in text for _attributes, text in links)
    for attributes, text in [*links, *page.all("button")]:
        assert text.lower() in (attributes.get("aria-label") or text).lower()


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
