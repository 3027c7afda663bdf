"""A command that prints letters is killed on the host."""

import functools
import json
import subprocess

import pytest
from malleposte.paths import ROOT

from tests.stack.support.accounts_cli import ENVIRONMENT, Cli
from tests.stack.support.letters import MARK, digests
from tests.support import academy


@pytest.fixture
def cli(site):
    """Run `malleposte accounts …` from the controller; what comes back is bytes."""
    return functools.partial(Cli(site).typed, given=b"")


@pytest.fixture
def agents(site, cli, tmp_path):
    """Twelve agents of three schools, imported; gone at the end."""
    rows = tuple((row[0], f"{MARK}-{row[1]}", *row[2:9], "") for row in academy.academy(12, 3, seed=9).agents)
    path = tmp_path / "agents.csv"
    path.write_bytes(academy.render(academy.HEADER, rows))
    assert cli("import", path, "--yes").returncode == 0
    yield digests(site)
    left = "\n".join(f"uid={uid},ou=people,{site.place.suffix}" for uid in digests(site))
    site.run("mail1", "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given=left + "\n")


def test_a_broken_way_leaves_no_letter(site, cli, agents, tmp_path):
    """The host's part is killed between issuing and printing: what was issued is void once it is run again."""
    argv = Cli(site).argv("letters", "--out", tmp_path / "l", *agents)
    with subprocess.Popen(argv, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        while not any(digests(site).values()) and process.poll() is None:
            pass
        site.run("mail1", "kill -9 $(pgrep -f 'accounts letters --ta[r]')", check=False)
        process.communicate()
    if process.returncode:
        assert not (tmp_path / "l").exists()
    lost = {digest for digest in digests(site).values() if digest}
    assert lost
    told = json.loads(cli("letters", *agents, "--out", tmp_path / "l2", "--json").stdout)
    assert (told["letters"], told["revoked"]) == (12, len(lost))
    assert not lost & set(digests(site).values())
