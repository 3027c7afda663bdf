"""`malleposte accounts` from the controller to the directory: import, departures, kills, modes of its files."""

import base64
import functools
import imaplib
import json
import random
import subprocess
import time

import pytest
from malleposte.accounts import feed
from malleposte.paths import ROOT

from tests.stack.support.accounts_cli import ENVIRONMENT, Cli
from tests.support import academy, naughty

MARK = "Essaidimport"
"""The surname of everybody here, so that all can be removed again."""


def people_of(count: int, start: int = 0) -> tuple[tuple[str, ...], ...]:
    rows = academy.academy(start + count, 5, seed=7).agents[start:]
    return tuple((row[0], f"{MARK}-{row[1]}", *row[2:9], "") for row in rows)


@pytest.fixture
def cli(site):
    """Run `malleposte accounts …` from the controller; what comes back is bytes."""
    return functools.partial(Cli(site).typed, given=b"")


@pytest.fixture
def directory(site):
    """Read the directory as root; whatever this module made is removed at the end."""

    class Reader:
        base = f"ou=people,{site.place.suffix}"

        def dns(self, extra: str = "") -> list[str]:
            found = self.search(f"(&(sn={MARK}*){extra})", "dn")
            return [line.removeprefix("dn: ") for line in found.splitlines() if line.startswith("dn: ")]

        def search(self, where: str, *attributes: str) -> str:
            words = f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b '{self.base}' '{where}'"
            return site.run("mail1", words, *attributes)

    reader = Reader()
    yield reader
    left = reader.dns()
    if left:
        site.run("mail1", "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given="\n".join(left) + "\n")


def written(path, rows, encoding="utf-8"):
    path.write_bytes(academy.render(academy.HEADER, rows, encoding))
    return path


def test_an_import_from_the_controller_and_the_same_again(cli, directory, tmp_path):
    feed = written(tmp_path / "agents.csv", (*people_of(30), ("pas un numen", MARK, "Zoé")), "cp1252")
    done = cli("import", feed, "--yes", "--json")
    assert json.loads(done.stdout)["done"] == 30, done
    assert len(directory.dns("(mpState=pending)")) == 30
    assert "userPassword" not in directory.search(f"(sn={MARK}*)", "userPassword")
    rejects = tmp_path / "agents.rejects.csv"
    assert rejects.stat().st_mode & 0o777 == 0o600
    assert "not a NUMEN" in rejects.read_text("utf-8-sig")

    again = cli("plan", feed, "--json", "--detailed-exitcode")
    plan = json.loads(again.stdout)
    assert (again.returncode, plan["changes"], plan["unchanged"]) == (0, [], 30)


def test_too_many_departures_change_nothing_until_they_are_meant(cli, directory, tmp_path):
    cli("import", written(tmp_path / "a.csv", people_of(20)), "--yes")
    shorter = written(tmp_path / "b.csv", people_of(10))
    refused = cli("import", shorter, "--yes")
    assert refused.returncode == 1
    assert b"--force-departures" in refused.stderr
    assert len(directory.dns("(mpState=suspended)")) == 0
    assert cli("import", shorter, "--yes", "--force-departures").returncode == 0
    assert len(directory.dns("(mpState=suspended)")) == 10


def test_who_leaves_by_a_feed_is_shut_out_at_once(cli, directory, mail, people, tmp_path):
    who = people.agent()
    people.change(who, mpSourceDigest=["of an earlier feed"])
    session = mail.imap(who)
    session.send(b"a1 IDLE\r\n")
    session.readline()
    done = cli("import", written(tmp_path / "a.csv", people_of(1)), "--yes", "--force-departures", "--json")
    answer = json.loads(done.stdout)
    assert (answer["done"], answer["failures"]) == (2, []), done
    assert session.readline()[:5] in (b"", b"* BYE")
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        mail.imap(who)


def test_an_apply_killed_on_the_host_is_run_again(cli, directory, site, tmp_path):
    kept = tmp_path / "plan.json"
    assert cli("plan", written(tmp_path / "a.csv", people_of(150)), "--out", kept).returncode == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    remote = "/run/malleposte-essai.json"
    site.run("mail1", f"umask 077; cat >{remote}", given=kept.read_text("utf-8"))
    unit = "malleposte-essai.service"
    for _ in range(4):
        before = len(directory.dns())
        site.run("mail1", f"systemd-run -q --unit {unit} malleposte accounts apply {remote}")
        end = time.monotonic() + 60
        while len(directory.dns()) == before and time.monotonic() < end:
            pass
        # `stop` waits until the killed unit is dead; only then can its failure be forgotten and its name be used again.
        words = f"systemctl kill -s KILL {unit}; systemctl stop {unit}; systemctl reset-failed {unit}"
        site.run("mail1", words, check=False)
        if len(directory.dns()) == 150:
            break
    site.run("mail1", f"rm {remote}")
    answer = json.loads(cli("apply", kept, "--json").stdout)
    assert (answer["done"] + answer["already"], answer["skipped"]) == (150, [])
    assert len(directory.dns()) == 150
    assert json.loads(cli("plan", tmp_path / "a.csv", "--json").stdout)["changes"] == []


def test_an_import_that_loses_the_directory_says_so_and_is_run_again(cli, directory, site, tmp_path):
    feed = written(tmp_path / "a.csv", people_of(1500))
    argv, pipe = Cli(site).argv("import", feed, "--yes"), subprocess.PIPE
    with subprocess.Popen(argv, cwd=ROOT, env=ENVIRONMENT, stdout=pipe, stderr=pipe) as running:
        while not directory.dns() and running.poll() is None:
            pass
        site.run("mail1", "kill -KILL $(systemctl show -P MainPID slapd); systemctl restart slapd")
        _out, said = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert b"the directory" in said and b"run the same again" in said, said
    assert 0 < len(directory.dns()) < 1500
    again = json.loads(cli("import", feed, "--yes", "--json").stdout)
    assert (again["skipped"], len(directory.dns())) == ([], 1500)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no row"),
        (b"PK\x03\x04truncated", "damaged or truncated"),
        (b'NUMEN;Nom;Prenom\n01E9500001ABC;"Martin;Zoe\n', "a quotation mark"),
        (b"a;b\n1;2\n", "no column for numen"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old or encrypted workbook"),
        (b"NUMEN;\x1b]0;x\x07;NUMEN\n", "are both numen"),
    ],
)
def test_a_file_that_is_no_feed_is_one_line_and_exit_2(cli, content, said, tmp_path):
    path = tmp_path / "faux.csv"
    path.write_bytes(content)
    done = cli("import", path, "--yes")
    lines = done.stderr.decode().strip().splitlines()
    assert done.returncode == 2
    assert said in lines[0]
    assert "faux.csv" in lines[0]


