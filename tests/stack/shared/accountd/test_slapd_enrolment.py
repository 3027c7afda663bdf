"""accountd's suite of first log-ins, on a slapd."""

import pytest

from tests.stack.support.slapd import suite_of
from tests.unit.accountd import test_enrolment as suite

pytestmark = [pytest.mark.full, pytest.mark.together("slapd")]

# Operations are counted in a directory that notes them, which is in memory.
globals().update(suite_of(suite, "desk", without=("test_known_and_unknown_are_the_same_work",)))
