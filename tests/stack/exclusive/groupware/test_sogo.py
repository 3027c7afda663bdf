"""SOGo's sessions that end, and its front when the log-in page is away."""

import pytest

from tests.stack.support.groupware import Groupware
from tests.stack.support.sso import PAGE


@pytest.fixture
def visit(site, ca_bundle):
    """A visitor of SOGo, by account or uid."""

    def enter(who) -> Groupware:
        return Groupware(site, ca_bundle, site.accounts[who] if isinstance(who, str) else who)

    return enter


def test_without_the_log_in_page_a_visitor_is_told_and_an_open_page_goes_on(visit, site, wait_for):
    agent = visit("mdupond").login()
    host = site.host_of("portal")
    site.run(host, f"systemctl stop {PAGE}")
    try:

        def told():
            # For ten seconds the front believes that it is there.
            answer = visit("mdupond").get("/SOGo/")
            return answer if answer.status == 503 else None

        answer = wait_for(told, 60, "the page that says so")
        assert "ne répond pas" in answer.text and answer.header("Retry-After")
        assert "mailboxes" in agent.get(agent.own("Mail/0/view")).text
    finally:
        site.run(host, f"systemctl start {PAGE}")
        wait_for(lambda: visit("mdupond").get("/SOGo/").status == 302, 60, "the way to it again")
    assert visit("mdupond").enters()


def test_an_idle_session_ends(visit, mail1):
    agent, other = visit("mdupond").login(), visit("mdupond").login()
    assert "mailboxes" in agent.get(agent.own("Mail/0/view")).text
    folder = "/run/malleposte-sogo-sessions"
    name = agent.session_file
    mail1.check_output(f"touch -d '5 hours ago' {folder}/{name}")
    assert not agent.inside
    assert mail1.run(f"test -e {folder}/{name}").rc == 1
    assert other.inside, "one that is used"


def test_sessions_outlive_the_front(visit, mail1):
    agent = visit("mdupond").login()
    mail1.check_output("systemctl restart dav-router.service")
    assert agent.inside
