"""« Mes boîtes et listes » in a browser: a manager opens a box to an agent, and takes it away again."""

from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill
from tests.browser.support.sso import enter_at
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.people import People


def test_a_manager_decides_who_opens_a_box(browser: Browser, person: Any, people: People, site: Any) -> None:
    chief, other, cli = person(), person(), Cli(site)
    box = people.box(chief.uid, name="Collège d’essai")
    assert cli.typed("box", "manager", box.uid, chief.uid).returncode == 0
    enter_at(browser, chief.account, "portal", "/compte/boites-et-listes")
    browser.seen("h1", "Mes boîtes et listes")
    checked(browser, "portal-charges")
    browser.click(".cards a", "Gérer", heading="Collège d’essai")
    browser.click("main a", "Ouvrir la boîte à un agent", heading="Ouvrir la boîte à un agent")
    fill(browser, value="nul-ne-porte-ce-nom")
    browser.seen("#value-error", "pas connu")
    checked(browser)
    fill(browser, value=other.account.mail)
    browser.seen(".fr-alert--success")
    browser.seen(".cards", other.uid)
    checked(browser, "portal-charge")
    assert other.held("mpOpens") == {"mpOpens": [box.uid]}
    browser.click(".cards li:last-child button" if other.uid > chief.uid else ".cards li:first-child button", "Retirer")
    browser.wait(lambda: other.uid not in browser.words(), "the agent is still there")
    assert other.held("mpOpens") == {}
    browser.click("main a", "Régler le filtrage", heading=f"Filtrage de la boîte {box.uid}")
    browser.click("label", "Strict")
    browser.click("button", "Changer le niveau")
    browser.seen(".fr-alert--success")
    checked(browser)
    browser.click("a", "Retour à la boîte", heading="Collège d’essai")
    assert complaints(browser) == []
