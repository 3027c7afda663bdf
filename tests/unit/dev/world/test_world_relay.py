"""The lab's mail relay of another house, with the platform's own client of relays."""

from __future__ import annotations

import asyncio
import json
import smtplib
from pathlib import Path
from threading import Thread

import pytest
from malleposte.adapters import relay
from malleposte.adapters.sms import NotSentError
from malleposte.dev.world import world_relay


class Plain(relay.Relay):
    """The client without TLS, which unit tests have no authority for."""

    def _session(self) -> smtplib.SMTP:
        return smtplib.SMTP(self.host, self.port, timeout=20)


@pytest.fixture
def served(tmp_path: Path) -> int:
    """A relay on a free port of the loopback; its store is `messages`."""
    loop = asyncio.new_event_loop()
    made = world_relay.Relay("right", tmp_path / "messages")
    server = loop.run_until_complete(asyncio.start_server(made.serve, "127.0.0.1", 0))
    Thread(target=loop.run_forever, daemon=True).start()
    port: int = server.sockets[0].getsockname()[1]
    return port


def client(port: int, password: str) -> Plain:
    return Plain("127.0.0.1", "alarmes@ailleurs.test", port, username=world_relay.USERNAME, password=password)


def test_it_keeps_mail_of_who_proves_the_password(served: int, tmp_path: Path) -> None:
    client(served, "right").send(["dsi@ailleurs.test"], "mail1:\n it is down", ".\nà 10 h\n")
    (line,) = (tmp_path / "messages").read_text("utf-8").splitlines()
    kept = json.loads(line)
    assert (kept["sender"], kept["recipients"]) == ("alarmes@ailleurs.test", ["dsi@ailleurs.test"])
    assert "Subject: mail1: it is down" in kept["text"]


def test_anything_else_is_refused_and_no_address_is_repeated(served: int, tmp_path: Path) -> None:
    with pytest.raises(NotSentError, match="535"):
        client(served, "wrong").send(["dsi@ailleurs.test"], "it", "it")
    with pytest.raises(NotSentError) as refused:
        client(served, "right").send(["refuse@ailleurs.test"], "it", "it")
    assert "ailleurs" not in str(refused.value)
    with smtplib.SMTP("127.0.0.1", served, timeout=20) as session, pytest.raises(smtplib.SMTPSenderRefused):
        session.sendmail("a@b.test", ["c@d.test"], "it")
    assert not (tmp_path / "messages").exists()


def test_words_that_are_none_are_refused() -> None:
    assert world_relay.main([]) == world_relay.main(["port"]) == 2
