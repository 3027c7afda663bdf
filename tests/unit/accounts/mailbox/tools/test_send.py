"""The daemon that tells opens an access for its rule, calls what the academy allows, and says no secret."""

import socket
import threading
from pathlib import Path

import msgspec
import pytest
from malleposte.accounts.mailbox.tools import sealed, send
from malleposte.accounts.mailbox.tools.kinds.base import Answer, Note, Outcome, Request, Verdict
from malleposte.accounts.mailbox.tools.outside import Reach, allowed
from malleposte.accounts.mailbox.tools.send import Delivery, Teller
from malleposte.core.errors import InputError, MallepostError

SEAL = sealed.Seal("s" * 40)
URL = "https://hooks.slack.com/services/T1/B2/abcDEF123"
NOTE = Note("k", "Titre", "a@b", "https://pia/lien/x")
SLACK = {"slack": Reach(("hooks.slack.com",))}


class Net:
    """The network: it answers `answer`, or fails."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer, self.called = answer, list[tuple[Request, Reach]]()

    def call(self, request: Request, reach: Reach) -> Answer:
        self.called.append((request, reach))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def told(uid: str = "mdupond", rule: str = "r1", tool: str = "slack", url: str = URL) -> Delivery:
    return Delivery(uid, rule, tool, {}, sealed.close_access(SEAL, "mdupond", "r1", {"url": url}), NOTE)


def teller(net: Net, allows: dict[str, Reach] | None = None) -> Teller:
    return Teller(SEAL, net, lambda: SLACK if allows is None else allows)  # type: ignore[arg-type]


def test_a_note_is_told() -> None:
    net = Net(Answer(200, body=b"ok"))
    assert teller(net).tell(told()) == Verdict(Outcome.DONE)
    (called,) = net.called
    assert (called[0].url, called[1]) == (URL, SLACK["slack"])


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        (Answer(403, body=b"invalid_token"), Outcome.REVOKED, "403 invalid_token"),
        (MallepostError("hooks.slack.com: away"), Outcome.LATER, send.AWAY),
        (InputError("evil.example: not allowed"), Outcome.REFUSED, send.FORBIDDEN),
    ],
)
def test_what_comes_of_it(answer: Answer | Exception, outcome: Outcome, detail: str) -> None:
    verdict = teller(Net(answer)).tell(told())
    assert (verdict.outcome, verdict.detail) == (outcome, detail)


def test_a_tool_that_the_academy_does_not_allow_is_not_called() -> None:
    net = Net(Answer(200))
    assert teller(net, {}).tell(told()).outcome == Outcome.REFUSED
    assert teller(net, {"teams": Reach(("x",))}).tell(told(tool="teams")).outcome == Outcome.REFUSED
    assert net.called == []


def test_the_access_of_another_agent_or_rule_opens_nothing() -> None:
    net = Net(Answer(200))
    for one in (told(uid="alebrun"), told(rule="r2"), told(url="https://evil.example/")):
        assert teller(net).tell(one) == Verdict(Outcome.REVOKED, send.UNSEALED)
    assert net.called == []


def test_the_facts_of_the_platform_say_what_is_allowed() -> None:
    facts = {"linked_tools": [{"name": "matrix", "hosts": ["a.test"], "networks": ["10.1.0.0/16"]}]}
    assert allowed(facts) == {"matrix": Reach(("a.test",), ("10.1.0.0/16",))}
    assert allowed({}) == {}
    with pytest.raises(InputError):
        allowed({"linked_tools": [{"hosts": []}]})


def test_over_a_socket_and_nothing_secret_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "send"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        thread = threading.Thread(
            target=lambda: send.serve(listener.accept()[0], teller(Net(Answer(500, body=b"x"))).tell)
        )
        thread.start()
        assert send.ask(told(), place) == Verdict(Outcome.LATER, "500")
        thread.join(60)
    line = capsys.readouterr().err
    assert line == "<6>mdupond: slack: later 500\n"


def test_nobody_there_is_as_if_the_tool_were_away(tmp_path: Path) -> None:
    assert send.ask(told(), tmp_path / "none") == Verdict(Outcome.LATER, send.AWAY)


def test_what_is_no_note_is_named_by_its_kind_alone(capsys: pytest.CaptureFixture[str]) -> None:
    near, far = socket.socketpair()
    with far:
        far.sendall(msgspec.json.encode({"secret": "x"}) + b"\n")
        send.served(near, lambda _told: Verdict(Outcome.DONE))
    assert capsys.readouterr().err == "<3>ValidationError\n"
    assert "abcDEF123" not in repr(told())


def test_without_a_key_it_does_not_begin(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert send.main([]) == 1
    assert send.main(["x"]) == 2
    assert "key" in capsys.readouterr().err