def test_a_file_without_end_is_refused(cli):
    done = cli("import", "/dev/zero", "--yes")
    assert (done.returncode, b"more than 64 MB" in done.stderr) == (2, True), done.stderr


def test_texts_of_every_kind_go_in_exactly_or_are_refused(cli, directory, tmp_path):
    """Functions of markup, shell, LDAP, formulas: what the directory holds is what the feed held, letter for letter."""
    texts = (*naughty.MARKUP, *naughty.SQL, *naughty.SHELL, *naughty.TEMPLATES, *naughty.LDAP, *naughty.FORMULAS)
    rows = [(*row[:6], text, *row[7:]) for row, text in zip(people_of(len(texts)), texts, strict=True)]
    source = feed.read(academy.render(academy.HEADER, tuple(rows)), "pire.csv")
    done = cli("import", written(tmp_path / "pire.csv", tuple(rows)), "--yes", "--json")
    assert json.loads(done.stdout)["done"] == len(source.people), done.stderr
    assert len(source.people) > 20 and len(source.rejects) > 10
    held = directory.search(f"(sn={MARK}*)", "mpFunction")
    found = [base64.b64decode(line.partition(":: ")[2]).decode() if ":: " in line else line.partition(": ")[2]
             for line in held.splitlines() if line.startswith("mpFunction:")]  # fmt: skip
    assert sorted(found) == sorted(person.function for person in source.people)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",ou=people,", ",ou=services,"),
        ('"mpFunction"', '"userPassword"'),
        ('"mpCorps"', '"mpDelegate"'),
        ("pending", "active"),
        ("@ac-exemple.test", "@ailleurs.test"),
    ],
)
def test_an_edited_plan_changes_nothing(cli, directory, tmp_path, old, new):
    kept = tmp_path / "plan.json"
    cli("plan", written(tmp_path / "a.csv", people_of(3)), "--out", kept)
    kept.write_text(kept.read_text("utf-8").replace(old, new), "utf-8")
    done = cli("apply", kept)
    assert done.returncode == 2, done
    assert directory.dns() == []


@pytest.mark.full
def test_an_apply_of_thousands_killed_many_times_ends_as_one_that_was_not(cli, directory, site, tmp_path):
    kept = tmp_path / "plan.json"
    assert cli("plan", written(tmp_path / "a.csv", people_of(3000)), "--out", kept).returncode == 0
    wanted = json.loads(kept.read_text("utf-8"))["counts"]["create"]
    remote, unit, dice = "/run/malleposte-essai.json", "malleposte-essai", random.Random(11)
    site.run("mail1", f"umask 077; cat >{remote}", given=kept.read_text("utf-8"))
    words = f"systemd-run -q --wait --unit {unit} -p KillSignal=SIGKILL -p RuntimeMaxSec="
    kills = 0
    while kills < 100:
        code = site.run(
            "mail1",
            f"{words}{dice.uniform(0.6, 4):.2f} malleposte accounts apply {remote} >/dev/null 2>&1; echo $?; "
            f"systemctl reset-failed {unit} 2>/dev/null || true",
        )
        if code.split()[0] == "0":
            break
        kills += 1
    assert kills >= 5, "it was never interrupted"

    def state() -> list[str]:
        return sorted(directory.search(f"(sn={MARK}*)").split("\n\n"))

    answer = json.loads(cli("apply", kept, "--json").stdout)
    assert (answer["done"] + answer["already"], answer["skipped"]) == (wanted, [])
    killed = state()
    site.run("mail1", "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given="\n".join(directory.dns()) + "\n")
    whole = json.loads(cli("apply", kept, "--json").stdout)
    assert whole["done"] == wanted
    assert killed == state()
    site.run("mail1", f"rm {remote}")


def test_keys_settings_and_journal_are_for_root_alone(host):
    mail1 = host("mail1")
    for path in (
        "/etc/malleposte/accounts.json",
        "/etc/malleposte/keys/digests.json",
        "/etc/malleposte/keys/ldap-provision",
    ):
        file = mail1.file(path)
        assert (file.user, file.mode) == ("root", 0o600), path
    assert mail1.file("/etc/malleposte/keys").mode == 0o700
    assert mail1.run("runuser -u nobody -- malleposte accounts plan /dev/null").rc == 2
