"""The portal's forms do what they say: a new password lets the agent in, what is wrong changes nothing."""

from typing import Any

import pytest
from malleposte.directory.model import State
from malleposte.policy import rules

from tests.stack.support.visitor import Visitor

pytestmark = pytest.mark.together("portal-forms")


@pytest.fixture
def visitor(site: Any, web: Any) -> Visitor:
    return Visitor(site, web)


def test_first_log_in_by_numen_and_code(visitor: Visitor, person: Any, enters: Any) -> None:
    who, new = person(State.PENDING), rules.generate()
    given = {"numen": who.numen, "code": who.code()}
    page = visitor.send("/activer", **{**given, "code": "AAAA2222"})
    assert (visitor.status, who.held("mpState")) == (403, {"mpState": ["pending"]})
    assert page.named("errors")
    visitor.send("/activer", **given)
    for step in ("phone", "mail"):
        visitor.send("/activer/etape", step=step, skip="1")
    visitor.send("/activer/etape", step="charter", value="y")
    page = visitor.send("/activer/etape", step="password", new=new, again=new)
    assert who.uid in page.main
    assert who.held("mpState") == {"mpState": ["active"]}
    assert enters(who.uid, new)
    visitor.send("/activer", **given)
    assert visitor.status == 403, "a code serves once"


def test_a_change_of_password(visitor: Visitor, person: Any, enters: Any) -> None:
    who, new = person(), rules.generate()
    old = who.account.password
    visitor.send("/motdepasse/changer", login=who.uid, old=rules.generate(), new=new, again=new)
    assert visitor.status == 403
    visitor.send("/en/password/change", login=who.uid, old=old, new=new, again=new)
    assert visitor.status == 200
    assert enters(who.uid, new) and not enters(who.uid, old)
    page = visitor.send("/motdepasse/changer", login=who.uid, old=new, new=old, again=old)
    assert visitor.status == 422
    assert "Déjà utilisé" in page.named("new-error"), "history is slapd's"


def test_a_forgotten_password(visitor: Visitor, person: Any, enters: Any) -> None:
    who, new = person(), rules.generate()
    given = {"numen": who.numen, "code": who.code(), "new": new, "again": new}
    visitor.send("/motdepasse/oublie", **{**given, "numen": "99E0000000ESS"})
    assert visitor.status == 403
    visitor.send("/motdepasse/oublie", **given)
    assert visitor.status == 200
    assert enters(who.uid, new) and not enters(who.uid, who.account.password)


def test_a_code_is_asked_for_in_the_same_words_for_everyone(visitor: Visitor, person: Any) -> None:
    known = visitor.send("/motdepasse/code", login=person().uid).all("main")
    assert visitor.status == 200
    assert visitor.send("/motdepasse/code", login="nul-ne-porte-ce-nom").all("main") == known
    assert visitor.status == 200


def test_a_log_in_is_asked_for_in_the_same_words_for_everyone(visitor: Visitor, person: Any) -> None:
    known = visitor.send("/oublie/identifiant", numen=person().numen).all("main")
    assert visitor.status == 200
    assert visitor.send("/oublie/identifiant", numen="99E0000000ESS").all("main") == known
    assert visitor.status == 200
