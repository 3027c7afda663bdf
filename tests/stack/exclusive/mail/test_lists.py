"""A list whose daemon is killed in the middle, and one with thousands of members."""

import json
import secrets

import pytest
from malleposte.directory.model import Agent, State, agent_attributes

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import compose, token, wait_for
from tests.stack.support.people import directory


@pytest.fixture
def cli(site):
    """`malleposte accounts …` on the directory's host; what it printed."""
    return Cli(site).out


def written(sender, recipient, subject, **headers):
    return compose(sender, recipient, subject, **headers)


@pytest.fixture
def crowd(site):
    """Accounts without a mailbox yet, of a function that nobody else has; removed with their mail."""
    function, made = f"Foule {secrets.token_hex(4)}", []

    def make(count):
        domain = site.place.domain
        with directory(site) as bound:
            for number in range(count):
                uid = f"foule-{secrets.token_hex(3)}{number}"
                one = Agent(uid, "Foule", uid, f"{uid}@{domain}", "roundcube", State.ACTIVE, function=function)
                made.append(one.dn(bound.suffix))
                bound.add(made[-1], agent_attributes(one))
        return function

    yield make
    with directory(site) as bound:
        for dn in made:
            bound.delete(dn)
    site.run("mail1", "rm -rf -- /srv/mail/*/foule-*")


def stored(site):
    """Count the mailboxes of the crowd that hold a message, and the messages they hold."""
    text = site.run("mail1", "ls -1 /srv/mail/*/foule-*/Maildir/new 2>/dev/null | grep -c S= || true")
    boxes = site.run("mail1", "find /srv/mail/*/foule-* -path '*/new/*' -printf '%h\\n' | sort -u | wc -l")
    return int(boxes), int(text)


def test_killed_in_the_middle_everybody_gets_it_and_almost_nobody_twice(mail, people, lists, crowd, site, cli):
    writer, count, rate = people.agent(), 60, 30
    rule = f"fonction={crowd(count)}"
    address = lists(rule=[rule], poster=[writer.uid], rate=[str(rate)])
    subject = token()
    assert mail.submit(writer, writer.mail, address, written(writer.mail, address, subject)).accepted

    def row():
        return next((one for one in json.loads(cli("lists", "queue", "--json")) if one["subject"] == subject), None)

    # A minute's worth has left, and no more: the pace is the list's own.
    far = wait_for(lambda: (found := row()) and found["done"] and found, what="the first batch")
    assert far["recipients"] == count
    assert far["done"] <= rate + 1
    site.run("mail1", "systemctl kill -s KILL malleposte-lists.service")
    cli("lists", "set", address, "--rate", "6000")
    site.run("mail1", "systemctl restart malleposte-lists.service")
    wait_for(lambda: stored(site)[0] == count, timeout=90, what="a copy in each mailbox")
    wait_for(lambda: row() is None, what="the end of the list")
    wait_for(lambda: "foule-" not in site.run("mail1", "postqueue -j"), what="a queue without the crowd")
    boxes, copies = stored(site)
    assert boxes == count
    assert copies <= count + 30


@pytest.mark.full
def test_two_thousand_members_get_it_whole(mail, people, lists, crowd, site, cli):
    writer, count = people.agent(), 2000
    address = lists(rule=[f"fonction={crowd(count)}"], poster=[writer.uid], rate=["100000"])
    subject = token()
    assert mail.submit(writer, writer.mail, address, written(writer.mail, address, subject)).accepted
    wait_for(lambda: stored(site) == (count, count), timeout=600, what="a copy in each mailbox")
