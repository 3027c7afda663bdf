"""The letter of 7:30: who has something new in quarantine gets it, others do not."""

import json

import pytest

from tests.stack.support.mail import compose, token, wait_for

pytestmark = pytest.mark.scattered
UNIT = "malleposte-quarantine-digest.service"


def test_who_has_something_apart_gets_one_letter_with_one_link(people, mail, site):
    agent, other = people.agent(), people.agent()
    word = token()
    message = compose(f"{word}@lointain.test", agent.mail, word, "Votre facture.")
    # The filter's own mark, as what passes a list has it: the way of local mail is ours.
    marked = b"X-Malleposte-Quarantine: quarantine score\r\n" + message
    site.run("mail1", "/usr/sbin/sendmail", "-f", "postmaster@ac-exemple.test", "--", agent.mail, given=marked.decode())

    def apart() -> bool:
        said = site.run("mail1", f"malleposte mail trace --to {agent.uid} --json", check=False)
        found = json.loads(said)["messages"] if said.startswith("{") else []
        return any(to["folder"] == "Quarantaine" for one in found for to in one["recipients"])

    wait_for(apart, what="the message in quarantine")
    site.run_job("mail1", UNIT)
    letter = mail.arrived(agent, "Quarantaine").decode()
    assert "/compte/quarantaine" in letter and word not in letter
    site.run_job("mail1", UNIT)
    assert mail.count(agent, "Quarantaine") == 1
    assert mail.count(other, "Quarantaine") == 0
