"""A restore of a box with messages in « À envoyer »: they lie there again, and none goes."""

import time
from typing import Any

import pytest
from malleposte.accounts.mailbox.later import moments

from tests.stack.shared.backup.test_restore import share
from tests.stack.shared.mail.test_later import Later
from tests.stack.support.mail import Mail, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = [pytest.mark.together("backup"), pytest.mark.full]

NO_LONGER = 20
"""Seconds in which a message that is due would have left: one that its owner lays there leaves within three."""


def test_what_was_sent_or_taken_away_since_never_goes_again(
    site: Site, mail: Mail, people: People, backup: Any, restore: Any
) -> None:
    agent, other = Later(site, mail, people.agent()), people.agent()
    words = {what: agent.lay(moments.HOUR, other.mail) for what in ("sent", "deleted")}
    for word in words.values():
        agent.ordered(word)
    backup(share(site, agent.account))
    mail.remove(agent.account, words["deleted"])
    agent.make_due()
    mail.arrived(other, words["sent"])
    wait_for(lambda: agent.here(words["sent"], moments.HOUR) == 0, what="it has left the folder")
    restore("mailbox", agent.account.uid)
    assert [agent.here(word, moments.HOUR) for word in words.values()] == [1, 1], "the archive held both"
    # One that the owner lays there now goes, so that the daemon has looked at the folder.
    goes = agent.lay(moments.HOUR, other.mail)
    agent.ordered(goes)
    agent.make_due()
    mail.arrived(other, goes)
    time.sleep(NO_LONGER)
    assert [mail.count(other, words[what]) for what in ("sent", "deleted")] == [1, 0]
    for word in words.values():
        row = agent.waits(word)
        assert row and row["id"] == "", row
