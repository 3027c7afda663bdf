"""SOGo without Dovecot, and sessions that end."""

import pytest

from tests.stack.support.groupware import Groupware


@pytest.fixture
def visit(site, ca_bundle):
    """A visitor of SOGo, by account or uid."""

    def enter(who) -> Groupware:
        return Groupware(site, ca_bundle, site.accounts[who] if isinstance(who, str) else who)

    return enter


def test_without_dovecot_nobody_is_told_of_a_wrong_password(visit, mail1, wait_for):
    mail1.check_output("systemctl stop dovecot.service dovecot.socket 2>/dev/null || systemctl stop dovecot.service")
    try:
        answer = visit("mdupond").connect()
        assert answer.status == 503
        assert "ne répond pas" in answer.json()["LDAPPasswordPolicyError"]
    finally:
        mail1.check_output("systemctl start dovecot.service")
    wait_for(lambda: visit("mdupond").connect().status == 200)


def sql(mail1, query):
    return mail1.check_output("runuser -u sogo -- psql -AtX sogo -c %s", query)


def test_an_idle_session_ends(visit, mail1):
    agent = visit("mdupond").login()
    assert "mailboxes" in agent.get(agent.own("Mail/0/view")).text
    sql(mail1, "update sogo_sessions_folder set c_lastseen = 1000")
    mail1.check_output("systemctl start malleposte-sogo-sessions.service")
    assert sql(mail1, "select count(*) from sogo_sessions_folder where c_lastseen = 1000") == "0"
    assert "mailboxes" not in agent.get(agent.own("Mail/0/view")).text
