"""PHP of the roles: a role installs the files that it has, and PHP, where it is installed, can read them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted(path for kind in ("php", "inc") for path in ROOT.glob(f"roles/*/files/**/*.{kind}"))


def laid(role: Path) -> dict[str, dict[str, str]]:
    """The folders that a role lays whole, each with its checks by the endings of names."""

    def entries(node: Any) -> Iterator[tuple[str, dict[str, str]]]:
        if isinstance(node, dict) and "folder" in node:
            yield node["folder"], node.get("validate", {})
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from entries(child)

    documents = (
        yaml.safe_load(path.read_text("utf-8")) for part in ("tasks", "vars") for path in (role / part).glob("*.yml")
    )
    return dict(pair for document in documents for pair in entries(document))


def test_each_file_of_a_plugin_is_installed_and_the_deploy_has_php_read_it() -> None:
    """A file that PHP refuses is not put into place."""
    for role in {ROOT / "roles" / path.relative_to(ROOT / "roles").parts[0] for path in FILES}:
        folders = laid(role)
        for path in FILES:
            if path.is_relative_to(role):
                folder = path.relative_to(role / "files").parts[0]
                assert folders[folder][path.suffix.removeprefix(".")] == "php -l %s", path


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed here; the deploy checks each file")
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_php_reads_it(path: Path) -> None:
    done = subprocess.run(["php", "-l", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
