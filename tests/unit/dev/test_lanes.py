"""The exclusive tests over two labs."""

from malleposte.core.paths import ROOT
from malleposte.dev import lanes

FILES = ["tests/a/test_1.py", "tests/a/test_2.py", "tests/a/test_3.py", "tests/a/test_4.py"]


def test_both_labs_end_at_about_the_same_time_and_the_order_stays() -> None:
    shared = float(lanes.SHARED_SECONDS)
    budgets = {FILES[0]: 0.45 * shared, FILES[1]: 0.25 * shared, FILES[2]: 0.6 * shared, "tests/a": 30.0}
    assert lanes.parted(FILES, budgets) == ([FILES[1]], [FILES[0], FILES[2], FILES[3]])


def test_the_search_for_secrets_begins_the_tests_of_the_first_lab() -> None:
    budgets = {lanes.FIRST: 0.0, "tests/a": 10.0}
    first, second = lanes.parted([*FILES, lanes.FIRST], budgets)
    assert first == [lanes.FIRST]
    assert second == FILES


def test_no_test_is_left_out_or_run_twice() -> None:
    first, second = lanes.parted(FILES, {"tests": 1000.0})
    assert sorted(first + second) == FILES
    assert first
    assert second


def test_files_of_long_tests_alone_have_no_seconds_in_the_usual_run() -> None:
    full = "tests/stack/exclusive/mail/test_hostile.py"
    assert lanes.long_alone(ROOT / full) and full not in lanes.exclusive()
    assert not lanes.long_alone(ROOT / "tests/stack/exclusive/mail/test_crash.py"), "some of its tests are short"
