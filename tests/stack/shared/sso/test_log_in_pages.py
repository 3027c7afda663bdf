"""The log-in page's addresses, each with its title, and 404 for every other; the notices that the portal publishes."""

import json
import re
from typing import Any

import pytest
import yaml
from malleposte.core.paths import ROOT

from tests.stack.support.provider import Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.page import Page

LEADS_NOWHERE = (
    "/nulle-part", "/index.html", "/login", "/oauth2/nulle-part", "/2fregisters/autre", "/wp-login.php", "/portal.css",
    "/sessions/x", "/oauth2/introspect", "/totp2fresend", "/webauthn2fresend", "/static/academie/nulle-part.css",
)  # fmt: skip
# Each address that the software answers, as it is configured on the host.
ROUTES = """
use strict;
use JSON;
use Lemonldap::NG::Portal::Main;
my $portal = Lemonldap::NG::Portal::Main->new;
$portal->init({}) or die $portal->error;
my %found;
sub walk {
    my ($routes, $path) = @_;
    for my $part (keys %$routes) {
        ref $routes->{$part} eq 'HASH' ? walk($routes->{$part}, "$path/$part") : ($found{"$path/$part"} = 1);
    }
}
for my $routes ($portal->authRoutes, $portal->unAuthRoutes) {
    walk($_, '') for values %$routes;
}
print encode_json([keys %found]);
"""
OPEN = {
    "/", "/psgi.js", "/ping", "/logout", "/lmerror/", "/webauthn", "/2fchoice", "/2fregisters", "/totp2fcheck",
    "/webauthn2fcheck", "/secours2fcheck", "/secours2fresend", "/courriel2fcheck", "/courriel2fresend",
    "/bureau2fcheck", "/bureau2fresend", "/secours", "/upgradesession", "/renewsession", "/registerbrowser",
    "/checkbrowser", "/oauth2/", "/oauth2/logout", "/oauth2/token", "/oauth2/userinfo",
    "/oauth2/jwks", "/.well-known/openid-configuration",
}  # fmt: skip
"""The addresses that agents' browsers and services ask for; one that ends with a stroke stands for what follows it."""
CLOSED = {
    "/_ended", "/mysession/", "/languages", "/myapplications", "/refresh", "/portal.css", "/oauth2/introspect",
    "/oauth2/register", "/oauth2/checksession.html",
}  # fmt: skip
"""Those that nobody of ours asks for by the web."""
FOLLOWS = {"/lmerror/": "500", "/oauth2/": "authorize", "/mysession/": "persistent"}


@pytest.fixture
def browser(site: Site, web: Web) -> Any:
    """Further browsers."""
    return lambda: Provider(site, web)


def titled(answer: Any) -> str:
    """The title of a page."""
    ((_held, text),) = Page(answer.text).all("title")
    return str(text).strip()


@pytest.mark.parametrize("path", LEADS_NOWHERE)
def test_an_unknown_address_is_404_and_no_form(browser: Any, platform: Any, path: str) -> None:
    answer = browser().ask(path)
    assert answer.status == 404
    assert "passwordfield" not in answer.text and "Set-Cookie" not in answer.headers
    if "/static/" in path:
        return
    assert titled(answer).startswith("Page introuvable – ")
    assert f"https://{platform['hostnames']['portal']}/" in Page(answer.text).links
    (policy,) = answer.headers.get_all("Content-Security-Policy") or []
    assert "frame-ancestors 'none'" in policy


def test_the_front_knows_every_address_of_the_software(site: Site, browser: Any, person: Any) -> None:
    """A new version that answers another address, or one less, is seen here: it is opened or closed on purpose."""
    command = (
        "cd / && runuser -u lemonldap -- env LLNG_DEFAULTCONFFILE=/etc/lemonldap-ng/malleposte/lemonldap-ng.ini "
        "perl -I/usr/local/lib/site_perl"
    )
    told = json.loads(site.run(site.host_of("portal"), command, given=ROUTES))
    assert {re.sub(r"[*:#].*$", "", one) for one in told} == OPEN | CLOSED
    who, agent, visitor = person(), browser(), browser()
    agent.log_in(who.uid, who.account.password)
    assert agent.entered
    # The last one ends the log-in.
    for path in sorted(OPEN | CLOSED, key=lambda one: "logout" in one):
        address = path + FOLLOWS.get(path, "")
        for here in (visitor, agent):
            assert (here.ask(address).status == 404) == (path in CLOSED), address


def test_the_front_lets_in_no_address_that_the_software_has_not() -> None:
    pages = yaml.safe_load((ROOT / "roles/lemonldap/vars/main.yml").read_text("utf-8"))["__lemonldap_pages"]
    whole = {path.strip("/") + (f"/{FOLLOWS[path]}" if path in FOLLOWS else "") for path in OPEN}
    for one in pages:
        assert any(re.fullmatch(one, path) for path in whole), one


def test_each_page_has_its_own_title(browser: Any, person: Any) -> None:
    who, visitor = person(), browser()
    log_in = titled(visitor.ask("/"))
    assert log_in.startswith("Connexion – ")
    visitor.log_in(who.uid, who.account.password)
    assert visitor.entered
    paths = ("/", "/2fregisters", "/2fregisters/totp", "/2fregisters/webauthn", "/upgradesession", "/oauth2/logout")
    found = [titled(visitor.ask(path)) for path in paths]
    assert [one.partition(" – ")[0] for one in found] == [
        "Vous êtes connecté", "Mes moyens de connexion", "Ajouter une application de codes", "Ajouter une clé",
        "Confirmer que c’est vous", "Confirmation",
    ]  # fmt: skip
    assert all(one.endswith(log_in) for one in found)


def test_the_frame_is_the_portal_s(browser: Any, platform: Any) -> None:
    portal = f"https://{platform['hostnames']['portal']}"
    page = Page(browser().ask("/").text)
    links = set(page.links)
    pages = ("", "guide", "plan", "accessibilite", "mentions-legales", "donnees-personnelles")
    assert {f"{portal}/{path}" for path in pages} <= links
    assert len([held for held, _text in page.all("p") if held.get("class") == "fr-logo"]) == 2
    assert [held["lang"] for held, _text in page.all("button") if "data-language" in held] == ["en", "fr"]
    for style in [held["href"] for held, _text in page.all("link") if held.get("rel") == "stylesheet"]:
        assert browser().ask(style).status == 200, style
    for weight in ("Regular", "Bold"):
        assert browser().ask(f"/static/dsfr/fonts/Marianne-{weight}.woff2").headers["Content-Type"] == "font/woff2"


def test_the_notices_are_for_other_sites_too_and_short_lived(site: Site, web: Web, platform: Any) -> None:
    names = platform["hostnames"]

    def asked(path: str = "/annonces.json") -> Any:
        return web.get(site.address("pia1"), names["portal"], path, Origin=f"https://{names['sso']}")

    answer = asked()
    assert answer.status == 200 and isinstance(json.loads(answer.text), list)
    assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for key in ("sso", "webmail", "groupware"):
        host = "pia1" if key == "sso" else "mail1"
        page = web.get(site.address(host), names[key], "/static/academie/page.js" if key == "sso" else "/")
        (policy,) = page.headers.get_all("Content-Security-Policy") or [""]
        assert f"connect-src 'self' https://{names['portal']};" in policy, key
    # The operator's own list is not published, and pages of the portal are not for other sites' scripts.
    assert asked("/notices.json").status == 404
    assert "Access-Control-Allow-Origin" not in asked("/").headers
