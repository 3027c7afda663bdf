"""The devices' one address: authentication, the store of each class, and the answer to a wrong password."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dns.message
import dns.query
import pytest
from testinfra.host import Host

from tests.stack.support.dav import CARD_TEXT, EVENT, Device, first
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = pytest.mark.scattered

BACKENDS = {"roundcube": "/radicale", "convergence": "/SOGo/dav"}
PHONE = "DAVx5/4.4.4-ose (dav4jvm; okhttp/4.12.0) Android/14"
"""As it names itself. SOGo tells programs named Mozilla, and those without a name, of no deleted contact."""
ENTRANCES = ["/", "/.well-known/caldav", "/.well-known/carddav"]


@pytest.fixture(params=BACKENDS)
def profile(request: pytest.FixtureRequest) -> str:
    """Each class of service."""
    return str(request.param)


@pytest.mark.parametrize("start", ENTRANCES)
def test_from_one_address_each_class_finds_its_own(device: Callable[..., Device], profile: str, start: str) -> None:
    mine = device(profile=profile)
    principal, agendas, books = mine.discover(start)
    assert principal.rstrip("/") == f"{BACKENDS[profile]}/{mine.account.uid}"
    assert agendas
    assert books
    assert all(href.startswith(principal) for href in [*agendas, *books])


def test_each_class_keeps_an_event(device: Callable[..., Device], profile: str) -> None:
    mine = device(profile=profile)
    agenda = next(iter(mine.discover()[1]))
    path = f"{agenda}essai-dav.ics"
    text = EVENT.format(uid="essai-dav", summary="Réunion d’équipe à l’école Jean-Zay")
    assert mine.ask("PUT", path, text, Content_Type="text/calendar; charset=utf-8").status == 201
    back = mine.ask("GET", path)
    assert "Réunion d’équipe à l’école Jean-Zay" in back.text
    seen = back.headers["ETag"]
    later = text.replace("Réunion", "Dernière réunion")
    answer = mine.ask("PUT", path, later, Content_Type="text/calendar; charset=utf-8", If_Match=seen)
    assert answer.status in (200, 201, 204)
    assert mine.ask("PUT", path, text, Content_Type="text/calendar", If_Match=seen).status == 412
    assert mine.ask("DELETE", path).status in (200, 204)


@pytest.mark.parametrize("kind", ["agenda", "contacts"])
def test_two_devices_keep_step(device: Callable[..., Device], profile: str, kind: str) -> None:
    """As vdirsyncer and DAVx⁵ do: by what changed since, and by ETags; conflict and deletion included."""
    desk = device(profile=profile)
    phone = device(desk.account)
    phone.program = PHONE
    _principal, agendas, books = desk.discover()
    home, content, model = (
        (first(agendas), "text/calendar", EVENT.format(uid="pas", summary="Conseil de classe"))
        if kind == "agenda"
        else (first(books), "text/vcard", CARD_TEXT.format(uid="pas", name="Conseil de classe"))
    )
    path = f"{home}pas.{'ics' if kind == 'agenda' else 'vcf'}"

    def put(by: Device, word: str, seen: str = "") -> int:
        text, kept = model.replace("Conseil de classe", word), f"{content}; charset=utf-8"
        answer = (
            by.ask("PUT", path, text, Content_Type=kept, If_Match=seen)
            if seen
            else by.ask("PUT", path, text, Content_Type=kept)
        )
        return answer.status

    since, _all = phone.changes(home)
    assert put(desk, "Conseil") == 201
    since, found = phone.changes(home, since)
    assert found == {path: 200}
    seen = phone.ask("GET", path)
    assert "Conseil" in seen.text and ("maîtres" in seen.text or "Lefèvre" in seen.text)
    assert put(phone, "Conseil avancé", seen.headers["ETag"]) in (200, 201, 204)
    assert put(desk, "Conseil reculé", seen.headers["ETag"]) == 412, "the desk has not seen the phone's change"
    now = desk.ask("GET", path)
    assert "Conseil avancé" in now.text and "reculé" not in now.text
    since, _found = phone.changes(home, since)
    assert desk.ask("DELETE", path, If_Match=now.headers["ETag"]).status in (200, 204)
    assert phone.changes(home, since)[1] == {path: 404}


def test_an_agent_may_come_by_the_address_of_their_mail(device: Callable[..., Device], profile: str) -> None:
    mine = device(profile=profile)
    mine.login = mine.account.mail.upper()
    assert mine.discover()[0].rstrip("/") == f"{BACKENDS[profile]}/{mine.account.uid}"


def test_the_tree_of_the_other_class_leads_back(device: Callable[..., Device], profile: str) -> None:
    """After a change of class, a device that kept its old addresses finds the new ones."""
    mine = device(profile=profile)
    [other] = [prefix for known, prefix in BACKENDS.items() if known != profile]
    old = f"{other}/{mine.account.uid}/"
    assert mine.discover(old)[0].rstrip("/") == f"{BACKENDS[profile]}/{mine.account.uid}"
    assert mine.trail[0] == "/"
    for method in ("PROPFIND", "REPORT", "GET", "PUT", "DELETE"):
        assert mine.ask(method, f"{old}Calendar/personal/x.ics", "x").status == 404, method
    assert mine.ask("PUT", f"{other}/probe1/Calendar/personal/x.ics", "x").status == 404


def test_a_change_of_class_is_seen_once_dovecot_forgets(
    device: Callable[..., Device], people: People, mail1: Host
) -> None:
    mine = device(profile="roundcube")
    assert mine.discover()[0].startswith("/radicale/")
    people.change(mine.account, mpProfile=["convergence"])
    mail1.check_output(f"doveadm auth cache flush {mine.account.uid}")
    assert mine.ask("PROPFIND", f"/radicale/{mine.account.uid}/", Depth="0").status == 301
    assert mine.ask("PROPFIND", f"/radicale/{mine.account.uid}/agenda/", Depth="0").status == 404


@pytest.mark.parametrize("path", ["/", "/radicale/probe1/", "/SOGo/dav/probe1/Calendar/", "/radicale/", "/SOGo/dav/"])
@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Basic OnNlY3JldA==", "Basic cHJvYmUxOg==", "Bearer x"])
def test_nothing_without_a_password(device: Callable[..., Device], site: Site, path: str, header: str) -> None:
    stranger = device(site.accounts["probe1"])
    answer = stranger.ask("PROPFIND", path, anonymous=True, **({"Authorization": header} if header else {}))
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_browser_gets_a_page_that_leads_to_the_steps(
    device: Callable[..., Device], site: Site, platform: dict[str, Any]
) -> None:
    stranger = device(site.accounts["probe1"])
    answer = stranger.ask("GET", "/", anonymous=True, Accept="text/html,*/*;q=0.8")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert '<html lang="fr">' in answer.text
    assert f'href="https://{platform["hostnames"]["portal"]}/compte/appareils/regler"' in answer.text
    for headers in ({"Accept": "*/*"}, {"Accept": "text/html", "Authorization": "Basic cHJvYmUxOg=="}):
        asked = stranger.ask("GET", "/", anonymous=True, **headers)
        assert asked.status == 401 and asked.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "path", ["/_page", "/_dav/root", "/_dav/radicale", "/SOGo/", "/SOGo/so/", "/radicale", "/.web/"]
)
def test_nothing_else_is_shown_at_this_address(device: Callable[..., Device], site: Site, path: str) -> None:
    assert device(site.accounts["probe1"]).ask("GET", path).status == 404


def test_the_router_may_do_nothing_but_ask(mail1: Host) -> None:
    names = "User,ProtectSystem,NoNewPrivileges,CapabilityBoundingSet"
    names += ",RestrictAddressFamilies"
    shown = dict(
        line.split("=", 1) for line in mail1.check_output(f"systemctl show dav-router.service -p {names}").splitlines()
    )
    assert {name: set(value.split()) for name, value in shown.items()} == {
        "User": {"dav-router"},
        "ProtectSystem": {"strict"},
        "NoNewPrivileges": {"yes"},
        "CapabilityBoundingSet": set(),
        # The log-in page may be on another host.
        "RestrictAddressFamilies": {"AF_INET", "AF_INET6", "AF_UNIX"},
    }
    asked = "setpriv --reuid nobody --regid nogroup --clear-groups curl -s --max-time 5 -o /dev/null -w '%{http_code}'"
    assert mail1.run(f"{asked} --unix-socket /run/dav-router.sock http://x/root").stdout == "000"
    socket = mail1.file("/run/dovecot/auth-client")
    assert (socket.group, socket.mode) == ("dovecot-auth", 0o660)
    exposure = mail1.run("systemd-analyze security dav-router.service --no-pager | tail -1").stdout
    assert float(exposure.split(":")[1].split()[0]) < 2


@pytest.mark.full
def test_many_devices_at_once(device: Callable[..., Device]) -> None:
    """Thirty at a time: all are answered, and none takes another's name."""
    devices = [device() for _ in range(3)]
    for one in devices:
        one.discover()

    def ask(number: int) -> tuple[str, bytes]:
        one = devices[number % 3]

        # A machine that is busy with other things may put one off, as devices know it (RFC 6585, 4; RFC 9110, 15.6.4).
        def answer() -> bytes | None:
            reply = one.ask("PROPFIND", "/", Depth="0")
            return None if reply.status in (429, 503) else reply.body

        return one.account.uid, wait_for(answer)

    with ThreadPoolExecutor(30) as pool:
        for uid, body in pool.map(ask, range(150)):
            assert f"/radicale/{uid}/".encode() in body


