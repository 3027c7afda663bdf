"""A restore from an archive of before a retraction does not bring back what was taken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stack.shared.backup.test_restore import share
from tests.stack.support import waves
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = [pytest.mark.together("backup"), pytest.mark.full]

LEFT_OUT = "sealed or taken back, left out"


def test_folders_and_messages_come_back_without_what_was_taken_until_it_is_given_back(
    site: Site, mail: Mail, people: People, backup: Any, restore: Any
) -> None:
    who, word = people.agent(), token()
    sender = waves.send(site, [who], word)
    mail.foreign(sender, who.mail, compose(sender, who.mail, f"Re {word} sincere", "Merci."))
    mail.arrived(who, "sincere")
    backup(share(site, who))
    plan = waves.typed(site, "retract", "--subject", f"'alerte {word}'", "--reason", "essai", "--no-note", "--yes")
    assert len(plan["copies"]) == 1 and mail.count(who, f"Alerte {word}") == 0
    # Its sealed copy is gone, as after thirty days: the list of the host still knows it.
    site.run("mail1", f"doveadm expunge -u {who.uid} mailbox .SEALED/retracted ALL")
    mail.remove(who, "sincere")
    for words in (("folder", who.uid, "INBOX"), ("mailbox", who.uid, "--beside"), ("mailbox", who.uid)):
        counts = restore(*words)["counts"]
        assert counts.get(LEFT_OUT, 1) == 1
        assert waves.reachable(mail, [who], f"Alerte {word}") == [], words
        assert waves.reachable(mail, [who], "sincere") == [who.uid], words
    said = site.run("mail1", f"malleposte backup restore message {who.uid} --search 'alerte {word}' 2>&1", check=False)
    assert "sealed or was taken back" in said
    assert waves.typed(site, "undo", plan["ident"], "--yes")["stage"] == "undone"
    assert LEFT_OUT not in restore("folder", who.uid, "INBOX")["counts"]
    assert mail.count(who, f"Alerte {word}") == 1
