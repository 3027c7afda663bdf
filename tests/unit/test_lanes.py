"""The exclusive tests over the twins of the lab."""

from malleposte import lanes

FILES = ["tests/a/test_1.py", "tests/a/test_2.py", "tests/a/test_3.py", "tests/a/test_4.py"]


def test_all_labs_end_at_about_the_same_time_and_the_order_stays() -> None:
    budgets = {FILES[0]: 45.0, FILES[1]: 25.0, FILES[2]: 60.0, "tests/a": 10.0}
    assert lanes.parted(FILES, budgets, 2) == [[FILES[2], FILES[3]], [FILES[0], FILES[1]]]


def test_no_test_is_left_out_or_run_twice() -> None:
    parts = lanes.parted(FILES, {"tests": 1000.0}, 3)
    assert sorted(name for part in parts for name in part) == FILES
    assert all(parts)
