"""The gate: every tier of tests as programs to run, cheapest first."""

import functools
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from malleposte.core.paths import new_log, shown
from malleposte.core.progress import Progress, duration
from malleposte.core.run import Finished, stream
from malleposte.dev import lanes, timings
from malleposte.dev.checks import CHEAP, LANES, ON_LAB, PYTEST, Check, Plan, lint_checks, pytest_check

TWIN = "stack-exclusive-twin"
"""The run of the exclusive tests on the second lab."""
Further = Callable[[str], lanes.Second | None]
"""Makes a further lab, `lanes.TWIN` or `lanes.WINDOWS`; None where there is none to be had."""
PLENTY = 4
"""As many processors serve the shared lane and the browser side by side."""
TOGETHER = ("architecture", "molecule")
"""Cheap tiers that run at the same time: the second waits for its host more than it computes."""
NO_TESTS_COLLECTED = 5
"""An exit code of pytest."""
CLOSING_WORDS = (" passed", " failed", " error", " no tests ran")


@dataclass(frozen=True)
class Outcome:
    """The result of a tier; `closing` is the last line of each of its runners."""

    tier: str
    ok: bool
    seconds: float
    closing: tuple[str, ...] = ()
    log: str = ""


def closing_line(done: Finished) -> str:
    """The runner's own summary, such as pytest's `=== 12 passed in 3.4s ===`; else the last line."""
    for line in reversed(done.tail):
        if any(word in line for word in CLOSING_WORDS):
            return line
    return done.tail[-1] if done.tail else ""


def unsteady(lines: Sequence[str]) -> list[str]:
    """Return a closing line for each test that failed and then passed, by the summary of pytest-rerunfailures."""
    names = [line.removeprefix("RERUN ") for line in lines if line.startswith("RERUN ")]
    return [f"unsteady {name}: failed, then passed" for name in names if f"PASSED {name}" in lines]


def alarms(lines: Sequence[str]) -> list[str]:
    """Return the lines of the tests on a lab that name an alarm of the vaults (tests/stack/support/alarms.py)."""
    return [line for line in lines if line.startswith("alarm ")]


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


class Aside:
    """Programs that run beside other work: they can be ended from there."""

    def __init__(self) -> None:
        self.stopped = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def begun(self, process: subprocess.Popen[bytes]) -> None:
        """A program that has begun; it is ended at once where all was stopped already."""
        with self._lock:
            self._running.add(process)
            if self.stopped:
                process.terminate()

    def stop(self) -> None:
        """End what runs; nothing more begins."""
        with self._lock:
            self.stopped = True
            for process in self._running:
                if process.poll() is None:
                    process.terminate()


def run_lint(progress: Progress, aside: Aside | None = None) -> Outcome:
    """Runs every linter, two at a time; shows the output of those that complain."""
    begun = progress.elapsed
    aside = aside or Aside()

    def one(check: Check) -> tuple[Check, Finished, Path]:
        own = new_log(f"test-lint-{check.name}")
        if aside.stopped:
            return check, Finished(1, ("not begun",)), own
        return check, stream(check.words, own, env=check.env, keep=400, begun=aside.begun), own

    checks = lint_checks()
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for check, done, own in pool.map(one, checks):
            if aside.stopped:
                continue
            progress.say(f"lint: {check.name}: {'ok' if done.code == 0 else 'FAILED'}")
            if done.code != 0:
                failed.append(check.name)
                print("\n".join(done.tail), flush=True)
                progress.say(f"lint: {check.name}: all of it in {shown(own)}")
    closing = f"lint: {len(checks) - len(failed)} of {len(checks)} linters content"
    if failed:
        closing += f", not {', '.join(failed)}"
    return Outcome("lint", not failed, progress.elapsed - begun, (closing,))


