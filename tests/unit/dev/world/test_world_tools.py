"""The lab's tools take what our tools make, refuse what is none by the references, and behave as a place asks."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from malleposte.accounts.mailbox.tools.kinds.base import Answer, Note, Outcome, Request
from malleposte.accounts.mailbox.tools.kinds.table import TOOLS, checked
from malleposte.dev.world import world_tools
from malleposte.dev.world.world_tools import SECRET, Server, WrongError, judged

NOW = 1_800_000_000.0
NOTE = Note("k" * 40, "Réunion", "a@example.org", "https://pia.test/lien/x", "Bonjour")
VALUES = {
    "trello": {"list": "a" * 24, "key": "b" * 32, "token": "c" * 64},
    "notion": {"page": "0" * 32, "token": f"ntn_{'a' * 40}"},
    "slack": {"url": "https://hooks.slack.com/services/T1/B2/abcDEF123"},
    "mattermost": {"url": f"https://outils.test/hooks/{'a' * 26}"},
    "matrix": {"server": "https://outils.test", "room": "!abc:outils.test", "token": "syt_abcdefgh"},
    "webhook": {"url": "https://outils.test/appels/abc", "secret": SECRET},
}


def made(tool: str, **values: str) -> Request:
    return TOOLS[tool].request(checked(tool, VALUES[tool] | values), NOTE, NOW)


def judge(request: Request, now: float = NOW, **headers: str) -> world_tools.Taken:
    given = {name.lower(): value for name, value in {**request.headers, **headers}.items()}
    return judged(request.method, urlsplit(request.url).path, given, request.body, now)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_our_tools_make_is_right_by_the_references(tool: str) -> None:
    taken = judge(made(tool))
    assert taken[0] == tool
    assert "Réunion" in json.dumps(taken[2], ensure_ascii=False)


@pytest.mark.parametrize("tool", ["trello", "notion", "matrix"])
def test_an_access_that_is_none_is_refused(tool: str) -> None:
    with pytest.raises(WrongError) as refused:
        judge(made(tool), Authorization="x")
    assert refused.value.args == (401,)


def test_a_webhook_that_is_late_or_of_another_is_refused() -> None:
    with pytest.raises(WrongError):
        judge(made("webhook"), NOW + 600)
    with pytest.raises(WrongError):
        judge(made("webhook"), **{"webhook-signature": "v1,AAAA"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), tmp_path / "taken") as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def call(server: Server, place: str, tool: str = "mattermost") -> Answer:
    request = made(tool, url=f"https://outils.test/hooks/{place:a<26}")
    link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    link.request(request.method, urlsplit(request.url).path, request.body, dict(request.headers))
    reply = link.getresponse()
    answer = Answer(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read())
    link.close()
    return answer


def test_places_behave_as_they_are_named(server: Server) -> None:
    outcomes = {
        place: [TOOLS["mattermost"].judge(call(server, place)).outcome for _turn in range(3)]
        for place in ("good", "busy", "down", "gone", "move", "huge")
    }
    done, later = Outcome.DONE, Outcome.LATER
    assert outcomes == {
        "good": [done] * 3, "busy": [later, done, done], "down": [later, later, done], "gone": [Outcome.REVOKED] * 3,
        "move": [Outcome.REFUSED] * 3, "huge": [done] * 3,
    }  # fmt: skip
    taken = [json.loads(line)["place"][:4] for line in server.store.read_text("utf-8").splitlines()]
    assert (taken.count("good"), taken.count("busy"), taken.count("gone")) == (3, 2, 0)
