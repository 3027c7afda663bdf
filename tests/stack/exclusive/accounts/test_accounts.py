"""An import that loses the directory in the middle, and an apply that is killed many times."""

import json
import random
import subprocess
import zipfile
from typing import Any

import pytest
from malleposte.core.paths import ROOT

from tests.stack.support.accounts_cli import ENVIRONMENT, Cli
from tests.stack.support.feeds import MARK, people_of, written


def test_an_import_that_loses_the_directory_says_so_and_is_run_again(typed, feeds, site, tmp_path):
    feed = written(tmp_path / "a.csv", people_of(1500))
    argv, pipe = Cli(site).argv("import", feed, "--yes"), subprocess.PIPE
    with subprocess.Popen(argv, cwd=ROOT, env=ENVIRONMENT, stdout=pipe, stderr=pipe) as running:
        while not feeds.dns() and running.poll() is None:
            pass
        site.run("mail1", "kill -KILL $(systemctl show -P MainPID slapd); systemctl restart slapd")
        _out, said = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert b"the directory" in said and b"run the same again" in said, said
    assert 0 < len(feeds.dns()) < 1500
    again = json.loads(typed("import", feed, "--yes", "--json").stdout)
    assert (again["skipped"], len(feeds.dns())) == ([], 1500)


def kept_as(made: subprocess.CompletedProcess[bytes]) -> str:
    """The id of a plan, as the command says it."""
    assert made.returncode == 0, made.stderr
    return made.stderr.decode().rpartition("accounts apply ")[2].strip()


def killed_often(site: Any, words: str, ends: tuple[str, ...] = ("0", "4")) -> int:
    """Kill a command of the host at random points, ever later, until it ends by itself; how many times."""
    unit, dice = "malleposte-essai", random.Random(11)
    run = f"systemd-run -q --wait --collect --unit {unit} -p KillSignal=SIGKILL -p RuntimeMaxSec="
    for kills in range(100):
        # A command that is killed ends by 1 too.
        code = site.run(
            "mail1",
            f"{run}{dice.uniform(0.4, 1.6) * (1 + kills / 8):.2f} "
            f"sh -c 'malleposte {words}; exit $((100 + $?))' >/dev/null 2>&1; echo $?",
        )
        if code.strip() in {f"{100 + int(end)}" for end in ends}:
            return kills
    raise AssertionError(f"{words} never came to its end")


@pytest.mark.full
def test_an_apply_of_thousands_killed_many_times_ends_as_one_that_was_not(typed, feeds, site, tmp_path):
    made = typed("plan", written(tmp_path / "a.csv", people_of(3000)), "--json")
    kept, wanted = kept_as(made), json.loads(made.stdout)["counts"]["create"]
    assert killed_often(site, f"accounts apply {kept}") >= 3, "it was never interrupted"

    def state() -> list[str]:
        return sorted(feeds.search(f"(sn={MARK}*)").split("\n\n"))

    answer = json.loads(typed("apply", kept, "--json").stdout)
    assert (answer["done"] + answer["already"], answer["skipped"]) == (wanted, [])
    killed = state()
    site.run("mail1", "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given="\n".join(feeds.dns()) + "\n")
    whole = json.loads(typed("apply", kept, "--json").stdout)
    assert whole["done"] == wanted
    assert killed == state()


@pytest.mark.full
def test_a_revert_killed_many_times_leaves_nothing_and_the_log_ins_are_given_again(typed, feeds, site, tmp_path):
    """Beside it: an account that was activated meanwhile stays."""
    feed = written(tmp_path / "a.csv", people_of(2000))
    kept = kept_as(typed("plan", feed, "--json"))
    assert typed("apply", kept, "--json").returncode == 0
    everybody = sorted(feeds.dns())
    site.run(
        "mail1", "ldapmodify -Q -Y EXTERNAL -H ldapi:///",
        given=f"dn: {everybody[7]}\nchangetype: modify\nreplace: mpState\nmpState: active\n",
    )  # fmt: skip
    assert killed_often(site, f"accounts revert {kept} --yes") >= 3, "it was never interrupted"
    assert feeds.dns() == [everybody[7]]
    assert json.loads(typed("import", feed, "--yes", "--json").stdout)["skipped"] == []
    assert sorted(feeds.dns()) == everybody


@pytest.mark.full
def test_removals_of_many_killed_many_times_leave_nothing_but_their_names(typed, feeds, site, made, tmp_path):
    """All are suspended by hand, and one of them is taken up again meanwhile: that one stays."""
    assert typed("import", written(tmp_path / "a.csv", people_of(40)), "--yes", "--json").returncode == 0
    everybody = sorted(feeds.dns())
    uids = [dn.partition(",")[0].removeprefix("uid=") for dn in everybody]
    made.extend(uids)
    path = tmp_path / "gone.txt"
    path.write_text("".join(f"{uid}\n" for uid in uids))
    told = typed("bulk", "suspend", "--from", path, "--yes", "--force", "departures", "--json")
    assert json.loads(told.stdout)["done"] == len(uids), told
    kept = kept_as(typed("bulk", "purge", "--from", path, "--override", "essai", "--dry-run", "--json"))
    assert Cli(site).json("resume", uids[7])["changed"]
    assert killed_often(site, f"accounts apply {kept} --force removals", ends=("1",)) >= 3, "it was never interrupted"
    assert feeds.dns() == [everybody[7]]
    answer = json.loads(typed("apply", kept, "--force", "removals", "--json").stdout)
    assert (answer["done"], answer["already"], len(answer["skipped"])) == (0, len(uids) - 1, 1)
    stones = site.run("mail1", f"slapcat -n1 -s ou=tombstones,{site.place.suffix} | grep -c '^uid: '", check=False)
    assert int(stones) >= len(uids) - 1


def test_the_journal_is_rotated_and_all_of_it_is_read(people, site, tmp_path):
    cli, agent, host = Cli(site), people.agent(), site.host_of("directory")
    cli.json("quota", agent.uid, "1000", "--reason", "avant")
    site.run(host, "logrotate --force /etc/logrotate.d/malleposte-accounts")
    cli.json("quota", agent.uid, "1100", "--reason", "ensuite")
    assert site.run(host, "stat -c %U:%a /var/log/malleposte/accounts.jsonl*").split() == ["root:600"] * 2
    out = tmp_path / "export.zip"
    assert cli.typed("export", agent.uid, "--out", out).returncode == 0
    with zipfile.ZipFile(out) as archive:
        told = archive.read("journal.jsonl").decode()
    assert "avant" in told and "ensuite" in told