def test_the_domain_publishes_the_address(site: Site, mail1: Host, platform: dict[str, Any]) -> None:
    domain, name = platform["domain"], platform["hostnames"]["dav"]
    for service in ("_caldavs", "_carddavs"):
        for kind, data in (("SRV", f"0 1 443 {name}."), ("TXT", '"path=/"')):
            question = dns.message.make_query(f"{service}._tcp.{domain}", kind)
            answer = dns.query.udp(question, site.address("world"), timeout=10).answer
            assert [str(record) for record in answer[0]] == [data]


def refused(device: Device, path: str = "/") -> tuple[int, bytes, dict[str, str], float]:
    """Status, body, headers but the date, and seconds of a refusal."""
    begun = time.monotonic()
    answer = device.ask("PROPFIND", path, Depth="0")
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() != "date"}
    return answer.status, answer.body, headers, time.monotonic() - begun


def test_unknown_and_refused_are_alike(device: Callable[..., Device]) -> None:
    known, unknown = device(), device()
    known.password, unknown.login, unknown.password = "Faux-1-mais-long", "personne-de-tel", "Faux-2-mais-long"
    first = refused(known)
    second = refused(unknown)
    assert first[:3] == second[:3]
    assert first[0] == 401
    assert first[2]["www-authenticate"].startswith("Basic ")
    assert min(first[3], second[3]) >= 1, "a refusal must take its time"
    assert abs(first[3] - second[3]) < 5


