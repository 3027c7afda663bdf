"""Every form with what no browser sends: never a page of 500, nothing injected, the same headers."""

import random
from copy import replace
from typing import Any

import pytest
from malleposte.accountd import client, codec
from malleposte.accountd.calls.mailbox.senders import Sender
from malleposte.accountd.message import Done, ErrorCode, Refused, Request
from malleposte_portal import desk, own
from malleposte_portal.app import SUBJECTS
from malleposte_portal.log_in import sign_on
from malleposte_portal.office import pages as office

from tests.support.portal import ADDRESSES, FRENCH_FIRST, forms
from tests.unit.accountd.test_service import NUMEN
from tests.unit.portal.conftest import FakeAccountd, Visitor
from tests.unit.portal.desk.test_desk import PEOPLE, SHEET
from tests.unit.portal.own.test_charges import BOX, LIST
from tests.unit.portal.own.test_pages import DONE
from tests.unit.portal.test_first_login import Behind, agent, behind, site

__all__ = ["agent", "behind", "site"]
ANSWER = replace(
    DONE, charges=(BOX, LIST), sheet=SHEET, people=PEOPLE, reach=("21",), level="normal", factors=SHEET.factors,
    senders=(Sender("pub.test", False),),
)  # fmt: skip
SIGNS = (
    "", " ", "\0", "é" * 60, "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "%s%n",
    "../../etc", "*)(uid=*", "\\", "\r\nSet-Cookie: x=y", "\u202e", "\U0001f600", "x" * 3000, "1" * 400, "-1",
    "[]", "null", "\u0000é\n", "k1:x", "20990101000000Z.mdupond.k1:x", "phone", "mail", "confirm", "charter",
    "password",
)  # fmt: skip
FIELDS = "login numen code new again old step value skip again channel altcha question answer strange".split()
ROUNDS = 20
OWN_ROUNDS = 8
OWN = forms(*own.SUBJECTS, *desk.SUBJECTS, office.SUBJECT, sign_on.SUBJECT)
"""Forms for agents who are logged in."""
OPEN = [name for name in forms(*SUBJECTS) if name not in OWN]
OWN_FIELDS = (
    "name mail dav password profile device session value level list sender act message subject days factor kind part "
    "group text school state agent way reason called_back ways strange title day begin end last place agents everyone "
    "order key convocation bureau form invitation answer"
).split()
CHOSEN = {
    "day": ("2099-06-15",),
    "begin": ("08:00",),
    "end": ("12:00",),
    "order": ("send", "remind", "call_off"),
    "act": ("level", "add", "remove", "back"),
    "kind": ("box", "list"),
    "part": ("delegate", "poster", "moderator"),
    "group": ("@staff",),
    "level": ("strict",),
    "list": ("allow",),
    "days": ("7",),
    "mail": ("y",),
    "profile": ("convergence",),
    "way": ("mail", "aloud"),
    "ways": ("mail,aloud",),
    "factor": ("abc",),
    "state": ("locked",),
}
"""Values that a page has itself, by field."""
REFUSALS = (
    *(Refused(ErrorCode.REFUSED_VALUE, message=word) for word in ("form", "full", "strange")),
    *(Refused(error) for error in ErrorCode if error is not ErrorCode.REFUSED_VALUE),
)
SHARE = 0.6
"""Of the answers of accountd, those that are no refusal."""


def noise(dice: random.Random) -> dict[str, str]:
    chosen = dice.sample(FIELDS, dice.randrange(1, len(FIELDS)))
    return {name: "".join(dice.choices(SIGNS, k=dice.randrange(1, 3)))[:3000] for name in chosen}


class Wired(FakeAccountd):
    """An accountd that is asked through the protocol's own form, as the true one is."""

    def call[A: Done](self, request: Request[A]) -> A:
        codec.decode(codec.encode(request))
        return super().call(request)

    def fetch(self, request: Request[Any]) -> Any:
        self.call(request)
        raise client.UnavailableError("no copy")


@pytest.fixture
def accountd() -> Wired:
    return Wired()


@pytest.mark.parametrize("name", OPEN)
@FRENCH_FIRST
def test_no_form_breaks(agent: Visitor, behind: Behind, name: str, language: int) -> None:
    dice = random.Random(f"{name}{language}")
    behind.pending()
    code = behind.code("mdupond")
    for number in range(ROUNDS):
        if name == "step" and number % 10 == 0:
            agent.send("/activer", numen=NUMEN, code=code)
        path = ADDRESSES[name][language]
        token = agent.http.get(ADDRESSES["change"][0], base_url="https://pia.test").text.split('csrf_token" value="')[1]
        values: dict[str, Any] = {"csrf_token": token.split('"')[0], **noise(dice)}
        headers = {"X-Real-IP": "192.0.2.7"}
        query = dice.choice(("", "?step=mail", "?step=%00", "?step=<script>", "?x[]=1"))
        answer = agent.http.post(f"{path}{query}", data=values, base_url="https://pia.test", headers=headers)
        assert answer.status_code in (200, 303, 403, 413, 422, 429), (values, answer.status_code)
        assert answer.headers["Cache-Control"] == "no-store"
        for sign in ("<script>alert", "<img src=x", " 49 "):
            assert sign not in answer.text
        assert answer.headers.get("Location", "/").startswith("/")
        assert "x=y" not in str(answer.headers)
    assert behind.held("mdupond", "userPassword") == []


@pytest.mark.parametrize("name", OWN)
@FRENCH_FIRST
def test_no_form_of_who_is_logged_in_breaks(
    visit: Visitor, accountd: Wired, log_in: Any, clock: Any, name: str, language: int
) -> None:
    dice = random.Random(f"{name}{language}")
    for _ in range(OWN_ROUNDS):
        accountd.answer = ANSWER
        # A log-in of the moment at which all were ended would be asked for again.
        clock.now += 60
        visit.http.delete_cookie("__Host-agent", domain="pia.test")
        log_in(visit)
        token = visit.get(ADDRESSES["device_add"][0]).forms()[-1]["fields"]["csrf_token"]
        refused = dice.random() > SHARE
        if refused:
            accountd.answer = client.RefusedError(dice.choice(REFUSALS))
        values: dict[str, Any] = {"csrf_token": token}
        for field in dice.sample(OWN_FIELDS, dice.randrange(1, len(OWN_FIELDS))):
            odd = "".join(dice.choices(SIGNS, k=dice.randrange(1, 3)))[:3000]
            values[field] = dice.choice([odd, *CHOSEN.get(field, ())])
        query = dice.choice(
            ("", "?kind=box&name=ce.x", "?kind=list&name=%00&part=poster", "?agent=x&ways=%00", "?x[]=1")
        )
        path = f"{ADDRESSES[name][language]}{query}"
        answer = visit.http.post(path, data=values, base_url="https://pia.test")
        good = (200, 303, 400, 403, 404, 413, 422, 429)
        # 503 is the page that says so where accountd has refused, or has nothing to hand over.
        fetched = name in ("own_data_fetch", "office_report", "circular_part")
        assert answer.status_code in ((*good, 503) if refused or fetched else good), (values, answer.status_code)
        assert answer.headers["Cache-Control"] == "no-store"
        for sign in ("<script>alert", "<img src=x", " 49 "):
            assert sign not in answer.text
        where = answer.headers.get("Location", "/")
        assert where.startswith(("/", "https://sso.test/") if name in ("logout", "sessions_end") else "/"), where
        assert "x=y" not in str(answer.headers)