def run_streamed(
    tier: str, checks: Sequence[Check], progress: Progress, aside: Aside | None = None, *, keep_going: bool = False
) -> Outcome:
    """Runs programs one after the other; stops at the first that fails, unless `keep_going`.

    The closing lines name a test that failed and then passed (`checks.ONCE_MORE`), and each alarm that rang.
    The output is on the screen as it comes; beside other work (`aside`) only that of a program that fails.
    """
    begun = progress.elapsed
    closing: list[str] = []
    failed = ""

    for check in checks:
        log = new_log(f"test-{check.name}")
        timings.forget(check.name)
        if aside is None:
            done = stream(check.words, log, copy=sys.stdout, env=check.env)
        else:
            done = stream(check.words, log, env=check.env, keep=400, begun=aside.begun)
        if aside is not None and aside.stopped and check.undo:
            stream(check.undo, log)
        closing += [closing_line(done), *unsteady(done.tail), *alarms(done.tail)]
        if done.code == NO_TESTS_COLLECTED and tier in PYTEST:
            continue
        if done.code != 0:
            if aside is not None and not aside.stopped:
                print("\n".join(done.tail), flush=True)
            failed = failed or shown(log)
            if not keep_going or (aside is not None and aside.stopped):
                break
    if failed:
        return Outcome(tier, False, progress.elapsed - begun, tuple(closing), failed)
    return Outcome(tier, True, progress.elapsed - begun, tuple(closing) or ("nothing to run yet",))


def elsewhere(check: Check, lab: lanes.Second, name: str = "") -> Check:
    """The same program, against a further lab; `name` is that of its run there."""
    name = name or check.name
    env = {**check.env, **lab.env, timings.VARIABLE: str(timings.FOLDER / f"{name}.json")}
    return Check(name, (*lab.enter, *check.words), env)


def run_on_labs(
    checks: Mapping[str, Sequence[Check]],
    twin: lanes.Second,
    windows: Callable[[], lanes.Second | None],
    progress: Progress,
    *,
    keep_going: bool = False,
) -> list[Outcome]:
    """Runs the tiers stack and browser on several labs, and returns the outcome of each.

    Some of the exclusive tests run on the second lab (`twin`), all others of the stack on the first. The browser has
    the third, which `windows` makes when the shared lane has ended, which keeps two processors busy; with PLENTY of
    them at once. A further lab goes as soon as its tests have passed: its hosts, at rest, take a tenth of a processor.
    What the further labs say is on the screen only when they failed.
    """
    here, there = lanes.parted(lanes.exclusive(), timings.budgets())
    own, other = pytest_check("stack", "exclusive", paths=here), pytest_check("stack", "exclusive", paths=there)
    begins: Future[bool] = Future()
    if processors() >= PLENTY:
        begins.set_result(True)

    def run_on(lab: lanes.Second, tier: str, checks: Sequence[Check]) -> Outcome:
        outcome = run_streamed(tier, checks, progress, Aside())
        if outcome.ok:
            lab.remove()
        return outcome

    def run_browser() -> Outcome | None:
        third = windows() if begins.result() else None
        if third is None:
            return None
        return run_on(third, "browser", [elsewhere(check, third) for check in checks["browser"]])

    with ThreadPoolExecutor(2) as pool:
        future = pool.submit(run_on, twin, "stack", [elsewhere(other, twin, TWIN)])
        browser = pool.submit(run_browser)
        goes_on = False
        try:
            parts = [run_streamed("stack", checks["stack"][:1], progress)]
            goes_on = parts[0].ok or keep_going
        finally:
            if not begins.done():
                begins.set_result(goes_on)
        if goes_on:
            parts.append(run_streamed("stack", [own], progress))
        beside, pages = future.result(), browser.result()
    logs = [one.log for one in (*parts, beside) if one.log]
    closing = sum((one.closing for one in (*parts, beside)), ())
    seconds = max(sum(one.seconds for one in parts), beside.seconds)
    stack = Outcome("stack", not logs, seconds, closing, logs[0] if logs else "")
    return [stack, *([pages] if pages is not None else [])]


def run(
    plan: Plan,
    progress: Progress,
    prepare: Callable[[str], None] = lambda _: None,
    second: Further = lambda _: None,
) -> Iterator[Outcome]:
    """Runs the tiers in the order of TIERS; stops after the first that fails unless `keep_going`.

    `prepare` is called before each tier that needs the lab, to bring up what it needs; what it raises passes through.
    `second` makes the further labs of the tiers stack and browser; it is called where every test of the tier is chosen.
    The tiers that do not need the lab run meanwhile: it waits more than it computes.
    """
    cheap, others = plan.chosen(CHEAP), plan.chosen(ON_LAB)
    needed = [tier for tier in others if plan.checks(tier)]
    if cheap and needed:
        outcomes = iter(run_beside(plan, cheap, progress, lambda: prepare(needed[0])))
    else:
        outcomes = run_each(plan, cheap, progress)
    failed = False
    for outcome in outcomes:
        yield outcome
        failed = failed or not outcome.ok
    if not failed or plan.keep_going:
        yield from run_each(plan, others, progress, prepare, second=second)


