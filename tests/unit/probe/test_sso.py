"""The probe of the log-in page: its readings, and the faults that it names."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.probe.walker import sso
from malleposte.probe.walker.https import Answer, Browser
from malleposte.probe.walker.plan import PathError

from tests.unit.probe.test_paths import make_plan

NAME = "sso.ac-exemple.test"
FORM = b'<input type="hidden" name="token" value="t1" />'


def provider(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> list[str]:
    """A provider that works, but for what is changed; what it was asked."""
    told = {"issuer": f"https://{NAME}/", "keys": '[{"kid": "a"}]', "opens": True, "page": FORM} | changed
    asked: list[str] = []

    def request(self: Browser, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        asked.append(f"{method} {path}")
        if "openid-configuration" in path:
            return Answer(200, {}, f'{{"issuer": "{told["issuer"]}"}}'.encode())
        if "jwks" in path:
            return Answer(200, {}, f'{{"keys": {told["keys"]}}}'.encode())
        if method == "POST" and told["opens"]:
            self.cookies[sso.COOKIE] = "s"
        return Answer(200, {}, told["page"])

    monkeypatch.setattr(Browser, "request", request)
    return asked


def test_a_whole_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = provider(monkeypatch)
    assert sso.log_in_page(make_plan(hosts={"sso": NAME})) == "discovery document, keys, logged in and out"
    assert "POST /" in asked and "GET /?logout=1" in asked


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"issuer": "https://autre.test/"}, "the issuer is"),
        ({"keys": "[]"}, "no key"),
        ({"page": b""}, "no log-in form"),
        ({"opens": False}, "log-in refused"),
    ],
)
def test_faults_are_named(monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], said: str) -> None:
    provider(monkeypatch, **changed)
    with pytest.raises(PathError, match=said):
        sso.log_in_page(make_plan(hosts={"sso": NAME}))
