"""Tests that run once more: their names from pytest's summary, and the call that runs them."""

from malleposte.dev import unsteady

SUMMARY = (
    "E   AssertionError: FAILED to answer",
    "FAILED tests/stack/shared/groupware/test_sogo.py::test_mail[a b] - AssertionError: no - mail",
    "ERROR tests/stack/shared/groupware/test_dav.py::TestHome::test_it",
    "ERROR tests/stack/shared/groupware/test_dav.py::TestHome::test_it - at its end",
    "===== 1 failed, 2 errors in 3.40s =====",
)
NAMES = [
    "tests/stack/shared/groupware/test_sogo.py::test_mail[a b]",
    "tests/stack/shared/groupware/test_dav.py::TestHome::test_it",
]


def test_names_are_read_from_the_summary_alone() -> None:
    assert unsteady.failed_tests(SUMMARY, SUMMARY[-1]) == NAMES
    assert unsteady.failed_tests(("ERROR: not found",), "no tests ran in 0.1s") == []


def test_no_name_counts_where_others_are_missing() -> None:
    """A reason of many lines pushes names out of those that are kept."""
    assert unsteady.failed_tests(SUMMARY[2:], SUMMARY[-1]) == []
    assert unsteady.failed_tests(SUMMARY, "===== 4 failed, 1171 passed, 2 errors in 1253.51s (0:20:53) =====") == []


def test_the_second_call_has_the_tests_alone() -> None:
    words = ("python", "-m", "pytest", "tests/stack/shared", "-n", "4", "-m", "not full")
    assert unsteady.again(words, NAMES) == ("python", "-m", "pytest", *NAMES)
    assert unsteady.told(NAMES[:1], ok=False) == [f"unsteady {NAMES[0]}: failed, then ran once more alone"]
