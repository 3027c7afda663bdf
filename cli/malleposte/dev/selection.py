"""Select the test files that concern the changes of the working tree: by names and imports, cheap, and reported.

It is for work in progress: what it leaves out may break all the same, so the whole gate comes before a push.
"""

import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from malleposte.core.errors import MallepostError
from malleposte.core.paths import ROOT

BASE = "main"
TIERS = ("unit", "architecture", "stack", "browser", "fleet")
_TEST = re.compile(r"`([\w./*-]*test_[\w*-]+\.py|tests/browser/)`")


def git(*words: str) -> list[str]:
    """Lines that git prints, in the checkout. Raises MallepostError with its last word."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no answer"]
        raise MallepostError(f"git {words[0]}: {lines[-1]}", "`test --changed` needs a clone with the branch main")
    return done.stdout.splitlines()


def changed_paths() -> list[str]:
    """Return the paths that differ from the start of this branch: committed, staged, unstaged, and new files."""
    (fork,) = git("merge-base", BASE, "HEAD")
    return sorted({*git("diff", "--name-only", fork), *git("ls-files", "--others", "--exclude-standard")})


def test_files() -> dict[str, str]:
    """Every test file of the tiers, by its path, with its text."""
    paths = (path for tier in TIERS for path in sorted((ROOT / "tests" / tier).rglob("test_*.py")))
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def said_by_role(role: str, paths: Iterable[str]) -> set[str]:
    """The tests that a role's README names, by their path or name, and those that bear the role's name."""
    readme = ROOT / "roles" / role / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    named = [name.rpartition("tests/")[2] for name in _TEST.findall(text)]
    names = {one for one in named if not one.endswith("/")} | {f"test_{role}.py"}
    folders = [f"tests/{one}" for one in named if one.endswith("/")]
    return {
        path
        for path in paths
        if any(Path(path).match(name) for name in names) or any(path.startswith(one) for one in folders)
    }


def words_of(path: str) -> list[str]:
    """Return the words by which a test refers to a Python file: the module's dotted name, or the import of its name."""
    place = Path(path)
    parts = list(place.with_suffix("").parts)
    for top in ("cli", "portal"):
        if parts[0] == top:
            parts = parts[1:]
    if parts[0] == "plugins":
        folder, name = re.escape(parts[-2]), re.escape(parts[-1])
        return [rf"plugins\.{folder}(\.| import [^\n]*\b){name}\b", rf"academie\.malleposte\.{name}\b"]
    if parts[-1] == "__init__":
        parts = parts[:-1]
    dotted, parent, name = ".".join(parts), ".".join(parts[:-1]), parts[-1]
    return [rf"\b{re.escape(dotted)}\b", rf"from {re.escape(parent)} import [^\n]*\b{re.escape(name)}\b"]


def concerned(path: str, tests: Mapping[str, str]) -> set[str]:
    """The test files that a changed path concerns; none where only linters and architecture tests look at it."""
    parts = Path(path).parts
    if path in tests:
        return {path}
    if parts[0] == "roles" and len(parts) > 1:
        return said_by_role(parts[1], tests)
    if path.startswith("tests/") and path.endswith(".py"):
        folder = str(Path(path).parent)
        if Path(path).name == "conftest.py":
            return {name for name in tests if name.startswith(f"{folder}/")}
        return {name for name, text in tests.items() if any(re.search(word, text) for word in words_of(path))}
    if path.endswith(".py"):
        return {name for name, text in tests.items() if any(re.search(word, text) for word in words_of(path))}
    if parts[0] in ("playbooks", "inventories"):
        return {name for name in tests if Path(name).name in ("test_converge.py", "test_check.py", "test_platform.py")}
    return {test for test, text in tests.items() if path in text}


def choose(say: Callable[[str], None]) -> list[str]:
    """The test files for what changed, the architecture's always; `say` is told why each was chosen."""
    tests = test_files()
    chosen = {name for name in tests if name.startswith("tests/architecture/")}
    paths = changed_paths()
    say(f"{len(paths)} changed files since {BASE}; lint and architecture always")
    nothing = []
    for path in paths:
        files = concerned(path, tests)
        chosen |= files
        if files:
            say(f"{path}: {', '.join(sorted(one.removeprefix('tests/') for one in files))}")
        else:
            nothing.append(path)
    if nothing:
        say(f"no test of their own: {', '.join(nothing)}")
    return sorted(chosen)
