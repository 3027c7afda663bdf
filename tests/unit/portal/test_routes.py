"""Every route beside a kept copy: address, methods, endpoint, and who may open it; the headers of each answer."""

import re
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.call import OF, Who
from malleposte.accountd.message import Done, ErrorCode, Forbidden, Refused, Request
from malleposte_portal.core.forbidden import SENTENCES
from malleposte_portal.core.languages import catalogues

from tests.unit.portal.conftest import NGINX_HAS, FakeAccountd, Visitor

COPY = Path(__file__).with_name("routes.txt")
SAMPLES = {"word": "a-word", "name": "README", "digest": "0", "address": "marie@ac-exemple.test"}
"""Values for the parts of an address that vary."""
MAY_BE_STORED = ("static_file", "asset")
"""The endpoints whose answers a cache may keep."""
LOG_IN = ("/connexion?vers=", "/en/login?vers=")
ENDED = ("Votre connexion a pris fin", "Your log-in has ended")
WORDS = {Who.DESK: Forbidden.ROLE, Who.DSI: Forbidden.DSI, Who.OFFICE: Forbidden.OFFICE}
SENTENCES_OF = {
    who: [catalogue.gettext(SENTENCES[word]) for catalogue in catalogues().values()] for who, word in WORDS.items()
}


class NoDesk(FakeAccountd):
    """An accountd that knows the agent as one of no help desk, not of the DSI, and without an office that convokes."""

    def call[A: Done](self, request: Request[A]) -> A:
        who = OF[type(request)].who
        if who in WORDS:
            raise client.RefusedError(Refused(ErrorCode.FORBIDDEN, message=WORDS[who]))
        return super().call(request)


@pytest.fixture
def accountd() -> NoDesk:
    return NoDesk()


def address(rule: Any) -> str:
    """Return an address that a rule fits."""
    if rule.endpoint == "static_file":
        return "/style.css"
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda part: SAMPLES[part[1]], str(rule))


def methods(rule: Any) -> list[str]:
    """Return the methods of a rule but those that Flask adds itself."""
    return sorted(rule.methods - {"HEAD", "OPTIONS"})


def opened(visitor: Visitor, rule: Any, method: str) -> Any:
    """Return the answer to a request of a browser, whose headers are looked at."""
    # A log-out ends the session that a token is bound to.
    fields = visitor.get("/motdepasse/changer").forms()[-1]["fields"] if method == "POST" else {}
    data = {"csrf_token": fields["csrf_token"]} if fields else None
    answer = visitor.http.open(address(rule), method=method, data=data, base_url="https://pia.test")
    if rule.endpoint not in MAY_BE_STORED:
        assert answer.headers.getlist("Cache-Control") == ["no-store"], rule
    assert not [name for name in NGINX_HAS if name in answer.headers], rule
    for line in answer.headers.getlist("Set-Cookie"):
        parts = {part.strip() for part in line.split(";")[1:]}
        assert line.startswith("__Host-") and {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= parts, rule
    return answer


def is_closed(answer: Any) -> bool:
    """Return whether an answer sends a stranger to the log-in."""
    ended = answer.status_code == 403 and any(sentence in answer.text for sentence in ENDED)
    return ended or answer.headers.get("Location", "").startswith(LOG_IN)


def whose(agent: Visitor, path: str) -> str:
    """Return the ones that a page says to an agent it is for, wherever it leads first; empty where it does not."""
    while True:
        answer = agent.raw(path)
        path = answer.headers.get("Location", "")
        if not path.startswith("/assistance") and not path.startswith("/en/help-desk"):
            said = (who.value for who, words in SENTENCES_OF.items() if any(one in answer.text for one in words))
            return next(said, "") if answer.status_code == 403 else ""


def test_the_routes_are_these(visit: Visitor, another: Any, log_in: Any, app: Any) -> None:
    """A change of one breaks letters, bookmarks and the webmails' links: it is made in the copy too."""
    stranger = another()
    log_in(visit)
    lines = []
    for rule in app.url_map.iter_rules():
        closed = {is_closed(opened(stranger, rule, method)) for method in methods(rule)}
        assert len(closed) == 1, f"{rule}: open by one method, closed by another"
        who = "logged in" if closed == {True} else "anybody"
        if who == "logged in" and "GET" in methods(rule):
            who = whose(visit, address(rule)) or who
        lines.append(f"{rule} | {' '.join(methods(rule))} | {rule.endpoint} | {who}")
    assert sorted(lines) == COPY.read_text("utf-8").splitlines(), f"a route was added, changed or removed: {COPY.name}"
