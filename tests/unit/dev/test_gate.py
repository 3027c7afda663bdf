"""The gate: order of the tiers, stop at the first failure, the last line of each runner."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.core.paths import ROOT
from malleposte.core.progress import Progress
from malleposte.core.run import Finished
from malleposte.dev import checks, gate, lanes


def python(code: str) -> checks.Check:
    return checks.Check("trial", (sys.executable, "-c", code))


@pytest.fixture(autouse=True)
def scratch_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malleposte.core.paths.LOG_DIR", tmp_path)


def tiers_run(
    monkeypatch: pytest.MonkeyPatch,
    codes: dict[str, str],
    prepare: Callable[[str], None] = lambda _: None,
    **options: bool,
) -> dict[str, bool]:
    monkeypatch.setattr(checks, "checks_of", lambda tier, **_: [python(codes[tier])] if tier in codes else [])
    plan = checks.Plan(list(reversed(checks.TIERS[1:])), **options)
    return {outcome.tier: outcome.ok for outcome in gate.run(plan, Progress(quiet=True), prepare)}


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_cheap_tiers_come_first_and_the_first_failure_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    done = tiers_run(monkeypatch, {"unit": "pass", "architecture": "raise SystemExit(1)", "stack": "pass"})
    assert list(done.items()) == [("unit", True), ("architecture", False), ("molecule", True)]


def test_keep_going_runs_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    done = tiers_run(monkeypatch, {"unit": "raise SystemExit(1)", "stack": "pass"}, keep_going=True)
    others = ("architecture", "molecule", "stack", "browser", "fleet")
    assert done == {"unit": False, **dict.fromkeys(others, True)}


def test_cheap_tiers_run_while_the_lab_is_brought_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each waits for the other: one after the other, neither would end."""
    here, there = tmp_path / "here", tmp_path / "there"
    code = f"import pathlib, time\nwhile not pathlib.Path({str(there)!r}).exists(): time.sleep(0.05)\n"
    code += f"pathlib.Path({str(here)!r}).touch()"

    def prepare(tier: str) -> None:
        if not there.exists():
            assert tier == "stack"
            there.touch()
            until(here.exists)

    done = tiers_run(monkeypatch, {"unit": code, "stack": "pass"}, prepare)
    assert (done["unit"], done["stack"]) == (True, True)


def test_a_cheap_failure_is_told_at_once_and_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def prepare(_tier: str) -> None:
        said = ""

        def told() -> bool:
            nonlocal said
            said += capfd.readouterr().out
            return "what is wrong" in said

        until(told)

    codes = {"unit": "print('what is wrong'); raise SystemExit(1)", "stack": "pass"}
    assert tiers_run(monkeypatch, codes, prepare) == {"unit": False}


