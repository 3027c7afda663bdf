"""A session ends while a message is being written: it is not lost, in either webmail, whatever ended the session."""

import base64
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from malleposte.accountd.calls import passwords
from malleposte.accountd.message import Done
from malleposte.policy import rules
from selenium.webdriver.common.by import By

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.answers import answered
from tests.browser.support.browser import DESKTOP, PHONE, Browser
from tests.browser.support.sso import fill
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.ends import SOGO_SESSIONS, roundcube_sessions
from tests.stack.support.mail import Mail, token
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

NOTICE = ".malleposte-unsent"
TEXT = "Le conseil de classe a lieu jeudi."
WRITTEN = {
    "sogo": "return document.querySelector('#mailEditor .ck-editor__editable').innerText",
    "roundcube": "return document.querySelector('iframe.tox-edit-area__iframe').contentDocument.body.innerText",
}
KEYS = {"sogo": "groupware", "roundcube": "webmail"}


@dataclass
class Writer:
    """An agent at a webmail with a message that is not sent yet; `word` stands in its subject."""

    browser: Browser
    site: Site
    mail: Mail
    webmail: str
    agent: Account
    colleague: Account
    word: str

    def write(self) -> None:
        """Log in, and write."""
        browser = self.browser
        if self.webmail == "sogo":
            sogo.log_in(browser, self.agent)
            browser.click(sogo.WRITE)
            browser.click("md-fab-actions button", "open_in_browser")
            browser.choose("#mailEditor md-chips input", self.colleague.mail)
            browser.seen("#mailEditor md-chip", self.colleague.mail)
            browser.write("#mailEditor input[name=subject]", f"Conseil {self.word}")
            browser.seen("#mailEditor .ck-editor__editable").send_keys(TEXT)
        else:
            roundcube.log_in(browser, self.agent)
            browser.click(".floating-action-buttons a.compose" if browser.size.mobile else "#taskmenu a.compose")
            browser.seen(".recipient-input input").send_keys(f"{self.colleague.mail},")
            browser.seen(".recipient-input .recipient")
            browser.write("#compose-subject", f"Conseil {self.word}")
            browser.driver.switch_to.frame(browser.seen("iframe.tox-edit-area__iframe"))
            browser.click("body")
            browser.seen("body").send_keys(TEXT)
            browser.driver.switch_to.default_content()
        browser.wait(lambda: TEXT in self.written, "nothing is written")

    @property
    def written(self) -> str:
        """The text in the page."""
        return str(self.browser.driver.execute_script(WRITTEN[self.webmail]))

    def send(self) -> None:
        """Press the page's own button."""
        if self.webmail == "sogo":
            self.browser.click("#mailEditor button[aria-label='Envoyer']")
        else:
            self.browser.click("a.send.button" if self.browser.size.mobile else "button.send", "Envoyer")

    def ends(self, way: str) -> None:
        """End the session. A new password is the agent's from then on."""
        cli, portal, uid = Cli(self.site), Portal(self.site), self.agent.uid
        match way:
            case "idle" if self.webmail == "sogo":
                self.site.run(self.site.host_of("web"), f"touch -d '2 days ago' {SOGO_SESSIONS}/{uid}.*")
            case "idle":
                for kept in roundcube_sessions(self.site, uid):
                    sql = f"DELETE FROM session WHERE vars = '{base64.b64encode(kept.encode()).decode()}'"
                    self.site.run(self.site.host_of("database"), "psql -U postgres -Xq roundcube", given=sql)
            case "block":
                cli.out("block", uid, "--reason", "essai")
            case "class":
                cli.json("profile", uid, "roundcube" if self.webmail == "sogo" else "convergence")
            case "interface":
                with self.elsewhere():
                    self.browser.open("portal", "/compte/interface")
                    self.browser.click("main a", "Passer à l’interface", "Mon interface")
                    self.browser.seen("main .fr-alert", "Avant de changer : enregistrez ce que vous écrivez")
                    self.browser.click("main button", "Passer à l’interface")
                    self.browser.seen("main", "Votre interface est changée")
            case "password":
                new = rules.generate()
                assert portal.one(passwords.Change(portal.source, uid, self.agent.password, new)) == Done(uid, "active")
                self.agent = replace(self.agent, password=new)
            case "asleep":
                # The lid is closed: the page notices nothing until the device is awake.
                with self.offline():
                    self.ends("idle")
            case "log-out":
                with self.elsewhere():
                    self.browser.open(KEYS[self.webmail])
                    (sogo if self.webmail == "sogo" else roundcube).log_out(self.browser)

    @contextlib.contextmanager
    def offline(self) -> Iterator[None]:
        """No network, for a while."""
        send = self.browser.driver.execute_cdp_cmd
        send("Network.enable", {})
        whole = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        send("Network.emulateNetworkConditions", {"offline": True, **whole})
        try:
            yield
        finally:
            send("Network.emulateNetworkConditions", {"offline": False, **whole})

    @contextlib.contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Another tab, for a while."""
        here = self.browser.driver.current_window_handle
        self.browser.tab()
        yield
        self.browser.driver.switch_to.window(here)

    def enters_again(self, key: str = "") -> None:
        """Follow the notice's way to the log-in page, which opens beside this one, and log in."""
        driver, known = self.browser.driver, set(self.browser.driver.window_handles)
        here = driver.current_window_handle
        self.browser.click(f"{NOTICE} a", "Se reconnecter")
        (opened,) = self.browser.wait(lambda: set(driver.window_handles) - known, "no window opens")
        driver.switch_to.window(opened)
        where = self.browser.url(key or KEYS[self.webmail])

        def led() -> bool:
            return driver.current_url.startswith(where) or bool(driver.find_elements(By.ID, "userfield"))

        # Where the session of the webmail alone is over, the log-in page knows the agent, and asks nothing.
        self.browser.wait(led, "the way leads nowhere")
        if not driver.current_url.startswith(where):
            fill(self.browser, self.agent.uid, self.agent.password)
        self.browser.wait(lambda: driver.current_url.startswith(where), f"{where} does not open")
        driver.switch_to.window(here)


