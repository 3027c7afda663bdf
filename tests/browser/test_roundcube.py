"""Roundcube on a desktop and on a phone: log in, read a new message, find the page for passwords, log out."""

from selenium.webdriver.common.by import By

from tests.browser.support import roundcube
from tests.browser.support.agent import Reader
from tests.browser.support.browser import BOTH_SIZES, Browser, Size
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People

SMALL = Size("small", 1100, 800, 1, mobile=False)
CUT_OFF = """
const shown = [...document.querySelectorAll("#layout-content .toolbar a")].filter(one => one.getClientRects().length);
const places = shown.map(one => [one.innerText, one.getBoundingClientRect()]);
return places.length < 8 ? places : places.filter(([, place]) => place.right > innerWidth).map(([words]) => words);
"""
"""The tools of a message that lie outside the window."""


@BOTH_SIZES
def test_an_agent_reads_what_just_came(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube")
    enter_at(browser, agent, "webmail")
    browser.seen("#messagelist tbody tr", reader.subject)
    assert browser.fits()
    browser.picture("roundcube-list")
    browser.report("roundcube-list")
    browser.click("#messagelist tbody tr .subject a", reader.subject)
    browser.driver.switch_to.frame(browser.seen("#messagecontframe"))
    browser.seen("#message-header", reader.subject)
    browser.seen("#messagebody", reader.text)
    banner = "#message-objects > .malleposte-banner"
    told = browser.seen(banner, "Ce message vient de l’extérieur de l’académie (noel.boeuf@lointain.test)")
    browser.click(f"{banner} summary")
    browser.seen(f"{banner} li", "Signature du domaine (DKIM) : vérifié")
    assert "Rien ne prouve" not in told.text
    browser.driver.switch_to.default_content()
    assert browser.fits()
    browser.picture("roundcube-message")
    if not browser.size.mobile:
        wide = browser.size
        browser.resize(SMALL)
        assert browser.driver.execute_script(CUT_OFF) == []
        browser.resize(wide)
    browser.open("webmail", "/?_task=mail&_action=compose")
    browser.seen("#compose-content")
    browser.open("webmail", "/?_task=settings")
    browser.seen("#layout-sidebar")
    assert browser.violations() == []


def test_only_mail_that_needs_it_has_a_banner(browser: Browser, reader: Reader, people: People, mail: Mail) -> None:
    agent, colleague, word = reader.agent("roundcube", letters=False), people.agent(), token()
    inside = compose(colleague.mail, agent.mail, f"Réunion {word}", "À jeudi.")
    assert mail.submit(colleague, colleague.mail, agent.mail, inside).accepted
    mail.arrived(agent, word)
    lie = '<p>Cher agent</p><a href="https://vol.lointain.test/">https://portail.ac-exemple.test/</a>'
    forged = compose("Rectorat <rectorat@ac-exernple.test>", agent.mail, f"Urgent {word}", lie)
    mail.imap(agent).append("INBOX", None, None, forged.replace(b"text/plain", b"text/html"))
    enter_at(browser, agent, "webmail")
    for uid, text in ((2, "Cher agent"), (1, "À jeudi.")):
        browser.seen("#layout-list")
        browser.open("webmail", f"/?_task=mail&_mbox=INBOX&_uid={uid}&_action=show")
        browser.seen("#messagebody", text)
        banners = [one for one in browser.driver.find_elements(By.CSS_SELECTOR, ".malleposte-banner") if one.text]
        assert len(banners) == uid - 1
        for said in ("ressemble à une adresse de l’académie", "mène à « vol.lointain.test »") if banners else ():
            assert said in banners[0].text
        browser.picture(f"roundcube-{'look-alike' if banners else 'inside'}")
        assert browser.fits()
        browser.open("webmail", "/?_task=mail")


def test_the_password_is_changed_on_the_portal(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube", letters=False)
    enter_at(browser, agent, "webmail")
    browser.seen("#layout-list")
    browser.open("webmail", "/?_task=settings&_action=plugin.malleposte-password")
    browser.picture("roundcube-password")
    link = browser.seen("a[href*='/motdepasse'].btn", "Changer mon mot de passe")
    assert link.get_attribute("href") == browser.url("portal", "/motdepasse")
    browser.open("webmail", "/?_task=mail")
    roundcube.log_out(browser)
    assert browser.driver.current_url.startswith(browser.url("sso"))
    assert not browser.driver.find_elements(By.CSS_SELECTOR, "#messagelist")


def test_a_deep_link_is_kept_and_a_second_service_asks_nothing(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube", letters=False)
    enter_at(browser, agent, "webmail", "/?_task=settings&_action=identities")
    browser.seen("#identities-table")
    browser.driver.delete_all_cookies()
    browser.open("webmail", "/?_task=addressbook")
    browser.seen("#layout-list")
    assert browser.driver.current_url.startswith(browser.url("webmail")), "the log-in page knows who it is"


def test_what_is_wrong_with_the_way_back_is_told(browser: Browser) -> None:
    browser.open("webmail", "/index.php/login/oauth?code=volé&state=inconnu")
    browser.seen("#login-form", "La connexion n’a pas abouti")
    assert browser.language() == "fr"
    assert browser.fits()
    assert browser.driver.find_elements(By.CSS_SELECTOR, "input[type=password]") == []
    browser.picture("roundcube-again")
    assert browser.barriers() == []
    browser.click("#login-form a.btn", "Réessayer")
    browser.seen("#userfield")