def test_the_clients_own_address_is_what_is_delayed(device: Callable[..., Device], mail1: Host) -> None:
    wrong = device()
    wrong.password = "Faux-3-mais-long"
    begun = mail1.check_output("date +%s")
    refused(wrong)
    lines = mail1.check_output(f"journalctl -q -o cat --since @{begun} -u dav-router.service")
    [address] = re.findall(rf"^refused: user=<{wrong.account.uid}>, rip=(\S+)$", lines, re.MULTILINE)
    assert not address.startswith("127.")
    told = mail1.check_output(f"journalctl -q -o cat --since @{begun} -u dovecot.service")
    assert f"auth({wrong.account.uid},{address}," in told


def test_the_same_wrong_password_is_written_once(device: Callable[..., Device], mail1: Host) -> None:
    """A telephone with last year's password tries for ever: its school must not be shut out for it."""
    wrong = device()
    begun = mail1.check_output("date +%s")
    for word in ("Faux-4-mais-long", "Faux-4-mais-long", "Faux-5-mais-long"):
        wrong.password = word
        refused(wrong)
    lines = mail1.check_output(f"journalctl -q -o cat --since @{begun} -u dav-router.service")
    assert lines.count(f"user=<{wrong.account.uid}>") == 2


def test_no_password_in_any_log(device: Callable[..., Device], mail1: Host) -> None:
    mine, wrong = device(), device()
    wrong.password = "Faux-6-tres-reconnaissable"
    mine.discover()
    refused(wrong)
    for word in (mine.account.password, wrong.password):
        assert mail1.run("journalctl -q -o cat --since -10min | grep -F -- %s", word).rc == 1
        assert mail1.run("grep -rF -- %s /var/log/nginx /etc/radicale /var/lib/radicale", word).rc == 1