@pytest.fixture
def writer(browser: Browser, site: Site, reader: Reader, mail: Mail) -> Callable[[str], Writer]:
    """Return an agent at a webmail who has written a message."""

    def made(webmail: str) -> Writer:
        agent = reader.agent("convergence" if webmail == "sogo" else "roundcube", letters=False)
        colleague = reader.people.agent(hidden=False)
        found = Writer(browser, site, mail, webmail, agent, colleague, token())
        found.write()
        return found

    return made


def full(*values: object) -> object:
    """A case of a full run alone."""
    return pytest.param(*values, marks=pytest.mark.full)


CASES = [
    ("sogo", "idle", DESKTOP),
    ("roundcube", "idle", PHONE),
    *(full(webmail, "idle", size) for webmail, size in (("sogo", PHONE), ("roundcube", DESKTOP))),
    *(full(webmail, way, DESKTOP) for webmail in KEYS for way in ("password", "log-out")),
    *(full(webmail, "asleep", PHONE) for webmail in KEYS),
    *(full("roundcube", way, DESKTOP) for way in ("class", "interface")),
]


@pytest.mark.parametrize(("webmail", "way", "browser"), CASES, indirect=["browser"])
def test_a_message_is_sent_again_in_the_next_session(
    writer: Callable[[str], Writer], browser: Browser, mail: Mail, webmail: str, way: str
) -> None:
    writes = writer(webmail)
    writes.ends(way)
    writes.send()
    browser.seen(NOTICE, "Votre message n’est pas parti : votre session est terminée.")
    assert TEXT in writes.written
    assert browser.fits()
    assert "Votre session a expiré" not in browser.words()
    browser.picture(f"unsent-{webmail}-{way}")
    writes.enters_again()
    browser.seen(NOTICE, "votre brouillon est enregistré")
    mail.arrived(writes.agent, writes.word, "Brouillons")
    assert TEXT in writes.written
    browser.picture(f"unsent-{webmail}-{way}-back")
    browser.click(f"{NOTICE} button", "Renvoyer")
    assert TEXT.encode() in mail.arrived(writes.colleague, writes.word, timeout=120)
    mail.arrived(writes.agent, writes.word, "Envoyés")
    assert mail.count(writes.colleague, writes.word) == 1


@pytest.mark.parametrize(
    ("webmail", "way", "browser"),
    [
        full("sogo", "class", PHONE),
        full("sogo", "interface", DESKTOP),
        full("sogo", "block", DESKTOP),
        full("roundcube", "block", DESKTOP),
    ],
    indirect=["browser"],
)
def test_a_message_that_cannot_be_sent_here_stays(
    writer: Callable[[str], Writer], browser: Browser, webmail: str, way: str
) -> None:
    writes = writer(webmail)
    writes.ends(way)
    writes.send()
    browser.seen(NOTICE, "Votre message n’est pas parti : votre session est terminée.")
    if way in ("class", "interface"):
        writes.enters_again("webmail")
        browser.seen(NOTICE, "votre interface a changé")
    assert TEXT in writes.written
    browser.seen(f"{NOTICE} button", "Copier le texte")
    assert browser.fits()
    browser.picture(f"unsent-{webmail}-{way}")


@pytest.mark.parametrize(("webmail", "browser"), [full("sogo", PHONE), full("roundcube", PHONE)], indirect=["browser"])
def test_a_message_that_was_sent_without_a_network_goes_in_the_next_session(
    writer: Callable[[str], Writer], browser: Browser, mail: Mail, webmail: str
) -> None:
    writes = writer(webmail)
    with writes.offline():
        writes.send()
        browser.seen(NOTICE, "rien ne confirme que votre message est parti")
        assert TEXT in writes.written
        assert browser.fits()
        browser.picture(f"unsent-{webmail}-offline")
        writes.ends("idle")
    browser.seen(NOTICE, "Votre message n’est pas parti : votre session est terminée.")
    writes.enters_again()
    browser.seen(NOTICE, "Vérifiez que votre message n’est pas dans Envoyés avant de le renvoyer.")
    browser.click(f"{NOTICE} button", "Renvoyer")
    assert TEXT.encode() in mail.arrived(writes.colleague, writes.word, timeout=120)
    assert mail.count(writes.colleague, writes.word) == 1


# Roundcube posts messages and drafts to one address.
SENDING = {"sogo": "*/send", "roundcube": "*_framed=1*"}


@pytest.mark.parametrize(
    ("webmail", "browser"),
    [full(webmail, size) for webmail in ("sogo", "roundcube") for size in (DESKTOP, PHONE)],
    indirect=["browser"],
)
def test_a_message_outlives_a_server_that_is_away(
    writer: Callable[[str], Writer], browser: Browser, mail: Mail, webmail: str
) -> None:
    writes = writer(webmail)
    with answered(browser, SENDING[webmail], 503):
        writes.send()
        browser.seen(NOTICE, "Votre message n’est pas parti : le serveur ne répond pas pour le moment.")
        assert TEXT in writes.written
        browser.picture(f"unsent-{webmail}-away")
    browser.seen(NOTICE, "Votre message n’est pas encore parti")
    mail.arrived(writes.agent, writes.word, "Brouillons")
    browser.click(f"{NOTICE} button", "Renvoyer")
    assert TEXT.encode() in mail.arrived(writes.colleague, writes.word, timeout=120)
    assert mail.count(writes.colleague, writes.word) == 1
