"""Convocations in a browser: an office sends one, an agent answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.sso import enter_at
from tests.browser.test_second_factors import type_code
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.desk import enrolled
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.stack.support.web import Web


def filled(browser: Browser, **values: str) -> None:
    """Give fields their values; those of a day or an hour take none that is typed in another language."""
    for name, words in values.items():
        browser.driver.execute_script("document.getElementById(arguments[0]).value = arguments[1]", name, words)


def test_an_office_convokes(
    browser: Browser, person: Callable[..., Any], people: People, mail: Mail, site: Site, ca_bundle: Any
) -> None:
    who, agent, title = person(), people.agent(), f"Jury {token()}"
    office = people.box(uid="examens", mail=f"examens@{site.place.domain}", name="Division des examens")
    application = enrolled(site, Web(ca_bundle), who)
    Cli(site).out("box", "delegate", office.uid, who.uid)
    Cli(site).json("role", "grant", who.uid, "convoke", "--reason", "essai")
    enter_at(browser, who.account, "portal", "/compte")
    type_code(browser, application.code())
    browser.click("a", "Convoquer des agents", heading="Convocations")
    checked(browser, "convocations-office")
    browser.click("a", "Nouvelle convocation", heading="Nouvelle convocation")
    filled(browser, name=title, title=title, day="2031-06-15", begin="08:00", end="12:00", place="Lycée Carnot")
    browser.write("#agents", agent.uid)
    checked(browser, "convocation-new")
    browser.click("button", "Voir le plan")

    def planned() -> bool:
        text = browser.seen("main").text
        if "Actualiser" in text and "1 nouvelle convocation" not in text:
            browser.click("a", "Actualiser")
        return "1 nouvelle convocation" in text

    browser.wait(planned, "the plan")
    checked(browser, "convocation-plan")
    browser.click("button", "Envoyer")
    browser.seen("main", "L’envoi commence")
    checked(browser, "convocation-sent")
    mail.arrived(agent, title)
    assert browser.complaints() == []


def test_an_agent_answers(browser: Browser, people: People, site: Site, tmp_path: Path) -> None:
    agent, title, file = people.agent(), f"Jury {token()}", tmp_path / "jury.csv"
    people.box(uid="examens", mail=f"examens@{site.place.domain}", name="Division des examens")
    file.write_text(f"Agent;Titre;Date;Début;Fin\n{agent.uid};{title};15/06/2031;8h;12h\n", "utf-8")
    words = (str(file), "--name", title, "--office", "examens", "--yes", "--wait")
    assert Cli(site).typed(*words, group="convoke").returncode == 0
    enter_at(browser, agent, "portal", "/compte/convocations")
    browser.seen("main", title)
    checked(browser, "convocations")
    browser.click("button", "Oui, je viens")
    browser.seen("main", "Votre réponse est oui")
    checked(browser, "convocations-answered")
    browser.open("portal", "/en/account/summonses")
    browser.seen("h1", "My summonses")
    assert browser.complaints() == []
