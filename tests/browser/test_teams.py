"""« Mes équipes » in a browser: an agent makes a team, adds a reader, who sees it and changes nothing."""

from typing import Any

import pytest

from tests.browser.support.browser import Browser
from tests.browser.support.everyone import checked
from tests.browser.support.forms import complaints, fill
from tests.browser.support.sso import enter_at
from tests.stack.support.mail import token
from tests.stack.support.people import directory


@pytest.mark.full
def test_an_agent_makes_a_team_and_says_who_reads(browser: Browser, person: Any, site: Any) -> None:
    lead, reader, name = person(), person(), f"Essai {token()}"
    uid = f"equipe-{name.replace(' ', '-').lower()}"
    try:
        enter_at(browser, lead.account, "portal", "/compte/equipes")
        browser.seen("h1", "Mes équipes")
        browser.click("main a", "Créer une équipe", heading="Créer une équipe")
        fill(browser, name="<b>x</b>")
        browser.seen("#name-error", "ne convient pas")
        checked(browser, "portal-team-new")
        fill(browser, name=name)
        browser.seen(".fr-alert--success", "créée")
        browser.click("main a", "Ajouter un membre", heading="Ajouter un membre ou changer son rôle")
        browser.click("label", "Lit seulement")
        fill(browser, who=reader.account.mail)
        browser.seen(".cards", reader.uid)
        browser.click("main a", "Ajouter un lien", heading="Ajouter un lien")
        fill(browser, words="Nos documents", address="https://documents.ac-exemple.test/s/x")
        browser.seen("main", "Nos documents")
        checked(browser, "portal-team")
        assert reader.held("mpReads") == {"mpReads": [uid]}
        browser.click("main a", "Mes équipes", heading="Mes équipes")
        checked(browser, "portal-teams")
        assert complaints(browser) == []
    finally:
        with directory(site) as bound:
            bound.delete(f"uid={uid},ou=functional,{site.place.suffix}")
        site.run("mail1", f"rm -rf -- /srv/mail/*/{uid}")
