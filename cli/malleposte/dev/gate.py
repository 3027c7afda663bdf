"""The gate: every tier of tests as programs to run, cheapest first."""

import functools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.core.paths import FLEET_INVENTORY, ROOT, VENV_BIN, new_log, shown
from malleposte.core.progress import Progress, duration
from malleposte.core.run import Finished, stream
from malleposte.dev import lanes, timings, unsteady

CHEAP = ("lint", "unit", "architecture", "molecule")
"""The tiers that do not need the lab; the last has a host of its own and needs root."""
ON_LAB = ("stack", "browser", "fleet")
"""The tiers that need a lab. The last has one of its own, of the platform split over hosts."""
LONG = ("fleet",)
"""The tiers that run only by their name, or in a full run."""
TIERS = (*CHEAP, *ON_LAB)
"""Cheapest first."""

PYTEST = {"unit", "architecture", "stack", "browser", "fleet"}
LANES = ("shared", "exclusive")
"""Of the tier stack: tests that run beside each other on one lab, then those that must be alone on it."""
TWIN = "stack-exclusive-twin"
"""The run of the exclusive tests on the second lab."""
Further = Callable[[str], lanes.Second | None]
"""Makes a further lab, `lanes.TWIN` or `lanes.WINDOWS`; None where there is none to be had."""
ANYWHERE = tuple(
    f"tests/stack/shared/{subject}/test_{name}.py"
    for subject, names in {
        "accounts": ("devices", "record"),
        "groupware": ("calendars", "sogo_sign_on"),
        "portal": ("desk", "portal_log_in"),
        "sso": ("second_factors", "sso_command"),
        "webmail": ("roundcube_sign_on",),
    }.items()
    for name in names
)
"""Tests of the stack that ask for hosts by their groups: the tier fleet runs them too, where services are apart."""
SHARED_WORKERS = 4
"""The shared tests wait for the hosts far more than they compute."""
BROWSER_WORKERS = 2
"""A browser and the hosts take turns to compute; tests of a file share nothing with those of another."""
TESTS_FAILED, NO_TESTS_COLLECTED = 1, 5
"""Exit codes of pytest."""
CLOSING_WORDS = (" passed", " failed", " error", " no tests ran")


@dataclass(frozen=True)
class Check:
    """One program of a tier."""

    name: str
    words: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    undo: tuple[str, ...] = ()
    """The command that cleans up after a tier that is ended in the middle."""


@dataclass(frozen=True)
class Outcome:
    """The result of a tier; `closing` is the last line of each of its runners."""

    tier: str
    ok: bool
    seconds: float
    closing: tuple[str, ...] = ()
    log: str = ""


def tool(name: str, *words: str) -> tuple[str, ...]:
    """The words that call a program of the virtual environment."""
    return (str(VENV_BIN / name), *words)


def python_paths() -> list[str]:
    """The folders for mypy: those that hold Python of the project."""
    names = ("cli/malleposte", "plugins", "portal", "tests/bench", "tests/stack/support", "tests/browser/support")
    return [name for name in names if any((ROOT / name).rglob("*.py"))]


def shell_scripts() -> list[str]:
    """Every shell script of the repository, by its first line or its name. Jinja templates are not shell yet."""
    skipped = {".venv", ".ansible", ".git", "var", ".cache"}
    found = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if parts[0] in skipped or path.is_symlink() or not path.is_file() or path.suffix == ".j2":
            continue
        try:
            with path.open("rb") as handle:
                first = handle.readline(80)
        except FileNotFoundError:  # the deploy beside it writes the inventory's secrets
            continue
        if path.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash", b" sh"))):
            found.append(str(path.relative_to(ROOT)))
    return found


def lint_checks() -> list[Check]:
    """The linters, the slow ones first so that two run beside each other well."""
    return [
        Check("ansible-lint", tool("ansible-lint", "--offline", "--strict", "-q"), {"NO_COLOR": "1"}),
        Check("mypy", tool("mypy", *python_paths())),
        Check("shellcheck", tool("shellcheck", *shell_scripts())),
        Check("codespell", tool("codespell")),
        Check("yamllint", tool("yamllint", "--strict", ".")),
        Check("ruff", tool("ruff", "check", "--quiet", ".")),
        Check("format", tool("ruff", "format", "--check", "--quiet", ".")),
        Check("imports", tool("lint-imports", "--no-cache"), {"PYTHONPATH": str(ROOT / "cli")}),
    ]


def pytest_check(
    tier: str, lane: str = "", *, paths: Sequence[str] = (), full: bool = False, expression: str | None = None
) -> Check:
    """The pytest call of a tier, or of a lane of it; the long tests only with `full`."""
    name = "-".join(filter(None, (tier, lane)))
    words = ["-m", "pytest", *(paths or [f"tests/{tier}"]), "--durations=20", "--durations-min=5"]
    if tier in ("unit", "architecture"):
        words += ["-n", "2"]
    if tier == "browser":
        words += ["-n", str(BROWSER_WORKERS), "--dist", "loadfile"]
    if lane == "shared":
        words += ["-n", str(SHARED_WORKERS), "--dist", "loadscope", "--no-loadscope-reorder"]
    if not full:
        words += ["-m", "not full"]
    if expression:
        words += ["-k", expression]
    env = {timings.VARIABLE: str(timings.FOLDER / f"{name}.json")}
    if tier == "fleet":
        env["MALLEPOSTE_INVENTORY"] = str(FLEET_INVENTORY)
    return Check(name, tool("python", *words), env)


