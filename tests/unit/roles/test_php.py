"""PHP of the roles: a role installs the files that it has, and PHP, where it is installed, can read them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted(path for kind in ("php", "inc") for path in ROOT.glob(f"roles/*/files/**/*.{kind}"))


def test_each_file_of_a_plugin_is_installed() -> None:
    for role in {path.relative_to(ROOT / "roles").parts[0] for path in FILES}:
        home = ROOT / "roles" / role
        named = "".join(path.read_text("utf-8") for part in ("tasks", "vars") for path in (home / part).glob("*.yml"))
        installed = set(re.findall(r"lookup\('ansible\.builtin\.file', '([^']+)'", named))
        held = {str(path.relative_to(home / "files")) for path in (home / "files").rglob("*") if path.is_file()}
        assert held == installed


def test_the_deploy_has_php_read_each_file() -> None:
    """A file that PHP refuses is not put into place."""
    for role in {path.relative_to(ROOT / "roles").parts[0] for path in FILES}:
        home = ROOT / "roles" / role
        lines = [
            line.strip()
            for part in ("tasks", "vars")
            for path in sorted((home / part).glob("*.yml"))
            for line in path.read_text("utf-8").splitlines()
        ]
        laid = [
            number
            for number, line in enumerate(lines)
            if re.search(r"lookup\('ansible\.builtin\.file', '[^']+\.(php|inc)'", line)
        ]
        assert len(laid) == len([path for path in FILES if path.is_relative_to(home)])
        assert [lines[number] for number in laid if "validate: php -l %s" not in lines[number + 1 : number + 3]] == []


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed here; the deploy checks each file")
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_php_reads_it(path: Path) -> None:
    done = subprocess.run(["php", "-l", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
