"""The collection as it would be installed elsewhere: built, installed, and used from there."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT


def run(*command: str, **environment: str) -> str:
    env = {**os.environ, **environment}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_installed_collection_works(tmp_path: Path) -> None:
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    run(galaxy, "collection", "build", "--output-path", str(tmp_path))
    (archive,) = tmp_path.glob("academie-malleposte-*.tar.gz")
    target = tmp_path / "collections"
    run(galaxy, "collection", "install", "--offline", "--force", str(archive), "-p", str(target))
    installed = target / "ansible_collections/academie/malleposte"
    dangling = [path for path in installed.rglob("*") if path.is_symlink() and not path.exists()]
    assert dangling == []
    assert not (installed / "inventories/lab/secrets").exists()
    module = "ansible_collections.academie.malleposte.plugins.module_utils.policy.rules"
    code = f"import {module} as rules; print(rules.__file__)"
    assert str(target) in run(sys.executable, "-c", code, PYTHONPATH=str(target))
    doc = str(Path(sys.executable).with_name("ansible-doc"))
    assert "config_set" in run(doc, "academie.malleposte.config_set", ANSIBLE_COLLECTIONS_PATH=str(target))