def run_each(
    plan: Plan,
    tiers: Sequence[str],
    progress: Progress,
    prepare: Callable[[str], None] = lambda _: None,
    aside: Aside | None = None,
    second: Further = lambda _: None,
) -> Iterator[Outcome]:
    """Runs tiers one after the other, up to the first that fails unless `keep_going`."""
    done: set[str] = set()
    for tier in tiers:
        if aside is not None and aside.stopped:
            return
        if tier in done:
            continue
        progress.say(f"tier {tier}")
        if tier == "lint":
            outcomes = [run_lint(progress, aside)]
        else:
            outcomes = run_tests(plan, tier, progress, prepare, aside, second, browser="browser" in tiers)
        yield from outcomes
        done |= {outcome.tier for outcome in outcomes}
        if not all(outcome.ok for outcome in outcomes) and not plan.keep_going:
            return


def run_tests(
    plan: Plan,
    tier: str,
    progress: Progress,
    prepare: Callable[[str], None],
    aside: Aside | None,
    second: Further,
    *,
    browser: bool,
) -> list[Outcome]:
    """Runs a tier other than lint; the stack, where all of it is chosen, on several labs, the `browser` beside it."""
    checks = {tier: plan.checks(tier)}
    if checks[tier]:
        prepare(tier)
    twin = second(lanes.TWIN) if checks[tier] and tier == "stack" and plan.whole else None
    if twin is None:
        return [run_streamed(tier, checks[tier], progress, aside, keep_going=plan.keep_going)]
    if browser:
        checks["browser"] = plan.checks("browser")
        prepare("browser")
    windows = functools.partial(second, lanes.WINDOWS) if checks.get("browser") else lambda: None
    return run_on_labs(checks, twin, windows, progress, keep_going=plan.keep_going)


def run_beside(plan: Plan, tiers: Sequence[str], progress: Progress, work: Callable[[], None]) -> list[Outcome]:
    """Runs tiers beside other work, each told of as it ends. Work that fails ends them, and its error is raised."""
    aside = Aside()

    def one(tier: str) -> list[Outcome]:
        outcomes = list(run_each(plan, [tier], progress, aside=aside))
        for outcome in outcomes:
            if not aside.stopped:
                progress.say(f"tier {tier}: {'ok' if outcome.ok else 'FAILED'}: {' '.join(outcome.closing)}")
        return outcomes

    def all_of_them() -> list[Outcome]:
        outcomes: list[Outcome] = []
        together = [tier for tier in tiers if tier in TOGETHER]
        for several in [*([tier] for tier in tiers if tier not in TOGETHER), *([together] if together else [])]:
            with ThreadPoolExecutor(len(several)) as pool:
                outcomes += itertools.chain.from_iterable(pool.map(one, several))
            if not all(outcome.ok for outcome in outcomes) and not plan.keep_going:
                break
        return outcomes

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(all_of_them)
        try:
            work()
            return future.result()
        except BaseException:
            aside.stop()
            raise


def closing_report(outcomes: Sequence[Outcome]) -> list[str]:
    """A line a tier, the slowest files, then each runner's closing line by itself, as it was."""
    lines = [""]
    for outcome in outcomes:
        log = f"  log {outcome.log}" if outcome.log else ""
        lines.append(f"{'ok' if outcome.ok else 'FAILED':<7}{outcome.tier:<13}{duration(outcome.seconds):>13}{log}")
    lines += timings.report(names for outcome in outcomes for names in runs_of(outcome.tier))
    lines += [line for outcome in outcomes for line in outcome.closing if line]
    return lines


def runs_of(tier: str) -> list[str]:
    """The names under which the runs of pytest of a tier keep their times."""
    if tier == "stack":
        return [*(f"stack-{lane}" for lane in LANES), TWIN]
    return [tier] if tier in PYTEST else []