def test_a_failing_deploy_ends_what_runs_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"

    def prepare(_tier: str) -> None:
        until(lambda: note.exists() and note.read_text() != "")
        raise MallepostError("deploy failed")

    with pytest.raises(MallepostError, match="deploy failed"):
        tiers_run(monkeypatch, {"unit": code, "architecture": "pass", "stack": "pass"}, prepare)
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_the_last_two_cheap_tiers_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The two wait for each other: one after the other, neither would end."""
    wait = "import pathlib, time\npathlib.Path({!r}).touch()\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.05)\n"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    both = {"architecture": wait.format(one, two), "molecule": wait.format(two, one), "stack": "pass"}
    done = tiers_run(monkeypatch, both)
    assert {tier: done[tier] for tier in both} == dict.fromkeys(both, True)


def test_what_is_ended_in_the_middle_is_put_away_and_what_ends_by_itself_is_not(tmp_path: Path) -> None:
    away = tmp_path / "away"
    undo = (sys.executable, "-c", f"import pathlib; pathlib.Path({str(away)!r}).touch()")
    aside = gate.Aside()
    assert gate.run_streamed("molecule", [checks.Check("trial", (sys.executable, "-c", "pass"), undo=undo)],
                             Progress(quiet=True), aside).ok  # fmt: skip
    assert not away.exists()
    aside.stop()
    long = checks.Check("trial", (sys.executable, "-c", "import time; time.sleep(600)"), undo=undo)
    assert not gate.run_streamed("molecule", [long], Progress(quiet=True), aside).ok
    assert away.exists()
    assert all(check.undo for check in checks.checks_of("molecule"))


def test_no_test_collected_is_no_failure_of_pytest_alone() -> None:
    check = python("raise SystemExit(5)")
    assert gate.run_streamed("unit", [check], Progress(quiet=True)).ok
    assert not gate.run_streamed("molecule", [check], Progress(quiet=True)).ok


def test_a_tier_is_prepared_only_when_it_has_something_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(checks, "checks_of", lambda tier, **_: [python("pass")] if tier == "stack" else [])
    list(gate.run(checks.Plan(["stack", "browser"]), Progress(quiet=True), prepared.append))
    assert prepared == ["stack"]


def test_the_closing_lines_stand_alone_at_the_end() -> None:
    summary = "=========== 12 passed, 1 skipped in 3.40s ============"
    assert gate.closing_line(Finished(0, ("x passed by", summary, "log written"))) == summary
    report = gate.closing_report([gate.Outcome("unit", True, 3.4, (summary,))])
    assert report[-1] == summary
    assert report[1].split() == ["ok", "unit", "3.4", "s"]


def test_every_runner_of_a_tier_has_its_closing_line() -> None:
    checks = [python(f"print('==== {number} passed in 1s ====')") for number in (3, 4)]
    done = gate.run_streamed("stack", checks, Progress(quiet=True))
    assert gate.closing_report([done])[-2:] == ["==== 3 passed in 1s ====", "==== 4 passed in 1s ===="]


def lane(tmp_path: Path, failing: int, *, for_good: bool = False) -> checks.Check:
    """Tests of which some fail the first time, or each time."""
    (tmp_path / "test_lab.py").write_text(
        "import pathlib, pytest\n"
        f"@pytest.mark.parametrize('number', range({failing + 1}))\n"
        "def test_it(number):\n"
        f"    mark = pathlib.Path({str(tmp_path)!r}, str(number))\n"
        "    known = mark.exists()\n"
        "    mark.touch()\n"
        f"    assert number == {failing} or (known and not {for_good})\n"
    )
    words = (sys.executable, "-m", "pytest", f"{tmp_path}/test_lab.py", "-p", "no:cacheprovider", *checks.ONCE_MORE)
    return checks.Check("trial", words)


def test_a_test_on_the_lab_that_passes_when_it_is_tried_again_is_named_and_fails_nothing(tmp_path: Path) -> None:
    done = gate.run_streamed("stack", [lane(tmp_path, 1)], Progress(quiet=True))
    assert done.ok
    summary, named = done.closing
    assert "2 passed, 1 rerun" in summary
    assert named.startswith("unsteady ")
    assert named.endswith("test_lab.py::test_it[0]: failed, then passed")


@pytest.mark.parametrize(("failing", "for_good"), [(1, True), (2, False)])
def test_a_test_that_fails_twice_or_with_another_fails_the_gate(tmp_path: Path, failing: int, for_good: bool) -> None:
    done = gate.run_streamed("stack", [lane(tmp_path, failing, for_good=for_good)], Progress(quiet=True))
    assert not done.ok
    assert "1 failed" in done.closing[0]


def test_tests_are_tried_again_on_the_lab_alone() -> None:
    tried = {tier: set(checks.ONCE_MORE) <= set(checks.pytest_check(tier).words) for tier in checks.PYTEST}
    assert {tier for tier, again in tried.items() if again} == set(checks.ON_LAB)


def test_the_stack_runs_in_two_lanes_and_only_the_first_beside_itself() -> None:
    shared, exclusive = checks.checks_of("stack")
    assert ("tests/stack/shared" in shared.words, "-n" in shared.words) == (True, True)
    assert ("tests/stack/exclusive" in exclusive.words, "-n" in exclusive.words) == (True, False)
    stack = ROOT / "tests/stack"
    tests = [path.relative_to(stack).parts[0] for path in stack.rglob("test_*.py")]
    assert set(tests) == set(checks.LANES), "a test of the stack outside the lanes would never run"


def test_the_fleet_runs_what_asks_for_hosts_by_their_groups_as_well() -> None:
    (fleet,) = checks.checks_of("fleet")
    assert {"tests/fleet", *checks.ANYWHERE} <= set(fleet.words)
    assert all((ROOT / name).is_file() for name in checks.ANYWHERE)
    assert checks.checks_of("fleet", files=["tests/stack/shared/portal/test_desk.py"]) == []


def on_labs(
    tmp_path: Path,
    codes: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tiers: Sequence[str],
    *,
    keep_going: bool = False,
    processors: int = 2,
) -> list[gate.Outcome]:
    """Tiers over several labs, each run of pytest replaced by Python; `codes` by the name of the run."""
    monkeypatch.setattr(gate, "processors", lambda: processors)

    def check(tier: str, lane: str = "", *, paths: Sequence[str] = (), **_: object) -> checks.Check:
        assert all((ROOT / name).exists() for name in paths)
        code = f"import os; exec({codes!r}[os.environ.get('TWIN') or {lane or tier!r}])"
        return checks.Check(f"{tier}-{lane}", (sys.executable, "-c", code), {"LEFT": str(tmp_path)})

    for module in (checks, gate):
        monkeypatch.setattr(module, "pytest_check", check)
    names = {lanes.TWIN: "twin", lanes.WINDOWS: "browser"}
    return list(
        gate.run_each(
            checks.Plan(tiers, keep_going=keep_going),
            tiers,
            Progress(quiet=True),
            second=lambda suffix: lanes.Second(("env", f"ENTERED={suffix}"), {"TWIN": names[suffix]}),
        )
    )


def on_two(
    tmp_path: Path, codes: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, keep_going: bool = False
) -> gate.Outcome:
    """The tier stack alone."""
    (outcome,) = on_labs(tmp_path, codes, monkeypatch, ["stack"], keep_going=keep_going)
    return outcome


def test_the_exclusive_tests_run_on_two_labs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs wait for each other: one after the other, neither would end."""
    wait = "import pathlib, time\npathlib.Path({!r}).touch()\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.05)\n"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    entered = "assert (os.environ['ENTERED'], bool(os.environ['LEFT'])) == ('t', True)\nprint('3 passed in 1s')"
    codes = {
        "shared": wait.format(one, two) + "print('1 passed in 1s')",
        "exclusive": "print('2 passed in 1s')",
        "twin": "import os\n" + wait.format(two, one) + entered,
    }
    done = on_two(tmp_path, codes, monkeypatch)
    assert (done.ok, done.closing) == (True, ("1 passed in 1s", "2 passed in 1s", "3 passed in 1s"))


