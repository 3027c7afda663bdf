"""The portal while others are down: it stays up, says within a minute what does not answer and what can be done."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.mail import Mail, compose, token, wait_for
from tests.stack.support.provider import Provider
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.sso import PAGE
from tests.stack.support.web import Answer, Web
from tests.stack.support.webmail import Webmail
from tests.support.page import Page

pytestmark = pytest.mark.rings("UnitInactive", "UnitRestarts", "PortDoesNotAnswer")

STOPPED = "nginx.service dovecot.service postfix.service slapd.service accountd.socket accountd.service"
SERVICES = {"Messagerie légère", "Messagerie complète", "Lecture des messages", "Envoi des messages"}
OUTAGE, REFUSAL = 24, 5
"""The log-in page's numbers of its sentences: nothing answers; a wrong password."""
LOOK = "malleposte-portal-states.service"
"""The look at all services that a timer begins each minute."""
WAYS_IN = {
    "sso": ("portal", "/"),
    "portal": ("portal", "/connexion"),
    "webmail": ("web", "/"),
    "groupware": ("web", "/SOGo/"),
}
"""The sites with a log-in: the group of their hosts, and the page that begins one."""
MINUTE = 150
"""Seconds that a busy machine may take."""


def look(site: Site) -> None:
    """Look at all services now; so often that systemd would think that it fails."""
    site.run("pia1", f"systemctl reset-failed {LOOK}; systemctl start {LOOK}")


@pytest.fixture
def text(site: Site, web: Web, platform: dict[str, Any]) -> Callable[[str], str]:
    """The words of a page of the portal."""

    def read(path: str) -> str:
        answer = web.get(site.address("pia1"), platform["hostnames"]["portal"], path)
        assert answer.status == 200
        return Page(answer.text).all("body")[0][1]

    return read


@pytest.fixture
def stop(site: Site) -> Iterator[Callable[[], None]]:
    """Stops the services of mail1 when called; they run again after the test."""

    def away() -> None:
        site.run("mail1", f"systemctl stop {STOPPED}")

    yield away
    units = " ".join(one for one in STOPPED.split() if one != "accountd.service")
    site.run("mail1", f"systemctl start {units}")


@pytest.fixture
def without_mail1(stop: Callable[[], None]) -> None:
    stop()


def test_with_mail1_stopped_the_portal_says_so(site: Site, text: Callable[[str], str], without_mail1: None) -> None:
    def told() -> set[str]:
        """The services that the first page says are away."""
        look(site)
        away = text("/").partition("Des services ne répondent pas")[2].partition("Vos services")[0]
        return {one for one in SERVICES if one in away}

    wait_for(lambda: told() == SERVICES, MINUTE, "the first page does not name them all")
    assert "Ce portail reste ouvert" in text("/")
    assert "services ne répondent pas" in text("/diagnostic")
    assert text("/motdepasse/robustesse") and text("/motdepasse")


def test_with_mail1_stopped_the_log_in_page_says_so_and_refuses_nobody(
    site: Site, web: Web, person: Any, stop: Callable[[], None]
) -> None:
    who, visitor = person(), Provider(site, web)
    stop()
    page = visitor.ask("/")
    assert page.status == 200 and "passwordfield" in page.text
    answer = visitor.log_in(who.uid, who.account.password)
    assert not visitor.entered
    assert f'trmsg="{OUTAGE}"' in answer.text and f'trmsg="{REFUSAL}"' not in answer.text
    words = json.loads(site.run("pia1", "cat /usr/local/share/malleposte/sso/skins/academie/fr.json"))
    assert "ne répond pas" in words[f"PE{OUTAGE}"]


def test_what_answers_again_is_told(site: Site, text: Callable[[str], str]) -> None:
    def answer() -> bool:
        look(site)
        return "Tous les services répondent" in text("/diagnostic")

    wait_for(answer, MINUTE, "the services do not come back")
    assert "Des services ne répondent pas" not in text("/")
    listed = json.loads(site.run("pia1", "cat /run/malleposte-portal-states/states.json"))
    assert {one["up"] for one in listed["states"].values()} == {True}


