"""Every form with what no browser sends: never a page of 500, nothing injected, the same headers."""

from __future__ import annotations

import random
from typing import Any

import pytest
from malleposte_portal import own
from malleposte_portal.pages import ADDRESSES, FORMS

from tests.unit.accountd.test_service import NUMEN
from tests.unit.portal.conftest import Visitor
from tests.unit.portal.test_first_login import Behind, agent, behind, site

__all__ = ["agent", "behind", "site"]
SIGNS = (
    "", " ", "\0", "é" * 60, "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "%s%n",
    "../../etc", "*)(uid=*", "\\", "\r\nSet-Cookie: x=y", "\u202e", "\U0001f600", "x" * 3000, "1" * 400, "-1",
    "[]", "null", "\u0000é\n", "k1:x", "20990101000000Z.mdupond.k1:x", "phone", "mail", "confirm", "charter",
    "password",
)  # fmt: skip
FIELDS = "login numen code new again old step value skip again channel altcha question answer strange".split()
ROUNDS = 40


def noise(dice: random.Random) -> dict[str, str]:
    chosen = dice.sample(FIELDS, dice.randrange(1, len(FIELDS)))
    return {name: "".join(dice.choices(SIGNS, k=dice.randrange(1, 3)))[:3000] for name in chosen}


@pytest.mark.parametrize("name", [name for name in FORMS if name not in own.FORMS])
@pytest.mark.parametrize("language", [0, 1], ids=["fr", "en"])
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
