"""Messages are traced: where each arrived, and why one did not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stack.support.mail import compose, token, wait_for

pytestmark = pytest.mark.scattered


@pytest.fixture
def trace(site: Any) -> Any:
    """Messages of `malleposte mail trace`, once there are as many as are awaited."""

    def found(*words: str, count: int = 1) -> list[dict[str, Any]]:
        def look() -> tuple[list[dict[str, Any]]] | None:
            done = site.run("mail1", "malleposte", "mail", "trace", *words, "--json", check=False)
            messages = json.loads(done)["messages"] if done.startswith("{") else []
            settled = all(one["state"] != "waiting" for message in messages for one in message["recipients"])
            return (messages,) if len(messages) >= count and settled else None

        return wait_for(look, what=f"a trace of {words}")[0]

    return found


def states(message: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """State and folder by recipient."""
    return {one["address"]: (one["state"], one["folder"]) for one in message["recipients"]}


def test_each_recipient_of_a_message_has_its_own_end(people, mail, trace):
    """One keeps it in a folder, one passes it on, one throws it away; no one else finds it."""
    writer, keeper, passer, thrower = (people.agent() for _ in range(4))
    mail.set_filter(keeper, "a", 'require ["fileinto", "mailbox"]; fileinto :create "Réunions";').close()
    mail.set_filter(passer, "a", f'redirect "{keeper.mail}";').close()
    mail.set_filter(thrower, "a", "discard;").close()
    word, other = token(), token()
    message = compose(writer.mail, keeper.mail, f"Convocation {word} du jury", "Voir https://visio.exemple.org/x ici.")
    with mail.session(writer) as session:
        assert session.sendmail(writer.mail, [keeper.mail, passer.mail, thrower.mail], message) == {}
    # Both may come within a second.
    (sent, passed_on) = sorted(trace("--subject", word, count=2), key=lambda one: -len(one["recipients"]))
    assert states(sent) == {
        keeper.mail: ("filed", "Réunions"),
        passer.mail: ("redirected", ""),
        thrower.mail: ("discarded", ""),
    }
    assert sent["account"] == writer.uid and sent["author"] == writer.mail
    assert keeper.mail in next(one["detail"] for one in sent["recipients"] if one["account"] == passer.uid)
    assert states(passed_on) == {keeper.mail: ("filed", "Réunions")}
    assert sent["message_id"] == passed_on["message_id"]
    for words in (
        ("--from", writer.mail), ("--from", writer.uid), ("--to", thrower.uid), ("--to", thrower.mail),
        ("--message-id", f"'<{sent['message_id']}>'"), ("--queue-id", sent["queue"]),
        ("--subject", f"'JURY {word}'"), ("--to", keeper.uid, "--link", "exemple.org"),
    ):  # fmt: skip
        assert sent["queue"] in [one["queue"] for one in trace(*words)], words
    assert trace("--subject", f"{word}{other}", count=0) == []
    assert trace("--subject", word, "--to", writer.uid, count=0) == []


def test_why_a_message_did_not_arrive(people, mail, trace):
    """Refused by the filter, by the sender's rights, at an unknown address; beside them one that arrived."""
    agent = people.agent()
    word = token()
    stranger = f"{word}@lointain.test"
    mail.foreign(stranger, agent.mail, compose(stranger, agent.mail, word))
    mail.arrived(agent, word)
    forged = mail.stranger(stranger, agent.mail, compose(agent.mail, agent.mail, f"{word} forge"))
    assert not forged.accepted
    nobody = f"{word}@{agent.mail.partition('@')[2]}"
    assert not mail.stranger(stranger, nobody, compose(stranger, nobody, word)).accepted
    messages = trace("--from", stranger, count=3)
    ends = [states(one) for one in messages]
    assert {agent.mail: ("filed", "INBOX")} in ends and {nobody: ("refused", "")} in ends
    (refused,) = [one for one in messages if one["verdict"] == "refused" and agent.mail in states(one)]
    assert refused["reason"] == "forged" and refused["recipients"][0]["account"] == agent.uid
    assert {one["queue"] for one in trace("--to", agent.uid, count=2)} >= {refused["queue"]}


def test_what_leaves_is_traced_and_words_say_it(people, mail, trace, site):
    agent, word = people.agent(), token()
    there = f"probe+{word}@lointain.test"
    with mail.session(agent) as session:
        assert session.sendmail(agent.mail, [there], compose(agent.mail, there, word)) == {}
    (message,) = trace("--to", there)
    assert states(message) == {there: ("left", "")}
    text = site.run("mail1", f"malleposte mail trace --to {there}")
    assert f"{there} was taken by the next server: 250" in text and "1 messages of the last 30 days" in text


def test_a_trace_of_everything_is_refused(site):
    done = site.run("mail1", "malleposte mail trace --days 2 2>&1", check=False)
    assert "needs a sender, a recipient, a word of the subject" in done
    assert "no account" in site.run("mail1", "malleposte mail trace --to nobody-at-all 2>&1", check=False)
