"""Sources are read by https alone, also after a redirect, and within a size."""

import io
import urllib.request
from typing import Any

import pytest
from malleposte.core.errors import InputError, MallepostError
from malleposte.groupware.published import fetch
from malleposte.groupware.published.content import MOST_BYTES

HERE = "https://calendrier.ministere.test/zone-a.ics"


def test_webcal_is_https() -> None:
    assert fetch.checked("webcal://calendrier.ministere.test/zone-a.ics") == HERE
    assert fetch.checked(HERE) == HERE


@pytest.mark.parametrize("url", ["http://a.test/", "file:///etc/passwd", "https://", "https://u:p@a.test/", "ftp://a/"])
def test_other_addresses_are_refused(url: str) -> None:
    assert fetch.is_address(url)
    with pytest.raises(InputError, match="only an address https"):
        fetch.checked(url)


def test_a_redirect_leads_to_https_alone() -> None:
    follow = fetch.OnlyHttps().redirect_request
    request = urllib.request.Request(HERE)
    assert follow(request, io.BytesIO(), 302, "", {}, f"{HERE}?2") is not None
    with pytest.raises(InputError, match="only an address https"):
        follow(request, io.BytesIO(), 302, "", {}, "http://127.0.0.1/")


class _Opener:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def open(self, _request: urllib.request.Request, timeout: float) -> Any:
        assert timeout == fetch.SILENCE
        if isinstance(self.answer, Exception):
            raise self.answer
        return io.BytesIO(self.answer)


def test_what_is_too_large_or_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(answer: Any) -> None:
        monkeypatch.setattr(urllib.request, "build_opener", lambda *_handlers: _Opener(answer))

    answers(b"x" * MOST_BYTES)
    assert len(fetch.read(HERE)) == MOST_BYTES
    answers(b"x" * (MOST_BYTES + 1))
    with pytest.raises(InputError, match=f"{HERE}: more than 5 MB"):
        fetch.read(HERE)
    answers(TimeoutError("timed out"))
    with pytest.raises(MallepostError, match=f"{HERE}: timed out"):
        fetch.read(HERE)