@pytest.mark.parametrize("failing", ["shared", "exclusive", "twin"])
def test_a_failure_on_either_lab_fails_the_tier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    codes = dict.fromkeys(("shared", "exclusive", "twin"), "pass") | {failing: "raise SystemExit(1)"}
    done = on_two(tmp_path, codes, monkeypatch)
    assert (done.ok, bool(done.log)) == (False, True)


@pytest.mark.parametrize(("keep_going", "ran"), [(False, False), (True, True)])
def test_after_a_failed_lane_the_next_one_runs_where_it_is_to_keep_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_going: bool, ran: bool
) -> None:
    left = tmp_path / "exclusive"
    codes = {"shared": "raise SystemExit(1)", "exclusive": f"open({str(left)!r}, 'w')", "twin": "pass"}
    assert not on_two(tmp_path, codes, monkeypatch, keep_going=keep_going).ok
    assert left.exists() is ran


def test_the_browser_has_a_lab_of_its_own_beside_the_exclusive_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser waits for an exclusive run, and that one for it; both find the shared lane ended."""
    ended, one, two = (str(tmp_path / name) for name in ("ended", "one", "two"))
    wait = "import pathlib, time\nassert pathlib.Path({!r}).exists()\npathlib.Path({!r}).touch()\n"
    wait += "while not pathlib.Path({!r}).exists(): time.sleep(0.05)\n"
    codes = {
        "shared": f"import pathlib; pathlib.Path({ended!r}).touch()",
        "exclusive": wait.format(ended, one, two) + "print('2 passed in 1s')",
        "twin": "print('3 passed in 1s')",
        "browser": wait.format(ended, two, one) + "import os\nassert os.environ['ENTERED'] == 'w'\nprint('4 passed')",
    }
    stack, browser = on_labs(tmp_path, codes, monkeypatch, ["stack", "browser"])
    assert (stack.tier, stack.ok, stack.closing) == ("stack", True, ("", "2 passed in 1s", "3 passed in 1s"))
    assert (browser.tier, browser.ok, browser.closing) == ("browser", True, ("4 passed",))


def test_with_many_processors_the_browser_runs_beside_the_shared_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two wait for each other: one after the other, neither would end."""
    wait = "import pathlib, time\npathlib.Path({!r}).touch()\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.05)\n"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    codes = dict.fromkeys(("exclusive", "twin"), "pass")
    codes |= {"shared": wait.format(one, two), "browser": wait.format(two, one)}
    found = on_labs(tmp_path, codes, monkeypatch, ["stack", "browser"], processors=gate.PLENTY)
    assert [(outcome.tier, outcome.ok) for outcome in found] == [("stack", True), ("browser", True)]


