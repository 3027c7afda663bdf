"""« Diagnostiquer mon problème » after log-in: each fault in plain words, with what to do; or nothing wrong."""

import datetime
from copy import replace
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls.account import Diagnose
from malleposte.accountd.message import ErrorCode
from malleposte.accountd.own import COMPUTED, Diagnosis, LogIn, RefusedMail
from malleposte_portal.own.diagnosis import REFUSED_LOG_INS, REFUSED_MAIL, SERVICES

from tests.support.accountd import Told
from tests.unit.portal.own.test_pages import ACCOUNT

SOON = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)).isoformat(timespec="seconds")
GOOD = Told(
    "mdupond", "active", account=replace(ACCOUNT, forwards=()),
    diagnosis=Diagnosis((LogIn(SOON, True, "imap", "192.0.2.7", "Thunderbird"),), (), 100, 2500, looked=True),
)  # fmt: skip
REFUSED = LogIn(SOON, False, "imap", "192.0.2.7", "K-9 <b>", reason="password", count=4)


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    accountd.answer = GOOD
    log_in(visit)
    return visit


def with_(accountd: Any, **changes: Any) -> None:
    """Other facts of the account or its diagnosis."""
    account = {name: changes.pop(name) for name in list(changes) if hasattr(ACCOUNT, name) and name != "looked"}
    accountd.answer = replace(
        GOOD, account=replace(GOOD.account, **account), diagnosis=replace(GOOD.diagnosis, **changes)
    )


@pytest.mark.parametrize(
    ("address", "good"),
    [("/diagnostic", "Rien d’anormal sur votre compte"), ("/en/diagnosis", "Nothing is wrong with your account")],
)
def test_nothing_wrong_is_said_plainly(inside: Any, accountd: Any, address: str, good: str) -> None:
    found = inside.get(address).main
    assert good in found
    assert "Thunderbird" in found and "192.0.2.7" in found, "the last log-in"
    asked = accountd.only(Diagnose)
    assert asked.uid == "mdupond" and asked.token.count(".") == 2


@pytest.mark.parametrize(("address", "hacked"), [("/diagnostic", "/pirate"), ("/en/diagnosis", "/en/hacked")])
def test_who_fears_an_intruder_is_led_to_the_page_for_that(visit: Any, address: str, hacked: str) -> None:
    links = set(visit.get(address).links)
    assert hacked in links
    assert address.replace("diagnostic", "motdepasse/changer") not in links


def test_a_stranger_is_told_of_no_account_and_how_to_log_in(visit: Any, accountd: Any) -> None:
    page = visit.get("/diagnostic")
    assert "votre compte" in page.main and "Rien d’anormal" not in page.main
    assert "/connexion?vers=/diagnostic" in page.links
    assert accountd.asked == []


@pytest.mark.parametrize(
    ("changes", "told", "english"),
    [
        ({"blocked_until": "20991001080000Z"}, "n’envoie rien", "sends nothing"),
        ({"password_until": "20200101080000Z"}, "arrive à échéance", "before, then type the new one"),
        ({"used_mb": 2500}, "Votre boîte est pleine", "mailbox is full"),
        ({"used_mb": 2300}, "presque pleine", "nearly full"),
        ({"agendas_mb": 199, "agendas_room_mb": 200}, "Votre agenda est plein", "calendar is full"),
        ({"agendas_mb": 185, "agendas_room_mb": 200}, "agenda est presque plein", "calendar is nearly full"),
        ({"forwards": ("ailleurs@exemple.test",)}, "ailleurs@exemple.test", "ailleurs@exemple.test"),
        ({"forwards": (COMPUTED,)}, "adresse que le filtre calcule", "address that the filter computes"),
        ({"discards": True}, "supprime ou refuse", "deletes or refuses"),
        ({"logins": (replace(REFUSED, old=True),)}, "ancien mot de passe", "old password"),
        ({"logins": (REFUSED,)}, "4 connexions refusées", "4 refused log-ins"),
        ({"refused": (RefusedMail(SOON, "in", "a@b.test", "spam"),)}, "1 message refusé", "1 refused message"),
        ({"looked": False}, "pas pu être vérifiée", "could not be checked"),
    ],
)
def test_each_fault_is_told_with_what_to_do(
    inside: Any, accountd: Any, changes: dict[str, Any], told: str, english: str
) -> None:
    with_(accountd, **changes)
    found = inside.get("/diagnostic").main
    assert told in found and "À faire" in found and "Rien d’anormal" not in found
    assert english in inside.get("/en/diagnosis").main


