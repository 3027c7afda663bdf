"""The portal's processes: what is loaded before they are forked is one memory for all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from malleposte.core.paths import ROOT

SERVER = """
class BaseApplication:
    def run(self):
        import gc, os, sys
        made = self.load()
        if "thawed" in sys.argv:
            gc.unfreeze()
        if os.fork() == 0:
            gc.collect()
            rollup = open("/proc/self/smaps_rollup").read()
            print(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Private_Dirty")), flush=True)
            os._exit(0)
        os.wait()
"""
APPLICATION = """
def create_app():
    return [{"a": [n]} for n in range(200_000)]
"""
START = "import sys; from malleposte.daemons import portal; sys.exit(portal.main(['2', '8']))"


def private(folder: Path, *words: str) -> int:
    """Memory of a worker's own after a collection of garbage, in kB."""
    path = f"{folder}:{ROOT / 'cli'}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", START, *words],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_a_collection_of_garbage_copies_nothing_of_what_the_workers_share(tmp_path: Path) -> None:
    (tmp_path / "gunicorn/app").mkdir(parents=True)
    for name, text in (("__init__.py", ""), ("app/__init__.py", ""), ("app/base.py", SERVER)):
        (tmp_path / "gunicorn" / name).write_text(text, "utf-8")
    (tmp_path / "malleposte_portal.py").write_text(APPLICATION, "utf-8")
    assert private(tmp_path) * 4 < private(tmp_path, "thawed")
