"""A command that prints letters is killed on the host."""

import json
import subprocess

from malleposte.core.paths import ROOT

from tests.stack.support.accounts_cli import ENVIRONMENT, Cli
from tests.stack.support.letters import digests


def test_a_broken_way_leaves_no_letter(site, typed, lettered, tmp_path):
    """The host's part is killed between issuing and printing: what was issued is void once it is run again."""
    argv = Cli(site).argv("letters", "--out", tmp_path / "l", *lettered)
    with subprocess.Popen(argv, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        while not any(digests(site).values()) and process.poll() is None:
            pass
        site.run("mail1", "kill -9 $(pgrep -f 'accounts letters --ta[r]')", check=False)
        process.communicate()
    if process.returncode:
        assert not (tmp_path / "l").exists()
    lost = {digest for digest in digests(site).values() if digest}
    assert lost
    told = json.loads(typed("letters", *lettered, "--out", tmp_path / "l2", "--json").stdout)
    assert (told["letters"], told["revoked"]) == (12, len(lost))
    assert not lost & set(digests(site).values())