@pytest.mark.parametrize(("keep_going", "tiers"), [(False, ["stack"]), (True, ["stack", "browser"])])
def test_no_browser_begins_after_a_failed_lane_unless_it_is_to_keep_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep_going: bool, tiers: list[str]
) -> None:
    codes = dict.fromkeys(("exclusive", "twin", "browser"), "pass") | {"shared": "raise SystemExit(1)"}
    found = on_labs(tmp_path, codes, monkeypatch, ["stack", "browser"], keep_going=keep_going)
    assert [(one.tier, one.ok) for one in found] == [(tier, tier == "browser") for tier in tiers]


def test_a_tier_that_keeps_going_shows_the_log_of_its_first_failure() -> None:
    checks = [
        python("print('==== 1 failed in 1s ====')\nraise SystemExit(1)"),
        python("print('==== 2 passed in 1s ====')"),
    ]
    done = gate.run_streamed("unit", checks, Progress(quiet=True), keep_going=True)
    assert (done.ok, done.closing) == (False, ("==== 1 failed in 1s ====", "==== 2 passed in 1s ===="))
    assert done.log and done.log != gate.run_streamed("unit", checks[1:], Progress(quiet=True)).log


def test_every_exclusive_file_runs_on_one_of_the_labs() -> None:
    files = lanes.exclusive()
    first, second = lanes.parted(files, gate.timings.budgets())
    assert sorted(first + second) == files
    assert min(len(first), len(second)) > 3


def test_a_part_of_the_tests_needs_no_second_lab() -> None:
    assert checks.Plan(["stack"]).whole
    assert not any(plan.whole for plan in (
        checks.Plan(["stack"], full=True), checks.Plan(["stack"], expression="spam"), checks.Plan(["stack"], files=[]),
    ))  # fmt: skip


def test_long_tests_run_only_when_asked() -> None:
    assert "not full" in checks.pytest_check("stack").words
    assert "not full" not in checks.pytest_check("stack", full=True).words
    assert checks.pytest_check("stack", expression="spam").words[-2:] == ("-k", "spam")


def test_the_fleet_has_a_lab_of_its_own_and_waits_to_be_asked() -> None:
    assert "fleet" not in checks.usual(full=False)
    assert set(checks.usual(full=True)) == set(checks.TIERS) == {*checks.usual(full=False), "fleet"}
    (check,) = checks.checks_of("fleet")
    assert check.env["MALLEPOSTE_INVENTORY"] == str(ROOT / "inventories/fleet")
    assert not any("MALLEPOSTE_INVENTORY" in one.env for one in checks.checks_of("stack"))


def test_chosen_files_run_in_their_lane_and_tiers_without_any_do_not() -> None:
    files = ["tests/stack/exclusive/mail/test_crash.py", "tests/unit/test_run.py"]
    (crash,) = checks.checks_of("stack", files=files)
    assert [word for word in crash.words if "test_" in word] == files[:1]
    assert not checks.checks_of("browser", files=files)


def test_every_shell_script_is_linted() -> None:
    assert {"malleposte", ".ci/run"} <= set(checks.shell_scripts())
    assert not [name for name in checks.shell_scripts() if name.startswith((".venv", "var/"))]


def test_nothing_is_skipped_by_ansible_lint() -> None:
    settings = (ROOT / ".ansible-lint").read_text()
    assert "profile: production" in settings
    assert "skip_list" not in settings
    assert "warn_list" not in settings
