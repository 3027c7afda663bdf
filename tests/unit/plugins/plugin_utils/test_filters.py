"""The class that Ansible looks for in a file of filters."""

import pytest
from ansible.errors import AnsibleFilterError

from plugins.plugin_utils.filters import filters


def half(number: int, by: int = 2) -> float:
    if number < 0:
        raise ValueError("below nothing")
    return number / by


def test_functions_have_their_own_names_or_those_that_are_given() -> None:
    assert sorted(filters(half, part=half)().filters()) == ["half", "part"]


def test_errors_of_the_named_kinds_are_those_of_a_filter() -> None:
    made = filters(half, errors=(ValueError,))().filters()["half"]
    assert (made(3), made(3, by=3)) == (1.5, 1.0)
    with pytest.raises(AnsibleFilterError, match="below nothing"):
        made(-1)
    with pytest.raises(ZeroDivisionError):
        made(1, by=0)
