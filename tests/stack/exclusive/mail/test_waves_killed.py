"""Two waves are taken back at once; a taking that is killed, with Dovecot or without, ends in the same place."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from malleposte.platform import mailstore

from tests.stack.support import waves
from tests.stack.support.mail import Mail, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = [pytest.mark.full, pytest.mark.rings("UnitInactive", "UnitRestarts", "PortDoesNotAnswer")]

BOXES, MESSAGES = 60, 300
PLACE = f"{mailstore.STORE}/*/*/{mailstore.SEALED}/.retracted"
SEALED = f"ls {PLACE}/cur {PLACE}/new"
KILLED = """\
setsid malleposte mail retract {ident} --yes --no-note --json > /dev/null 2>&1 & began=$!
for turn in $(seq 600); do
  [ "$({sealed} 2>/dev/null | grep -c '^[0-9]')" -ge {least} ] && break
  sleep 0.1
done
{kill}
wait
{sealed} 2>/dev/null | grep -c '^[0-9]'
"""
COMMAND, DOVECOT = "kill -9 -- -$began", "systemctl kill -s KILL dovecot"


@pytest.fixture
def boxes(people: People, site: Site) -> Iterator[list[Account]]:
    """Agents whose boxes are full of other mail."""
    agents = [people.agent() for _ in range(BOXES)]
    waves.fill(site, agents, MESSAGES)
    yield agents
    site.run("mail1", "systemctl start dovecot")
    waves.clear(site)


def test_two_waves_are_taken_back_at_once_by_two_operators(boxes: list[Account], mail: Mail, site: Site) -> None:
    words, here = (token(), token()), boxes[:40]
    for word in words:
        waves.send(site, here, word)

    def taken(word: str) -> dict[str, Any]:
        words = ("retract", "--subject", word, "--reason", "essai", "--no-note", "--yes")
        return dict(waves.typed(site, *words))

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(taken, words))
    assert [(one["left"], one["failures"], one["stage"]) for one in ends] == [([], [], "done")] * 2
    assert [len(one["copies"]) for one in ends] == [len(here)] * 2
    for word, end in zip(words, ends, strict=True):
        assert waves.reachable(mail, here, word) == []
        assert str(end["ident"]) in site.run("mail1", "cat /var/lib/malleposte-waves/refused.map"), "both are refused"
    with ThreadPoolExecutor(2) as pool:
        back = list(pool.map(lambda end: waves.typed(site, "undo", str(end["ident"]), "--yes"), ends))
    assert [(one["left"], one["failures"], one["stage"]) for one in back] == [([], [], "undone")] * 2
    for word in words:
        assert set(waves.reachable(mail, here, word)) == {one.uid for one in here}


def test_a_taking_that_is_killed_in_the_middle_ends_in_the_same_place(
    boxes: list[Account], mail: Mail, site: Site, record_property: pytest.RecordProperty
) -> None:
    word = token()
    sender = waves.send(site, boxes, word)
    everybody = {one.uid for one in boxes}
    for name, kill in (("the command", COMMAND), ("Dovecot", DOVECOT), ("both", f"{COMMAND}; {DOVECOT}")):
        plan = waves.typed(site, "retract", "--from", sender, "--reason", "essai", "--dry-run")
        assert set(plan["holders"]) == everybody
        script = KILLED.format(ident=plan["ident"], sealed=SEALED, least=BOXES // 10, kill=kill)
        sealed = site.run("mail1", script, check=False, timeout=900).split()
        record_property(f"sealed when {name} was killed", sealed[-1])
        site.run("mail1", "systemctl start dovecot; sleep 2")
        done = waves.typed(site, "retract", plan["ident"], "--yes", "--no-note")
        assert (done["left"], done["failures"], done["stage"]) == ([], [], "done"), name
        assert waves.reachable(mail, boxes, word) == [], name
        assert {one["uid"] for one in done["copies"]} == everybody
        assert len(done["copies"]) == BOXES, "no copy is noted twice"
        back = waves.typed(site, "undo", plan["ident"], "--yes")
        assert (back["left"], back["failures"], back["stage"]) == ([], [], "undone"), name
        assert set(waves.reachable(mail, boxes, word)) == everybody
    assert mail.count(boxes[0], "note") == MESSAGES, "nothing else is touched"
    assert mail.count(boxes[0], word) == 1
