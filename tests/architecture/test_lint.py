"""The linters pass over nothing that is theirs."""

import subprocess

import pathspec
import yaml

from .conftest import ROOT


def test_ansible_lint_leaves_out_no_yaml_and_no_plugin() -> None:
    config = yaml.safe_load((ROOT / ".ansible-lint").read_text("utf-8"))
    left_out = pathspec.GitIgnoreSpec.from_lines(config["exclude_paths"])
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert left_out.match_file("cli/malleposte/__main__.py") and "cli/malleposte/__main__.py" in files
    theirs = [name for name in files if name.startswith("plugins/") or name.endswith((".yml", ".yaml"))]
    assert [name for name in theirs if left_out.match_file(name)] == []