def test_a_forward_against_the_rule_is_told_and_one_of_the_academy_is_not(inside: Any, accountd: Any, app: Any) -> None:
    rule = "L’académie"
    for told, word in (
        ("refused", "Ces messages restent dans votre boîte"),
        ("discouraged", "demande de ne pas renvoyer"),
        ("allowed", ""),
    ):
        app.extensions["portal"] = replace(app.extensions["portal"], forward_outside=told)
        with_(accountd, forwards=("moi@ailleurs.test", "collegue@Ac-Exemple.test"))
        found = inside.get("/diagnostic").main
        assert (rule in found) == bool(word)
        assert word in found
        leave = found.partition("Ils partent vers")[2]
        assert "collegue@Ac-Exemple.test" in leave and ("moi@ailleurs.test" in leave) == (told != "refused")
        inside.get("/en/diagnosis")
        with_(accountd, forwards=("collegue@ac-exemple.test",))
        assert rule not in inside.get("/diagnostic").main


def test_refused_log_ins_say_by_what_from_where_and_why(inside: Any, accountd: Any) -> None:
    with_(accountd, logins=(REFUSED, replace(REFUSED, service="page", program="", reason="wait", place="127.0.0.1")))
    found = inside.get("/diagnostic").main
    assert "K-9 <b>, courriel (IMAP)" in found and "mot de passe inexact (4 fois)" in found
    assert "<b>" not in inside.last.text.replace("&lt;b&gt;", "")
    assert "Page de connexion" in found and "trop d’essais" in found


@pytest.mark.parametrize("way", ["in", "out"])
def test_every_reason_of_refused_mail_has_words_and_a_remedy(inside: Any, accountd: Any, way: str) -> None:
    reasons = [reason for one, reason in REFUSED_MAIL if one == way]
    with_(accountd, refused=tuple(RefusedMail(SOON, way, f"{one}@b.test", one) for one in reasons))
    found = inside.get("/diagnostic").main
    for reason in reasons:
        assert f"{reason}@b.test" in found
        assert " ".join(REFUSED_MAIL[way, reason][1].split()) in found
    inside.get("/en/diagnosis")
    with_(accountd, refused=(RefusedMail(SOON, way, "", "other"),))
    assert "jugé indésirable" in inside.get("/diagnostic").main


def test_every_service_and_reason_is_translated(inside: Any, accountd: Any) -> None:
    rows = [LogIn(SOON, False, service, reason=reason) for service in SERVICES for reason in REFUSED_LOG_INS]
    for start in range(0, len(rows), 10):
        with_(accountd, logins=tuple(rows[start : start + 10]))
        inside.get("/diagnostic").main, inside.get("/en/diagnosis").main


def test_without_accountd_the_page_says_so_and_shows_the_rest(inside: Any, accountd: Any) -> None:
    accountd.answer = client.UnavailableError("down")
    found = inside.get("/diagnostic").main
    assert "n’a pas pu être vérifié" in found and "État des services" in found


def test_a_log_in_that_is_over_is_over_here_too(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.UNAUTHORISED)
    assert inside.raw("/diagnostic").headers["Location"] == "/deconnecte?fin=1"
    assert inside.raw("/diagnostic").status_code == 200
