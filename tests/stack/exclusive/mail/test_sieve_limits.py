"""Agents' filters send within limits, and those that exceed them are refused."""

import json

import pytest
from malleposte.probe.walker.sieve import SieveError

from tests.stack.support.mail import FOREIGN, compose, token

NOTIFY = 'require ["enotify"];\nnotify "mailto:test@lointain.test";\n'


@pytest.fixture
def subject() -> str:
    return token()


def test_nothing_is_sent_away_unseen(mail, people):
    reader = people.agent()
    filters = mail.sieve(reader)
    with pytest.raises(SieveError, match="enotify"):
        filters.put("roundcube", NOTIFY)
    filters.put("roundcube", 'require ["fileinto", "copy", "variables", "vacation"];\nkeep;\n')


def test_a_script_of_before_loses_no_mail_and_its_owner_is_told(site, mail, people, subject):
    reader = people.agent()
    mail.set_filter(reader, "roundcube", "keep;\n")
    # As it was written when it was still taken.
    path = f"$(echo /srv/mail/*/{reader.uid})/sieve/roundcube.sieve"
    site.run("mail1", f"cat > {path}; rm -f $(echo /srv/mail/*/{reader.uid})/sieve/*.svbin", given=NOTIFY)
    mail.foreign(f"probe@{FOREIGN}", reader.mail, compose(f"probe@{FOREIGN}", reader.mail, subject))
    assert mail.arrived(reader, subject)
    site.run("mail1", "systemctl", "start", "malleposte-filters.service")
    assert b"enotify" in mail.arrived(reader, "filtres")
    site.run("mail1", "systemctl", "start", "malleposte-filters.service")
    assert mail.count(reader, "filtres") == 1


def test_forwards_are_shown_where_they_hide(site, mail, people):
    reader = people.agent()
    filters = mail.sieve(reader)
    hidden = 'require "variables";\nset "x" "a@lointain.test";\nredirect "${x}";\nredirect "b@lointain.test";\n'
    filters.put("cache", hidden)
    filters.put("roundcube", 'require "include";\ninclude :personal "cache";\n')
    filters.activate("roundcube")
    shown = json.loads(site.run("mail1", "malleposte", "accounts", "show", reader.uid, "--json"))
    assert shown["forwards"] == ["${x} (computed by the script)", "b@lointain.test"]
    assert shown["included_filters"] == ["cache"]
