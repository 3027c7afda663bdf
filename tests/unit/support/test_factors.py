"""The codes that tests type: each once, and none that is over while it is typed."""

import base64

import pytest
from malleposte.probe.walker.paths.factor import PERIOD, one_time

from tests.stack.support.factors import Application

SECRET = base64.b32encode(b"12345678901234567890").decode()


def taken(code: str, moment: float) -> bool:
    """Whether a provider takes a code: of the present step, the one before and the one after."""
    return code in {one_time(SECRET, moment + away * PERIOD) for away in (-1, 0, 1)}


@pytest.mark.parametrize("moment", [1_000_000_200.0, 1_000_000_215.0, 1_000_000_229.9])
def test_a_code_is_good_for_a_whole_period_from_whenever_it_is_shown(moment: float) -> None:
    application = Application(SECRET, clock=lambda: moment)
    first, second = application.code(), application.code()
    assert first != second
    for code in (first, second):
        assert taken(code, moment) and taken(code, moment + PERIOD)
    assert not taken(first, moment + 3 * PERIOD)
