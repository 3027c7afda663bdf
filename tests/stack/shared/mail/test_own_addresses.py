"""Mail to the addresses that the platform's facts name at its own domain arrives."""

import secrets

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import compose, token, wait_for


@pytest.fixture
def cli(site):
    """`malleposte accounts …` from the controller; what it printed."""
    return Cli(site).out


def test_a_box_is_made_for_an_address_that_nobody_has_and_takes_mail(cli, site, mail, people):
    agent, subject, local = people.agent(), token(), f"boite-{secrets.token_hex(4)}"
    address = f"{local}@{site.platform['domain']}"
    assert not mail.submit(agent, agent.mail, address, compose(agent.mail, address, subject)).accepted
    people.made.append((local, f"uid={local},ou=functional,{site.place.suffix}"))
    words = (f"{address}=Essai", f"{agent.mail}=Autre", "x@ailleurs.test=Dehors")
    assert f"{address}: made" in cli("box", "ensure", *words)
    assert "every address has somewhere to arrive" in cli("box", "ensure", f"{address}=Essai")
    assert mail.submit(agent, agent.mail, address, compose(agent.mail, address, subject)).accepted
    wait_for(
        lambda: site.run("mail1", f"doveadm search -u {local} mailbox INBOX header subject {subject}", check=False),
        what="the message in the new box",
    )


def test_the_addresses_of_the_facts_are_somebody_s(mail, site, people):
    facts, agent = site.platform, people.agent()
    named = [facts["support"]["mail"], facts["tls"]["contact"], facts["dmarc"]["reports"], *facts["operators"]]
    domain = facts["domain"]
    with mail.session(agent) as session:
        session.mail(agent.mail)
        for address in (*named, f"postmaster@{domain}", f"abuse@{domain}"):
            assert session.rcpt(address)[0] == 250, address
        assert session.rcpt(f"personne-{token().lower()}@{domain}")[0] == 550
