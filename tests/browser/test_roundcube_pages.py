"""Roundcube in a browser: follow-up, sizes, the ways from and to the full interface."""

from selenium.webdriver.common.by import By

from tests.browser.support import roundcube, sogo
from tests.browser.support.agent import Reader
from tests.browser.support.browser import Browser
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import Mail, compose, quoted, token

ELSEWHERE = "Vos filtres se règlent dans la messagerie complète."


def task(browser: Browser, name: str) -> None:
    """Use the menu of tasks, which a phone hides."""
    roundcube.idle(browser)
    if browser.size.mobile:
        browser.click(".task-menu-button")
    browser.click(f"#taskmenu a.{name}")


def dialogs(browser: Browser) -> list[str]:
    """The texts of the dialogs that are open."""
    return [one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, "[role=dialog]") if one.is_displayed()]


def test_the_follow_up_leads_to_each_message(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent, word = reader.agent("roundcube", letters=False), token()
    session = mail.imap(agent)
    session.create(quoted("Projets"))
    session.subscribe(quoted("Projets"))
    for folder, flag, subject in (
        ("INBOX", "$label4", f"Relire le projet d’établissement {word}"),
        ("Projets", "$label2", f"Échange avec Orléans {word}"),
        ("INBOX", "$label5", f"Commande de manuels {word}"),
    ):
        message = compose("Zoé Lefèvre <zoe.lefevre@lointain.test>", agent.mail, subject, "Bonjour.")
        session.append(quoted(folder), f"({flag})", None, message)
    roundcube.log_in(browser, agent)
    task(browser, "followup")
    browser.seen("h2", "Suivi des messages")
    groups = [one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, ".formcontent h3")]
    assert groups == ["À faire (1)", "En cours (1)", "Fait (1)"]
    browser.picture("roundcube-followup")
    assert browser.fits()
    assert browser.barriers(".formcontent") == []
    browser.click(".malleposte-list a", "Échange avec Orléans")
    browser.seen("#message-header", "Échange avec Orléans")
    assert browser.fits()
    assert browser.violations() == []


def test_the_page_of_sizes_is_beside_the_bar_of_the_quota(browser: Browser, reader: Reader, mail: Mail) -> None:
    agent = reader.agent("roundcube", letters=False)
    session = mail.imap(agent)
    session.create(quoted("Projets"))
    session.append(quoted("Projets"), None, None, compose("a@lointain.test", agent.mail, "Photos", "x\n" * 200_000))
    roundcube.log_in(browser, agent)
    if browser.size.mobile:
        browser.click("#layout-list .back-sidebar-button")
    browser.seen("#quotadisplay .count", "%")
    browser.picture("roundcube-quota")
    browser.click(".malleposte-sizes-link", "Détail")
    assert "Projets" in browser.seen(".malleposte-sizes tbody tr").text
    browser.picture("roundcube-sizes")
    assert browser.fits()
    assert browser.barriers(".formcontent") == []
    browser.click(".malleposte-sizes a", "Projets")
    browser.seen(roundcube.ROW, "Photos")
    assert browser.violations() == []


def test_a_light_agent_who_asks_for_the_agenda_is_led_to_theirs(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("roundcube", letters=False)
    enter_at(browser, agent, "groupware")
    browser.seen("#agenda-new", "Nouvel événement")
    assert browser.driver.current_url == browser.url("webmail", "/?_task=agenda")
    assert dialogs(browser) == []
    assert browser.fits()
    assert browser.violations() == []


def test_an_agent_with_the_agenda_opens_the_light_interface_all_the_same(browser: Browser, reader: Reader) -> None:
    agent = reader.agent("convergence")
    sogo.log_in(browser, agent)
    if browser.size.mobile:
        browser.click("button[aria-label='Ouvrir ou fermer le menu']")
    address = browser.seen("md-sidenav .mp-light", "Ouvrir la messagerie légère").get_attribute("href")
    browser.picture("sogo-light")
    browser.driver.get(str(address))
    browser.seen(roundcube.ROW, reader.subject)
    roundcube.settings(browser, "filter")
    browser.seen(".formcontent", ELSEWHERE)
    browser.picture("roundcube-filters-elsewhere")
    assert browser.fits()
    assert browser.barriers(".formcontent") == []
    browser.click(".formcontent a", "Régler mes filtres")
    preferences = browser.url("groupware", f"/SOGo/so/{agent.uid}/Preferences#!/mailer")
    browser.wait(lambda: browser.driver.current_url == preferences, "not SOGo's page of filters")
    browser.seen("md-tab-item")
    # A visit that begins with a link to a folder of Roundcube, without the wish, ends at the folder in SOGo.
    browser.open("webmail", "/?_task=settings")
    browser.driver.delete_all_cookies()
    browser.open("webmail", "/?_task=mail&_mbox=Ind%26AOk-sirables")
    there = browser.url("groupware", f"/SOGo/so/{agent.uid}/Mail/view#!/Mail/0/Ind%25C3%25A9sirables")
    browser.wait(lambda: browser.driver.current_url == there, "not the folder in SOGo")
