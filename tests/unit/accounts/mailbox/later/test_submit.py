"""The daemon that hands messages over: one session in the agent's name, all recipients or none, what the end means."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from malleposte.accounts.mailbox.later import submit
from malleposte.accounts.mailbox.later.letter import Letter
from malleposte.accounts.mailbox.later.model import Reason
from malleposte.accounts.mailbox.later.submit import Outcome, Reply, Request
from malleposte.core.errors import MallepostError

LETTER = Letter("m@x.test", ("a@y.test", "b@y.test"), "Subject: é\r\n\r\n.point\r\nfin".encode())
ANSWERS = {"EHLO": "250 x", "XCLIENT": "220 x", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", "QUIT": "221 x"}


class Server:
    """A mail server that says what it is told to, and keeps what it hears."""

    def __init__(self, answers: dict[str, str], end: str = "250 2.0.0 Ok: queued as 4ABCDEF12") -> None:
        self.answers, self.end, self.heard, self.text = ANSWERS | answers, end, list[str](), b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        link, _address = self.listener.accept()
        with link, link.makefile("rb") as lines:
            link.sendall(b"220 x\r\n")
            for line in lines:
                words = line.decode().strip()
                self.heard.append(words)
                answer = self.answers.get(words.split()[0].upper(), "500 x")
                if words.startswith("RCPT") and words in self.answers:
                    answer = self.answers[words]
                if not answer:
                    return
                link.sendall(f"{answer}\r\n".encode())
                if answer.startswith("354"):
                    for one in lines:
                        if one == b".\r\n":
                            break
                        self.text += one
                    if not self.end:
                        return
                    link.sendall(f"{self.end}\r\n".encode())
                if words == "QUIT":
                    return


@contextmanager
def server(end: str = "250 2.0.0 Ok: queued as 4ABCDEF12", **answers: str) -> Iterator[Server]:
    one = Server(answers, end)
    try:
        yield one
    finally:
        one.thread.join(10)
        one.listener.close()


def test_a_message_goes_in_the_agent_s_name_to_all() -> None:
    with server() as one:
        reply = submit.hand_over("mdupond", LETTER, one.port)
    assert reply == Reply(Outcome.SENT, queue="4ABCDEF12")
    assert one.heard[1] == "XCLIENT LOGIN=mdupond" and one.heard[3].lower().startswith("mail from:<m@x.test> ")
    assert "BODY=8BITMIME" in one.heard[3]
    recipients = [line.lower() for line in one.heard if line.lower().startswith("rcpt")]
    assert recipients == ["rcpt to:<a@y.test>", "rcpt to:<b@y.test>"]
    assert one.text == "Subject: é\r\n\r\n..point\r\nfin\r\n".encode()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"XCLIENT": "550 no"}, Outcome.WAITS), ({"MAIL": "553 not owned"}, Outcome.WAITS),
        ({"RCPT": "550 unknown"}, Outcome.WAITS), ({"RCPT": "451 later"}, Outcome.LATER),
        ({"MAIL": "421 busy"}, Outcome.LATER), ({"DATA": "554 no"}, Outcome.WAITS), ({"MAIL": ""}, Outcome.LATER),
    ],
)  # fmt: skip
def test_a_refusal_before_the_text_hands_nothing_over(answers: dict[str, str], outcome: Outcome) -> None:
    with server(**answers) as one:
        reply = submit.hand_over("mdupond", LETTER, one.port)
    assert reply.outcome == outcome and one.text == b""
    assert (reply.reason == Reason.REFUSED) == (outcome == Outcome.WAITS)


@pytest.mark.parametrize(
    ("end", "outcome"), [("554 spam", Outcome.WAITS), ("451 later", Outcome.LATER), ("", Outcome.DOUBT)]
)
def test_the_end_of_the_text_decides(end: str, outcome: Outcome) -> None:
    with server(end) as one:
        assert submit.hand_over("mdupond", LETTER, one.port).outcome == outcome


def test_nobody_at_the_port_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert submit.hand_over("mdupond", LETTER, port).outcome == Outcome.LATER


@contextmanager
def daemon(path: Path, hand: Callable[[str, Letter, int], Reply]) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def one() -> None:
            link, _address = listener.accept()
            with suppress(ConnectionError):
                submit.serve(link, 1, hand)

        thread = threading.Thread(target=one)
        thread.start()
        yield
        thread.join(10)


def test_a_message_is_asked_for_whole_and_answered(tmp_path: Path) -> None:
    seen: list[tuple[str, Letter]] = []

    def hand(uid: str, one: Letter, _port: int) -> Reply:
        seen.append((uid, one))
        return Reply(Outcome.SENT, queue="4X")

    raw = b"From: m@x.test\nTo: a@y.test\nBcc: b@y.test\n\nx\n"
    path = tmp_path / "submit"
    with daemon(path, hand):
        reply = submit.ask(Request("mdupond", "<1@x>", 0.0, len(raw)), raw, path)
    assert reply == Reply(Outcome.SENT, queue="4X")
    ((uid, letter),) = seen
    assert uid == "mdupond" and letter.recipients == ("a@y.test", "b@y.test") and b"Bcc" not in letter.text


def test_a_message_that_does_not_go_is_answered_with_its_reason(tmp_path: Path) -> None:
    raw, path = b"From: m@x.test\n\nx\n", tmp_path / "submit"
    with daemon(path, lambda *_words: pytest.fail("handed over")):
        assert submit.ask(Request("m", "<1@x>", 0.0, len(raw)), raw, path).reason == Reason.RECIPIENTS


def test_no_daemon_is_no_doubt_and_one_that_dies_is(tmp_path: Path) -> None:
    path = tmp_path / "submit"
    with pytest.raises(MallepostError):
        submit.ask(Request("m", "<1@x>", 0.0, 1), b"x", path)

    def dies(*_words: object) -> Reply:
        raise ConnectionAbortedError

    raw = b"From: m@x.test\nTo: a@y.test\n\nx\n"
    with daemon(path, dies):
        assert submit.ask(Request("m", "<1@x>", 0.0, len(raw)), raw, path).outcome == Outcome.DOUBT
