"""accountd's suite of proofs, changes, codes, means of recovery and acts on one's own account, on a slapd."""

import pytest

from tests.stack.support.slapd import suite_of
from tests.unit.accountd import test_service as suite

pytestmark = [pytest.mark.full, pytest.mark.together("slapd")]

globals().update(
    suite_of(
        suite,
        "stage",
        without=(
            # A connection that breaks in the middle of a write is the memory's own.
            "test_what_fails_inside_says_so_and_no_more",
            # No directory is asked.
            "test_the_letter_has_the_code_in_french_first",
            "test_the_letter_on_means_of_recovery_has_no_address_and_french_first",
        ),
    )
)
