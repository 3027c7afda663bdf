"""The code that all tasks of a deploy share is there before a task's process is forked, and needs no second load."""

import subprocess
import sys
from pathlib import Path

import pytest
from malleposte.core.paths import ROOT

PACKAGE = "ansible_collections.academie.malleposte.plugins"
WORDS = """
import sys
from pathlib import Path

import ansible.plugins.loader as loader

loader.init_plugin_loader()
from {package}.plugin_utils import preload, toolkit

if sys.argv[2] == "preload":
    preload.preload(Path(sys.argv[1]))
from {package}.filter import facts

names = {{name.rpartition(".")[2] for name in sys.modules if name.startswith("{package}.filter.")}}
print(len(names), facts.specs.cache_info().currsize, toolkit.imported.cache_info().currsize > 0)
"""


def told(folder: Path, word: str) -> list[str]:
    """The number of files of filters that are loaded, that of specs that are read, and whether programs are known."""
    words = [sys.executable, "-c", WORDS.format(package=PACKAGE), str(folder), word]
    environment = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "HOME": str(folder)}
    run = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_filters_specs_and_the_package_are_there_before_the_first_task(tmp_path: Path) -> None:
    files = len(list((ROOT / "plugins" / "filter").glob("*.py")))
    assert told(tmp_path, "nothing") == ["1", "0", "False"]
    assert not list(tmp_path.glob("*.pyz"))
    assert told(tmp_path, "preload") == [str(files), "1", "True"]
    assert [path.name for path in tmp_path.glob("*.pyz")] == ["malleposte.pyz"]


@pytest.mark.full
def test_a_folder_that_is_not_there_ends_no_deploy(tmp_path: Path) -> None:
    """The task that lays the package fails then, and names the folder."""
    assert told(tmp_path, "preload")[2] == "True"
    assert told(tmp_path / "away", "preload")[2] == "True"
