"""The programs of each tier of tests, cheapest first, and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from malleposte.core.paths import FLEET_INVENTORY, ROOT, VENV_BIN
from malleposte.dev import timings

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
ONCE_MORE = ("--reruns=1", "--max-suite-reruns=1", "-raR")
"""On the lab, the first test of a run that fails is tried again: hosts share two cores with tests, and one may meet
what another provoked. It is named in the closing lines, and must be mended. A second one that fails is a fault."""
BROWSER_WORKERS = 2
"""A browser and the hosts take turns to compute; tests of a file share nothing with those of another."""


@dataclass(frozen=True)
class Check:
    """One program of a tier."""

    name: str
    words: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    undo: tuple[str, ...] = ()
    """The command that cleans up after a tier that is ended in the middle."""


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
    scripts = []
    for folder, folders, files in ROOT.walk():
        folders[:] = [name for name in folders if folder != ROOT or name not in skipped]
        for path in (folder / name for name in files):
            if path.is_symlink() or not path.is_file() or path.suffix == ".j2":
                continue
            try:
                with path.open("rb") as handle:
                    first = handle.readline(80)
            except FileNotFoundError:  # the deploy beside it writes the inventory's secrets
                continue
            if path.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash", b" sh"))):
                scripts.append(str(path.relative_to(ROOT)))
    return sorted(scripts)


def lint_checks() -> list[Check]:
    """The linters, the slow ones first so that two run beside each other well."""
    return [
        Check(
            "ansible-lint",
            tool("python", "-m", "malleposte.dev.ansible_lint", "--offline", "--strict", "-q"),
            {"NO_COLOR": "1"},
        ),
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
        # One worker reads all that the tests of a file share, such as an inventory with all its variables.
        words += ["-n", "2", "--dist", "loadfile", *(["--no-loadscope-reorder"] if tier == "unit" else [])]
    if tier == "browser":
        words += ["-n", str(BROWSER_WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]
    if lane == "shared":
        words += ["-n", str(SHARED_WORKERS), "--dist", "loadscope", "--no-loadscope-reorder"]
    if tier in ON_LAB:
        words += ONCE_MORE
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
    checks = []
    for lane in LANES if tier == "stack" else ("",):
        folder = "/".join(filter(None, ("tests", tier, lane)))
        chosen = [folder, *(ANYWHERE if tier == "fleet" else ())]
        paths = chosen if files is None else [name for name in files if name.startswith(f"{folder}/")]
        if paths:
            checks.append(pytest_check(tier, lane, paths=paths, full=full, expression=expression))
    return checks


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