def usual(full: bool) -> tuple[str, ...]:
    """The tiers that run when none is named."""
    return TIERS if full else tuple(tier for tier in TIERS if tier not in LONG)


def has_tests(tier: str) -> bool:
    """Whether the tier has any test file yet."""
    return any((ROOT / "tests" / tier).rglob("test_*.py"))


def scenarios() -> list[str]:
    """The molecule scenarios."""
    return sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))


def closing_line(done: Finished) -> str:
    """The runner's own summary, such as pytest's `=== 12 passed in 3.4s ===`; else the last line."""
    for line in reversed(done.tail):
        if any(word in line for word in CLOSING_WORDS):
            return line
    return done.tail[-1] if done.tail else ""


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
    log = new_log("test-lint")
    aside = aside or Aside()

    def one(check: Check) -> tuple[Check, Finished, Path]:
        own = log.with_name(f"{log.stem}-{check.name}.log")
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

    A few tests on the lab that fail run once more by themselves, and the closing lines name them (`unsteady`).
    The output is on the screen as it comes; beside other work (`aside`) only that of a program that fails.
    """
    begun = progress.elapsed
    closing: list[str] = []
    failed = ""

    def program(words: Sequence[str], log: Path, env: Mapping[str, str]) -> Finished:
        if aside is None:
            return stream(words, log, copy=sys.stdout, env=env)
        return stream(words, log, env=env, keep=400, begun=aside.begun)

    for check in checks:
        log = new_log(f"test-{check.name}")
        timings.forget(check.name)
        done = program(check.words, log, check.env)
        if aside is not None and aside.stopped and check.undo:
            stream(check.undo, log)
        closing.append(closing_line(done))
        if done.code == NO_TESTS_COLLECTED and tier in PYTEST:
            continue
        names = []
        if done.code == TESTS_FAILED and tier in ON_LAB:
            names = unsteady.failed_tests(done.tail, closing[-1])
        if 0 < len(names) <= unsteady.MOST:
            progress.say(f"{check.name}: once more, alone: {', '.join(names)}")
            env = {key: value for key, value in check.env.items() if key != timings.VARIABLE}
            log = new_log(f"test-{check.name}-again")
            done = program(unsteady.again(check.words, names), log, env)
            closing += [*unsteady.told(names, ok=done.code == 0), closing_line(done)]
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
    the third, which `windows` makes at the end of the shared lane: that lane alone keeps two processors busy. The
    output of the further labs is on the screen only when they failed.
    """
    here, there = lanes.parted(lanes.exclusive(), timings.budgets())
    own, other = pytest_check("stack", "exclusive", paths=here), pytest_check("stack", "exclusive", paths=there)
    with ThreadPoolExecutor(2) as pool:
        future = pool.submit(run_streamed, "stack", [elsewhere(other, twin, TWIN)], progress, Aside())
        parts = [run_streamed("stack", checks["stack"][:1], progress)]
        browser = None
        if parts[0].ok or keep_going:
            if (third := windows()) is not None:
                shown = [elsewhere(check, third) for check in checks["browser"]]
                browser = pool.submit(run_streamed, "browser", shown, progress, Aside())
            parts.append(run_streamed("stack", [own], progress))
        beside = future.result()
    logs = [one.log for one in (*parts, beside) if one.log]
    closing = sum((one.closing for one in (*parts, beside)), ())
    seconds = max(sum(one.seconds for one in parts), beside.seconds)
    stack = Outcome("stack", not logs, seconds, closing, logs[0] if logs else "")
    return [stack, *([browser.result()] if browser is not None else [])]


def checks_of(
    tier: str, *, full: bool = False, expression: str | None = None, files: Sequence[str] | None = None
) -> list[Check]:
    """The programs of a tier other than lint; of the test files in `files` alone, unless it is None."""
    if tier == "molecule":
        undo = tool("molecule", "destroy", "-s")
        return [
            Check(f"molecule-{name}", tool("molecule", "test", "-s", name), undo=(*undo, name)) for name in scenarios()
        ]
    if not has_tests(tier):
        return []
    found = []
    for lane in LANES if tier == "stack" else ("",):
        folder = "/".join(filter(None, ("tests", tier, lane)))
        chosen = [folder, *(ANYWHERE if tier == "fleet" else ())]
        paths = chosen if files is None else [name for name in files if name.startswith(f"{folder}/")]
        if paths:
            found.append(pytest_check(tier, lane, paths=paths, full=full, expression=expression))
    return found


@dataclass
class Plan:
    """The tiers to run, in the order of TIERS, and the options."""

    tiers: Sequence[str]
    full: bool = False
    expression: str | None = None
    keep_going: bool = False
    files: Sequence[str] | None = None
    """Test files that are chosen; all when None."""

    def checks(self, tier: str) -> list[Check]:
        """The programs of a tier other than lint."""
        return checks_of(tier, full=self.full, expression=self.expression, files=self.files)

    @property
    def whole(self) -> bool:
        """Whether every test of the usual run is chosen, none of the long ones."""
        return not self.full and self.expression is None and self.files is None

    def chosen(self, among: Sequence[str]) -> list[str]:
        """The tiers to run of some."""
        return [tier for tier in TIERS if tier in among and tier in self.tiers]


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

    def all_of_them() -> list[Outcome]:
        found = []
        for outcome in run_each(plan, tiers, progress, aside=aside):
            found.append(outcome)
            if not aside.stopped:
                progress.say(f"tier {outcome.tier}: {'ok' if outcome.ok else 'FAILED'}: {' '.join(outcome.closing)}")
        return found

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
