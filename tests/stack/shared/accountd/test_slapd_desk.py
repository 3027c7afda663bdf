"""accountd's suite of the help desk, on a slapd."""

import pytest

from tests.stack.support.slapd import suite_of
from tests.unit.accountd import test_desk as suite

pytestmark = [pytest.mark.full, pytest.mark.together("slapd")]

globals().update(suite_of(suite, "stage", without=()))
