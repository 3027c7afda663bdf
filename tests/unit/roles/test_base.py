"""The policy that keeps packages quiet ends by itself: an interrupted run leaves nothing that lasts."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from malleposte.core.paths import ROOT

POLICY = yaml.safe_load((ROOT / "roles/base/vars/main.yml").read_text("utf-8"))["__base_quiet_policy"]
FORBIDDEN, ALLOWED = 101, 0


@pytest.mark.parametrize(
    ("minutes", "answer", "stays"), [(0, FORBIDDEN, True), (25, FORBIDDEN, True), (45, ALLOWED, False)]
)
def test_packages_start_nothing_for_half_an_hour_and_then_the_policy_goes(
    tmp_path: Path, minutes: int, answer: int, stays: bool
) -> None:
    path = tmp_path / "policy-rc.d"
    path.write_text(POLICY)
    path.chmod(0o755)
    then = time.time() - minutes * 60
    os.utime(path, (then, then))
    assert subprocess.run([path, "nginx", "start"], check=False).returncode == answer
    assert path.exists() is stays
