"""The gate: every tier of tests as programs to run, cheapest first."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.paths import ROOT, VENV_BIN, new_log, shown
from malleposte.progress import Progress, duration
from malleposte.run import Finished, stream

TIERS = ("lint", "unit", "architecture", "molecule", "stack", "browser")
"""Cheapest first; the last three need root, since they run on the lab's hosts."""

PYTEST = {"unit", "architecture", "stack", "browser"}
NO_TESTS_COLLECTED = 5
CLOSING_WORDS = (" passed", " failed", " error", " no tests ran")


@dataclass(frozen=True)
class Check:
    """One program of a tier."""

    name: str
    words: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a tier went: its closing line is what its runner said last."""

    tier: str
    ok: bool
    seconds: float
    closing: str
    log: str = ""


def tool(name: str, *words: str) -> tuple[str, ...]:
    """The words that call a program of the virtual environment."""
    return (str(VENV_BIN / name), *words)


def python_paths() -> list[str]:
    """What mypy reads: the folders that hold Python of ours."""
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
        with path.open("rb") as handle:
            first = handle.readline(80)
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
        Check("imports", tool("lint-imports", "--no-cache"), {"PYTHONPATH": str(ROOT / "cli")}),
    ]


def pytest_check(tier: str, *, full: bool = False, expression: str | None = None) -> Check:
    """The pytest call of a tier; the long tests only with `full`."""
    words = ["-m", "pytest", f"tests/{tier}", "--durations=20", "--durations-min=5"]
    if tier in ("unit", "architecture"):
        words += ["-n", "2"]
    if not full:
        words += ["-m", "not full"]
    if expression:
        words += ["-k", expression]
    return Check(tier, tool("python", *words))


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


def run_lint(progress: Progress) -> Outcome:
    """Runs every linter, two at a time; shows the output of those that complain."""
    begun = progress.elapsed
    log = new_log("test-lint")

    def one(check: Check) -> tuple[Check, Finished, Path]:
        own = log.with_name(f"{log.stem}-{check.name}.log")
        return check, stream(check.words, own, env=check.env, keep=400), own

    checks = lint_checks()
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for check, done, own in pool.map(one, checks):
            progress.say(f"lint: {check.name}: {'ok' if done.code == 0 else 'FAILED'}")
            if done.code != 0:
                failed.append(check.name)
                print("\n".join(done.tail), flush=True)
                progress.say(f"lint: {check.name}: all of it in {shown(own)}")
    closing = f"lint: {len(checks) - len(failed)} of {len(checks)} linters content"
    if failed:
        closing += f", not {', '.join(failed)}"
    return Outcome("lint", not failed, progress.elapsed - begun, closing)


def run_streamed(tier: str, checks: Sequence[Check], progress: Progress) -> Outcome:
    """Runs programs one after the other, their output on the screen; stops at the first that fails."""
    begun = progress.elapsed
    closing = "nothing to run yet"
    for check in checks:
        log = new_log(f"test-{check.name}")
        done = stream(check.words, log, copy=sys.stdout, env=check.env)
        closing = closing_line(done)
        if done.code == NO_TESTS_COLLECTED and tier in PYTEST:
            continue
        if done.code != 0:
            return Outcome(tier, False, progress.elapsed - begun, closing, shown(log))
    return Outcome(tier, True, progress.elapsed - begun, closing)


def checks_of(tier: str, *, full: bool, expression: str | None) -> list[Check]:
    """The programs of a tier other than lint."""
    if tier == "molecule":
        return [Check(f"molecule-{name}", tool("molecule", "test", "-s", name)) for name in scenarios()]
    return [pytest_check(tier, full=full, expression=expression)] if has_tests(tier) else []


def run(
    tiers: Sequence[str],
    progress: Progress,
    *,
    full: bool = False,
    expression: str | None = None,
    keep_going: bool = False,
    prepare: Callable[[str], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Runs the tiers in the order of TIERS; stops after the first that fails unless `keep_going`.

    `prepare` is called before each tier, to bring up what it needs; what it raises passes through.
    """
    for tier in (name for name in TIERS if name in tiers):
        progress.say(f"tier {tier}")
        if tier == "lint":
            outcome = run_lint(progress)
        else:
            checks = checks_of(tier, full=full, expression=expression)
            if checks:
                prepare(tier)
            outcome = run_streamed(tier, checks, progress)
        yield outcome
        if not outcome.ok and not keep_going:
            return


def closing_report(outcomes: Sequence[Outcome]) -> list[str]:
    """A line a tier, then each runner's closing line by itself, as it was."""
    lines = [""]
    for outcome in outcomes:
        log = f"  log {outcome.log}" if outcome.log else ""
        lines.append(f"{'ok' if outcome.ok else 'FAILED':<7}{outcome.tier:<13}{duration(outcome.seconds):>13}{log}")
    lines += [outcome.closing for outcome in outcomes if outcome.closing]
    return lines
