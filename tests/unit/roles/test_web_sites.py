"""Files of the roles for nginx: the headers of every answer, questions asked first, and addresses that are refused.

Whether nginx takes it, and answers so, is seen on a deployed host: `tests/stack/shared/network/test_nginx.py`.
"""

import re
from pathlib import Path

import pytest
import yaml
from malleposte.accountd.relying_party import AWAY_PAGE

ROOT = Path(__file__).parents[3]
FRONT = ROOT / "roles/nginx/templates/etc/nginx"
MANIFEST = yaml.load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"), yaml.CSafeLoader)[
    "malleposte_services"
]
SITES = [name for name, service in MANIFEST.items() if "vhost" in service]
LOOSE = {"roundcube": {"'unsafe-inline'", "'unsafe-eval'"}, "sogo": {"'unsafe-inline'"}}
"""Words by which the scripts of a site may do more (ADR 9 and 10)."""
POLICY = re.compile(r'add_header Content-Security-Policy "([^"]+)" always;')


@pytest.fixture(params=SITES)
def laid(request: pytest.FixtureRequest) -> str:
    """The file of a site, its blocks of text in place."""
    path = ROOT / f"roles/{request.param}/templates/etc/nginx/sites/{request.param}.conf.j2"
    text = re.sub(r"^ *#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    block = re.search(r"{% set policy %}\n(.*?){% endset %}\n", text, re.DOTALL)
    return re.sub(r"{{ policy[^}]*}}", block[1], text.replace(block[0], "")) if block else text


def locations(text: str) -> dict[str, str]:
    """Each location, and the text between its braces."""
    return dict(re.findall(r"^location (.+?) {\n(.*?)^}", text, re.MULTILINE | re.DOTALL))


def test_a_role_lays_the_site_of_its_service(laid: str) -> None:
    assert locations(laid)


def test_every_answer_says_what_a_page_may_do_and_who_may_frame_it(laid: str) -> None:
    site = re.sub(r"^location .+? {\n.*?^}", "", laid, flags=re.MULTILINE | re.DOTALL)
    (policy,) = POLICY.findall(site)
    assert "frame-ancestors '" in policy
    framing = "DENY" if "frame-ancestors 'none'" in policy else "SAMEORIGIN"
    assert f"add_header X-Frame-Options {framing} always;" in site
    for place, inside in locations(laid).items():
        if "add_header" in inside:
            # nginx forgets the site's headers where a location adds one of its own.
            assert "include /etc/nginx/snippets/headers.conf;" in inside, place
            assert POLICY.findall(inside) == [policy], place
            assert f"add_header X-Frame-Options {framing} always;" in inside, place


@pytest.mark.parametrize("name", SITES)
def test_scripts_may_do_what_is_said_and_no_more(name: str) -> None:
    text = (ROOT / f"roles/{name}/templates/etc/nginx/sites/{name}.conf.j2").read_text("utf-8")
    scripts = re.findall(r"^[^#\n]*script-src ([^;\n]*)", text, re.MULTILINE)
    assert {word for one in scripts for word in one.split() if word.startswith("'unsafe-")} == LOOSE.get(name, set())
    assert name != "sogo" or "script-src-attr 'none'" in text


def test_a_service_that_is_down_is_one_code_on_every_site(laid: str) -> None:
    """nginx forgets the site's pages where a location has an error_page of its own, and takes the first that fits."""
    snippets = ROOT / "roles/nginx/templates/etc/nginx/snippets"
    assert "error_page 500 502 503 504 =503 /_errors/$away.html;" in (snippets / "away.conf.j2").read_text("utf-8")
    assert "include /etc/nginx/snippets/away.conf;" in (snippets / "errors.conf.j2").read_text("utf-8")
    assert "        include /etc/nginx/snippets/errors.conf;" in (FRONT / "nginx.conf.j2").read_text("utf-8")
    for place, inside in locations(laid).items():
        if "error_page " in inside:
            last = inside.rindex("error_page ")
            ways = ("include /etc/nginx/snippets/away.conf;", "error_page 404 502 504 = @busy_in_sogo;")
            assert any(way in inside[last - 1 :] or inside[last:].startswith(way) for way in ways), place


@pytest.mark.parametrize("name", SITES)
def test_a_page_that_a_site_names_for_its_absence_is_laid(name: str) -> None:
    text = (ROOT / f"roles/{name}/templates/etc/nginx/sites/{name}.conf.j2").read_text("utf-8")
    pages = (ROOT / "roles/nginx/vars/main.yml").read_text("utf-8")
    named = re.findall(r"^set \$away (\S+);", text, re.MULTILINE)
    assert len(named) == (name == "lemonldap")
    for page in ("503", *named):
        assert f'dest: "{{{{ nginx_error_root }}}}/{page}.html"' in pages


def test_a_service_has_nginx_say_that_the_log_in_page_is_away() -> None:
    """One page on every site: Python's programs name it by a constant, Roundcube's plugin by itself."""
    inside = (FRONT / "nginx.conf.j2").read_text("utf-8").partition(f"location = {AWAY_PAGE} {{")[2].partition("}")[0]
    assert inside.split() == ["internal;", "set", "$away", "log-in;", "return", "503;"]
    plugin = (ROOT / "roles/roundcube/files/malleposte/sign_on.php").read_text("utf-8")
    assert f"header('X-Accel-Redirect: {AWAY_PAGE}');" in plugin


def test_what_an_error_page_leads_to_may_fail_and_a_refused_address_goes_round_nowhere(laid: str) -> None:
    """On for a whole site, nginx would refuse its own page by the address as it was sent, for ever."""
    found = locations(laid)
    recursive = {place for place, inside in found.items() if "recursive_error_pages on;" in inside}
    assert recursive == {place for place, inside in found.items() if "error_page 401 = @sign_on;" in inside}
    assert bool(recursive) == ("@sign_on" in found)
    for whole in ("nginx.conf.j2", "snippets/errors.conf.j2", "snippets/away.conf.j2"):
        assert "recursive_error_pages" not in (FRONT / whole).read_text("utf-8")


def test_who_is_asked_is_an_authority_of_the_site(laid: str) -> None:
    found = locations(laid)
    authorities = [place.removeprefix("= ") for place, inside in found.items() if "snippets/authority.conf" in inside]
    for place, inside in found.items():
        for address in re.findall(r"auth_request (\S+?);", inside):
            assert address.startswith(tuple(authorities)), place
            assert "return " not in inside, f"{place}: nginx would answer before it asks"


def test_a_service_learns_of_the_client_from_nginx_alone(laid: str) -> None:
    for place, inside in locations(laid).items():
        if "proxy_pass " in inside:
            assert re.search(r"include /etc/nginx/snippets/(authority|proxy|router|sogo)\.conf;", inside), place
        if "fastcgi_pass" in inside:
            # A header Proxy of a request must not become the variable HTTP_PROXY.
            assert 'fastcgi_param HTTP_PROXY "";' in inside, place


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("/a/../b", True),
        ("/a/%2e%2E/b", True),
        ("/a/x%2f..%2fb", True),
        ("/a/.", True),
        ("/..?x", True),
        ("/a/..b", False),
        ("/a/b..", False),
        ("/.well-known/x", False),
        ("/a/...", False),
        ("/a?b=/../c", False),
        ("/a/b%2Fc", False),
    ],
)
def test_an_address_with_steps_is_refused_before_it_is_walked(address: str, refused: bool) -> None:
    whole = (FRONT / "nginx.conf.j2").read_text("utf-8")
    found = re.search(r'if \(\$request_uri ~\* "(.+)"\) { return 404; }', whole)
    assert found
    assert bool(re.search(found[1], address, re.IGNORECASE)) == refused


@pytest.mark.parametrize(
    ("visitor", "shown"),
    [
        ("GET::text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", True),
        ("HEAD::text/html", True),
        ("GET::*/*", False),
        ("GET::", False),
        ("GET::text/calendar,text/plain;q=0.8", False),
        ("PROPFIND::text/html", False),
        ("OPTIONS::text/html", False),
        ("GET:Basic bWU6aXQ=:text/html", False),
        ("GET:Bearer ::text/html:text/html", False),
    ],
)
def test_a_browser_alone_gets_the_page_of_the_devices_address(visitor: str, shown: bool) -> None:
    text = (ROOT / "roles/dav/templates/etc/nginx/sites/dav.conf.j2").read_text("utf-8")
    assert 'set $dav_visitor "$request_method:$http_authorization:$http_accept";' in text
    (found,) = re.findall(r'if \(\$dav_visitor ~ "(.+)"\) {\n +rewrite \^ /_page last;', text)
    assert bool(re.search(found, visitor)) == shown
    assert "internal;" in locations(text)["= /_page"]
