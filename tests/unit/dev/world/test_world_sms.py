"""The lab's gateway of text messages keeps what the right client sends, and fails for the numbers that ask for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.adapters import sms
from malleposte.dev.world import world_sms

NUMBER, TEXT = "+33612345678", "Code INA\u00a0: ABCDE-FGHJK"
BODY = {"recipient": "{number}", "content": "{text}", "sender": "ACADEMIE"}
Send = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "messages"


@pytest.fixture
def send(store: Path) -> Iterator[Send]:
    """Send as accountd does: (number, token, path, body)."""
    with world_sms.Server(("127.0.0.1", 0), "right", store, None) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()

        def sent(
            number: str = NUMBER, token: str = "right", path: str = "/v1/messages", body: dict[str, Any] = BODY
        ) -> None:
            url, headers = f"http://127.0.0.1:{server.server_port}{path}", {"Authorization": f"Bearer {token}"}
            sms.Http(url, headers, body).send(number, TEXT)

        yield sent
        server.shutdown()
        thread.join()


def test_what_is_sent_is_kept_for_its_reader_alone(send: Send, store: Path) -> None:
    send()
    send("+33798765432")
    lines = [json.loads(line) for line in store.read_text("utf-8").splitlines()]
    assert [(one["recipient"], one["content"], one["sender"]) for one in lines] == [
        (NUMBER, TEXT, "ACADEMIE"),
        ("+33798765432", TEXT, "ACADEMIE"),
    ]
    assert store.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"token": "wrong"}, "answered 401"),
        ({"path": "/"}, "answered 404"),
        ({"number": "0612345678"}, "answered 400"),
        ({"body": {"recipient": "{number}"}}, "answered 400"),
        ({"number": "+33612300500"}, "answered 500"),
        ({"number": "+33612300000"}, "no answer from the gateway: RemoteDisconnected"),
    ],
)
def test_what_is_refused_is_not_kept(
    send: Send, store: Path, asked: dict[str, Any], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(sms.NotSentError, match=reason):
        send(**asked)
    assert not store.exists()
    send()
    assert store.exists()
    assert capfd.readouterr() == ("", ""), "and nothing is logged"


def test_it_wants_a_port() -> None:
    assert world_sms.main([]) == world_sms.main(["port"]) == 2
