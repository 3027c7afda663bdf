"""Work of the browser, or a plain question: what is ours, in time and right is taken, and nothing else."""

import base64
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from malleposte_portal.core import human

from tests.support.human import NUMBERS, solution
from tests.unit.portal.conftest import archive


@pytest.fixture
def within(app: Any) -> Any:
    """A page of the portal, for what needs its key and its language."""
    with app.test_request_context("/activer"):
        app.preprocess_request()
        yield


def changed(payload: str, change: Callable[[dict[str, Any]], None]) -> str:
    told = json.loads(base64.b64decode(payload))
    change(told)
    return base64.b64encode(json.dumps(told).encode()).decode()


def test_a_challenge_that_is_solved(within: None) -> None:
    asked = human.challenge()
    assert human.solved(solution(asked)) == asked["parameters"]["nonce"]


@pytest.mark.parametrize("kind", ["prefix", "salt", "end", "counter", "float", "signature", "late", "deep"])
def test_a_challenge_that_was_changed(within: None, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    payload = solution(human.challenge())
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "prefix": lambda told: told["challenge"]["parameters"].update(keyPrefix=""),
        "salt": lambda told: told["challenge"]["parameters"].update(salt="00"),
        "end": lambda told: told["challenge"]["parameters"].update(expiresAt=2**40),
        "counter": lambda told: told["solution"].update(counter=-1),
        "float": lambda told: told["solution"].update(counter=1.5),
        "signature": lambda told: told["challenge"].update(signature="é"),
        "deep": lambda told: told["challenge"].update(parameters=[]),
        "late": lambda told: None,
    }
    now = time.time()
    assert human.solved(payload)
    if kind == "late":
        monkeypatch.setattr(time, "time", lambda: now + human.SECONDS + 5)
    assert human.solved(changed(payload, changes[kind])) == ""


@pytest.mark.parametrize(
    "payload", ["", "x", "é", "[]", "bnVsbA==", "x" * 5000, base64.b64encode(b"[" * 3000).decode()]
)
def test_what_is_no_solution(within: None, payload: str) -> None:
    assert human.solved(payload) == ""


def test_a_question(within: None, monkeypatch: pytest.MonkeyPatch) -> None:
    text, token = human.question()
    right = sum(NUMBERS[word] for word in text.split() if word in NUMBERS)
    assert human.answered(token, f" {right} ") == token.split(".")[1]
    for wrong in (str(right + 1), "", "x", "²", "-1", "1" * 50):
        assert human.answered(token, wrong) == ""
    for forged in ("", "..", token[:-1], token.replace(".", ".x", 1), "²" + token):
        assert human.answered(forged, str(right)) == ""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + human.SECONDS + 5)
    assert human.answered(token, str(right)) == ""


def test_a_form_without_either_is_not_carried_out(visit: Any, accountd: Any) -> None:
    page = visit.send("/motdepasse/code", login="mdupond", answer="99")
    assert (visit.last.status_code, accountd.asked) == (422, [])
    assert page.named("answer-error")
    visit.send("/motdepasse/code", login="mdupond", question="", answer="", altcha=solution(challenge(visit)))
    (asked,) = accountd.asked
    assert (bool(asked.once), asked.question) == (True, "")


def test_work_that_is_over_is_said_without_a_word_about_the_hidden_question(
    visit: Any, accountd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, now = solution(challenge(visit)), time.time()
    monkeypatch.setattr(time, "time", lambda: now + human.SECONDS + 5)
    page = visit.send("/motdepasse/code", login="mdupond", question="", answer="", altcha=done)
    assert (visit.last.status_code, accountd.asked) == (422, [])
    assert "ouverte depuis longtemps" in page.named("errors")
    assert "Votre réponse, en chiffres" not in page.named("errors")


def challenge(visit: Any) -> dict[str, Any]:
    found: dict[str, Any] = visit.http.get("/verification.json", base_url="https://pia.test").get_json()
    return found


def test_the_worker_of_altcha_finds_what_we_take(visit: Any, within: None) -> None:
    """A round trip with the file that browsers get, run by node."""
    import zipfile

    with zipfile.ZipFile(archive()) as held:
        worker = held.read("altcha/sha.js").decode()
    asked = human.challenge()
    script = (
        "globalThis.self = globalThis; self.postMessage = (told) => console.log(JSON.stringify(told));\n"
        f"{worker}\nself.onmessage({{ data: {{ type: 'work', challenge: {json.dumps(asked)}, counterStart: 0, "
        "counterStep: 1, counterMode: 'uint32', timeout: 300000 } });"
    )
    done = subprocess.run(["node", "--eval", script], capture_output=True, text=True, check=True, timeout=300)
    told = {"challenge": asked, "solution": json.loads(done.stdout)}
    assert human.solved(base64.b64encode(json.dumps(told).encode()).decode()) == asked["parameters"]["nonce"]
