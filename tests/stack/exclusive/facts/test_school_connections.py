"""Connections are counted by address; that of a school may be that of thousands of agents."""

import pytest

from tests.stack.support.holders import holding
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.site import Site

pytestmark = pytest.mark.full

SESSIONS = 120
"""More than one address could hold before schools were told apart; 300 hold too, and take a loaded machine minutes."""
EACH = 40
"""Connections of submission that an address elsewhere may hold."""


def test_a_school_logs_in_where_another_address_is_full(
    site: Site, school: tuple[str, str], people: People, mail: Mail
) -> None:
    inside, outside = school
    agent, subject = people.agent(), token()
    with (
        holding(site, inside, [465], SESSIONS, agent) as there,
        holding(site, outside, [465], EACH + 10, agent) as elsewhere,
    ):
        assert there[465] == SESSIONS
        assert elsewhere[465] == EACH
        # And others still come in beside it.
        assert mail.submit(agent, agent.mail, agent.mail, compose(agent.mail, agent.mail, subject), port=465).accepted
    assert mail.arrived(agent, subject)
