"""A message that never arrived, on the portal: the agent's own page, and the help desk's within its schools."""

import secrets
from typing import Any

import pytest

from tests.stack.support.desk import act, entered, help_desk
from tests.stack.support.mail import Mail, compose, token, wait_for
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.support.academy import uai

WHY = "demande 4711"
NOTHING = "Rien de tel n’est venu"


@pytest.fixture
def school() -> str:
    """The code of a school that no other test has."""
    return uai(5000 + secrets.randbelow(5000))


def said(visitor: SignedOn, address: str, sentence: str, **values: str) -> str:
    """The text of the page of a search, once it has a sentence."""

    def look() -> str:
        text = act(visitor, address, **values).main
        return text if sentence in text else ""

    return wait_for(look, 60, sentence)


def test_an_agent_and_the_help_desk_see_where_a_message_is(
    site: Site, web: Web, person: Any, mail: Mail, school: str
) -> None:
    near, far = person(mpEstablishment=[school]), person(mpEstablishment=["0000000X"])
    word = token()
    stranger = f"{word}@lointain.test"
    mail.set_filter(near.account, "a", 'require ["fileinto", "mailbox"]; fileinto :create "Projets";').close()
    for one in (near, far):
        mail.foreign(stranger, one.account.mail, compose(stranger, one.account.mail, f"Convocation {word}"))
    mail.arrived(far.account, word)
    own = entered(site, web, near)
    text = said(own, "/diagnostic/message", "Arrivé dans « Projets »", sender=stranger, word=word)
    assert f"De {stranger}" in text and far.account.mail not in text
    assert NOTHING in act(own, "/diagnostic/message", word=f"{word}x").main
    who = person(mpEstablishment=[school])
    desk = help_desk(site, web, who, "--school", school)
    address = f"/assistance/message?agent={near.uid}"
    text = said(desk, address, "Arrivé dans « Projets »", reason=WHY, word=word)
    assert stranger not in text and "…@lointain.test" in text
    assert stranger in act(desk, address, reason=WHY, sender=stranger).main
    assert NOTHING in act(desk, address, reason=WHY, sender="personne@lointain.test").main
    assert "de votre périmètre" in act(desk, f"/assistance/message?agent={far.uid}", reason=WHY).main
    journal = own.get("/compte/journal").main
    assert "cheminement de vos messages consulté par l’assistance" in journal and WHY in journal
    assert who.uid not in journal


def test_why_a_message_was_refused_is_said(site: Site, web: Web, person: Any, mail: Mail) -> None:
    near, word = person(), token()
    stranger = f"{word}@lointain.test"
    forged = compose(near.account.mail, near.account.mail, f"{word} forge")
    assert not mail.stranger(stranger, near.account.mail, forged).accepted
    text = said(entered(site, web, near), "/diagnostic/message", "Refusé le", word=word)
    assert "Il se présentait comme venant de l’académie" in text and "Arrivé" not in text