def notice(site: Site, *words: str) -> Any:
    """`malleposte notice` as typed on the controller; the answer of pia1."""
    return document(Cli(site).typed(*words, "--json", group="notice"))["hosts"]["pia1"]


@pytest.mark.full
def test_a_message_is_shown_until_its_end(site: Site, text: Callable[[str], str]) -> None:
    (made,) = notice(site, "add", "incident", "Essai : une panne d’exercice.", "--en", "A drill.", "--for", "2h")
    try:
        assert "une panne d’exercice" in text("/")
        assert "A drill." in text("/en/password")
        assert made["id"] in [one["id"] for one in notice(site, "list")]
    finally:
        notice(site, "end", made["id"])
    assert "une panne d’exercice" not in text("/")


@pytest.mark.parametrize("unit", [pytest.param("valkey-server@portal.service", marks=pytest.mark.full), PAGE])
def test_without_the_log_in_the_pages_for_everybody_go_on(
    site: Site, web: Web, person: Any, mail: Mail, text: Callable[[str], str], unit: str
) -> None:
    who = person()

    def logged_in() -> SignedOn | None:
        """A browser that is logged in: where hosts are busy, the portal says that it must be tried again."""
        browser = SignedOn(site, web)
        page = browser.log_in(who.uid, who.account.password)
        assert browser.last
        assert browser.last.status in (200, 503), page.all("body")
        return browser if browser.last.status == 200 else None

    visitor = wait_for(logged_in, MINUTE, "the log-in is not possible")
    assert "Mon compte" in visitor.get("/compte").heading

    def shown(key: str, group: str, path: str) -> Answer:
        """The page to which a browser that is not logged in comes: a site may know the log-in page from before."""
        names = site.platform["hostnames"]
        answer = web.get(site.address(site.host_of(group)), names[key], path, Sec_Fetch_Mode="navigate")
        log_in = f"https://{names['sso']}"
        return (
            answer if answer.status == 503 else Provider(site, web).ask(answer.headers["Location"].removeprefix(log_in))
        )

    device = replace(who.account, password=Cli(site).json("device", "add", who.uid, "--name", "Essai")["password"])
    open_page = Webmail(site, web)
    assert open_page.login(who.uid, who.account.password)
    site.run("pia1", f"systemctl stop {unit}")
    try:
        for path in ("/", "/activer", "/motdepasse/changer", "/motdepasse/oublie", "/motdepasse/robustesse"):
            assert text(path)
        assert visitor.ask("/").status == 200
        if unit.startswith("valkey"):
            answer = SignedOn(site, web).ask("/connexion")
            assert answer.status == 503 and "pas possible pour le moment" in answer.text
        else:
            pages = {key: shown(key, *way) for key, way in WAYS_IN.items()}
            assert {page.status for page in pages.values()} == {503}
            assert {page.headers["Retry-After"] for page in pages.values()} == {"60"}
            assert "La page de connexion ne répond pas" in pages["sso"].text
            assert {page.text for page in pages.values()} == {pages["sso"].text}, "one page on all sites"
            for program in (who.account, device):
                assert mail.imap(program).noop()[0] == "OK", "mail programs notice nothing"
                subject = token()
                message = compose(who.account.mail, who.account.mail, subject)
                assert mail.submit(program, who.account.mail, who.account.mail, message).accepted
                assert mail.arrived(program, subject)
            assert subject in open_page.list(), "an open page goes on within its token"
            assert Webmail(site, web).ask("/?_task=mail").status == 503, "a new one does not open"
    finally:
        site.run("pia1", f"systemctl start {unit}")
    # A unit that has started does not answer yet, and the next test begins at once.
    wait_for(lambda: Provider(site, web).ask("/").status == 200, MINUTE, "the log-in page does not come back")
    wait_for(lambda: visitor.entered, MINUTE, "the log-in of before does not go on")
