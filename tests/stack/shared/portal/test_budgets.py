"""Nobody uses up what others need (docs/limits.md): one agent at the portal, one address at a port, one mailbox."""

import imaplib
import time
from collections.abc import Callable

import pytest
from malleposte.accountd.calls.desk.acts import DeskBlock
from malleposte.accountd.calls.desk.looks import DeskShow
from malleposte.accountd.calls.devices import RevokeDevice
from malleposte.accountd.calls.mailbox.hours import SetHours
from malleposte.accountd.calls.protection import Block, EndSessions
from malleposte.accountd.message import Done, ErrorCode

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.persons import Person
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.support.academy import uai
from tests.support.tokens import Minter

SCHOOL = uai(4321)
OF_BEFORE = 300
"""Acts in ten minutes that were the whole portal's."""
FACTOR = 4
"""The level of a log-in in which a second factor was shown."""


@pytest.fixture
def portal(site: Site) -> Portal:
    return Portal(site)


def minted(site: Site, uid: str, ahead: int = 0, **claims: int) -> str:
    """A token of an agent who logs in now; `ahead`: so many seconds later, after an end of all log-ins."""
    issuer = f"https://{site.platform['hostnames']['sso']}/"
    minter = Minter(issuer, site.secret("sso-signing"), clock=lambda: time.time() + ahead)
    return minter.access(uid, **claims)


@pytest.mark.full
def test_one_agent_s_acts_that_change_nothing_stop_nobody(
    site: Site, portal: Portal, person: Callable[..., Person]
) -> None:
    noisy, other, chief = person(), person(mpEstablishment=[SCHOOL]), person(mpEstablishment=[SCHOOL])
    third = person(mpEstablishment=[SCHOOL])
    Cli(site).json("role", "grant", chief.uid, "helpdesk", "--school", SCHOOL, "--reason", "essai")
    answers: list[object] = []
    while len(answers) < OF_BEFORE:
        # A token of its own for each hundred: a slow machine takes its time.
        mine = portal.source, noisy.uid, minted(site, noisy.uid)
        null = (SetHours(*mine, slots=("nul",)), SetHours(*mine), RevokeDevice(*mine, "nul"))
        answers += portal.ask(*(null * 34))
    revoked = {getattr(answer, "error", None) for answer in answers[2::3]}
    assert revoked == {ErrorCode.NOT_FOUND}, "one's own protection waits for none"
    # Another agent, and the help desk, from the same portal.
    theirs = "198.51.100.9", other.uid, minted(site, other.uid)
    desk = "198.51.100.10", chief.uid, minted(site, chief.uid, level=FACTOR)
    done = portal.ask(
        SetHours(*theirs, slots=("12345 07:45-18:30",)),
        DeskShow(*desk, third.uid),
        DeskBlock(*desk, third.uid, "essai"),
        EndSessions(*theirs),
    )
    # By a log-in of after the end of the others.
    done.append(portal.one(Block("198.51.100.9", other.uid, minted(site, other.uid, 1), "essai")))
    assert [isinstance(one, Done) for one in done] == [True] * 5, done
    assert other.held("mpState") == {"mpState": ["blocked"]}
    assert third.held("mpState") == {"mpState": ["blocked"]}
    # And the noisy one.
    own = portal.one(Block(portal.source, noisy.uid, minted(site, noisy.uid), "essai"))
    assert isinstance(own, Done)


def test_one_mailbox_s_connections_leave_imap_to_others(site: Site, mail: Mail, people: People) -> None:
    limit = int(site.run("mail1", "doveconf -h mail_max_userip_connections"))
    greedy, other = people.agent(), people.agent()
    entered = 0
    for _ in range(limit + 3):
        try:
            mail.imap(greedy)
        except (imaplib.IMAP4.error, OSError):
            break
        entered += 1
    assert entered == limit
    assert mail.imap(other).noop()[0] == "OK"
