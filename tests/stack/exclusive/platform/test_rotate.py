"""Every secret is changed on running hosts, by a run that is killed and repeated; then the old ones open nothing.

The lab goes back to its snapshot, with the secrets of then.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
from malleposte.core.paths import ROOT
from malleposte.dev.bringup import SNAPSHOT
from malleposte.directory.protocol import Directory
from malleposte.rotation import kinds
from malleposte.rotation.kinds import Way
from malleposte.rotation.run import DIGESTS, made_with

from tests.stack.support import deployed
from tests.stack.support.accounts_cli import ENVIRONMENT
from tests.stack.support.mail import Mail, compose, token, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.full

LIMIT = 3600  # seconds for the deploys of one command, on a busy machine
LIST = """
import json, os, subprocess, sys, tempfile

known = json.load(open("/etc/malleposte/backup.json"))
url = next(one["url"] for one in known["vaults"] if one["name"] == "vault1")
with tempfile.TemporaryDirectory() as base:
    env = {**os.environ, "BORG_BASE_DIR": base, "BORG_EXIT_CODES": "modern"}
    env |= {"BORG_RSH": f"ssh -F {known['ssh_config']}", "BORG_PASSPHRASE": sys.stdin.readline().strip()}
    done = subprocess.run(["borg", "list", "--last", "1", "--short", f"{url}/system"], env=env, capture_output=True)
print(done.returncode)
"""


def words_of(site: Site, *words: str) -> list[str]:
    return [sys.executable, "-m", "malleposte", "secrets", *words, "-i", str(site.inventory)]


def secrets(site: Site, *words: str, code: int = 0) -> str:
    """The command's output, its errors last."""
    argv = words_of(site, *words)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT, timeout=LIMIT)
    assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout + done.stderr


@contextlib.contextmanager
def put_back(site: Site) -> Iterator[Path]:
    """The lab and its secrets as they were, whatever happens inside; the copy of the secrets.

    A copy that is there is of a run that was killed: those are the secrets of the snapshot.
    """
    folder, kept = site.folder / "secrets", site.lab.settings.state / "secrets-of-the-snapshot"
    if not kept.exists():
        shutil.copytree(folder, kept.with_suffix(".new"), dirs_exist_ok=True)
        kept.with_suffix(".new").rename(kept)
    try:
        yield kept
    finally:
        site.close()
        site.lab.restore(SNAPSHOT)
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        shutil.rmtree(kept)


def bind(site: Site, service: str, password: str) -> int:
    """The exit code of a bind of a service to the directory; the password goes by a file, as a daemon's does."""
    dn = f"cn={service},ou=services,{site.place.suffix}"
    words = f"p=$(mktemp) && cat >$p && ldapwhoami -x -H ldapi:/// -D {dn} -y $p >/dev/null 2>&1; echo $?; rm -f $p"
    return int(site.run("mail1", words, given=password))


def archives(site: Site, passphrase: str) -> int:
    """The exit code of borg on the repository `system` of mail1, at vault1."""
    return int(site.run("mail1", f"python3 -c {shlex.quote(LIST)}", given=f"{passphrase}\n", timeout=300))


@dataclass(frozen=True)
class Rotated:
    """The old secrets by name; the new ones when the first run was killed; two agents from before."""

    old: dict[str, str]
    begun: dict[str, str]
    agents: tuple[Account, Account]

    def __getitem__(self, name: str) -> str:
        return self.old[name]


def killed(site: Site, *words: str, when: Callable[[], Any]) -> None:
    """Type a command, and kill it with all that it started once `when` holds: as when the controller loses power."""
    with subprocess.Popen(
        words_of(site, *words), cwd=ROOT, env=ENVIRONMENT, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        try:
            wait_for(lambda: running.poll() is not None or when(), LIMIT, "the moment to kill it")
            assert running.poll() is None, f"it had ended before, with {running.returncode}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def rotated(site: Site) -> Iterator[Rotated]:
    """All of them changed: a first run is killed while one side of the directory's passwords has the new one."""
    site.run("mail1", "malleposte backup run --vault vault1 --source system", check=False, timeout=900)
    state = site.folder / "secrets"
    with put_back(site) as kept:
        old = {path.name: path.read_text("utf-8") for path in kept.iterdir() if path.is_file()}
        changed = [name for name in old if kinds.of(name).way is not Way.NEVER]
        people = People(site)
        agents = (people.agent(), people.agent())
        assert bind(site, "dovecot", old["ldap-dovecot"].strip()) == 0
        assert archives(site, old["borg-mail1-vault1"].strip()) == 0
        first = old["ldap-dovecot"].strip()

        def half_way() -> bool:
            now = fresh(site, "ldap-dovecot")
            return now != first and bind(site, "dovecot", now) == 0

        killed(site, "rotate", "--all", "--yes", when=half_way)
        assert bind(site, "dovecot", first) == 0, "both are taken until its reader has the new one"
        begun = {name: (state / name).read_text("utf-8") for name in changed}
        plan = secrets(site, "rotate", "--list")
        assert "(begun by an earlier run)" in plan
        told = secrets(site, "rotate", "--all", "--at-once", "--yes")
        assert [name for name in changed if name not in told] == []
        yield Rotated(old, begun, agents)


def test_typed_again_it_ends_with_the_secrets_that_it_had_made(site: Site, rotated: Rotated) -> None:
    once = [name for name in rotated.begun if kinds.of(name).way in (Way.SWAP, Way.BOTH, Way.SIGNATURE, Way.PASSPHRASE)]
    assert len(once) > 15
    assert [name for name in once if rotated.begun[name] == rotated.old[name]] == []
    assert [name for name in once if fresh(site, name) != rotated.begun[name].strip()] == []
    assert "begun by an earlier run" not in secrets(site, "rotate", "--list")


def test_mail_flows_and_people_log_in(site: Site, rotated: Rotated, mail: Mail) -> None:
    """The agents' own passwords are as before."""
    sender, reader = rotated.agents
    subject = token()
    assert mail.submit(sender, sender.mail, reader.mail, compose(sender.mail, reader.mail, subject)).accepted
    assert mail.arrived(reader, subject, timeout=300)


def fresh(site: Site, name: str) -> str:
    return (site.folder / "secrets" / name).read_text("utf-8").strip()


def test_the_directory_takes_the_new_password_alone(site: Site, rotated: Rotated) -> None:
    for name in ("dovecot", "provision"):
        assert bind(site, name, fresh(site, f"ldap-{name}")) == 0
        assert bind(site, name, rotated[f"ldap-{name}"].strip()) == 49


def test_a_repository_opens_with_the_new_passphrase_alone_and_the_vault_finds_it_right(
    site: Site, rotated: Rotated
) -> None:
    assert archives(site, fresh(site, "borg-mail1-vault1")) == 0
    assert archives(site, rotated["borg-mail1-vault1"].strip()) == 52
    assert "mail1/system: " in site.run("vault1", "malleposte vault watch", timeout=600)
    site.run("mail1", "malleposte backup run --vault vault1 --source system", timeout=900)


def digest_keys(site: Site) -> list[str]:
    """The key of new digests on the directory's host, then all that it has."""
    return site.run("mail1", "python3 -c 'import json; d = json.load(open(\"/etc/malleposte/keys/digests.json\")); "
                             "print(d[\"current\"], *sorted(d[\"keys\"]))'").split()  # fmt: skip


def test_numens_are_digested_with_a_further_key_and_the_old_one_waits(site: Site, rotated: Rotated) -> None:
    assert digest_keys(site) == ["k2", "k1", "k2"]
    assert fresh(site, "digest-key-k1") == rotated["digest-key-k1"].strip()


def published(site: Site, selector: str) -> bool:
    """Whether the academy's DNS holds the key of a selector."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [site.address("world")]
    try:
        return "v=DKIM1" in str(resolver.resolve(f"{selector}._domainkey.{site.platform['domain']}", "TXT")[0])
    except dns.resolver.NXDOMAIN:
        return False


def test_mail_is_signed_with_a_selector_that_the_dns_has_and_the_old_one_still_verifies(
    site: Site, rotated: Rotated
) -> None:
    assert published(site, "mp1") and published(site, "mp2")
    domain = site.platform["domain"]
    config = site.run("mail1", "cat /etc/rspamd/local.d/dkim_signing.conf")
    assert "mp2" in config and "mp1" not in config
    assert site.run("mail1", "ls /var/lib/rspamd/dkim").split() == [f"{domain}.mp2.key"]


def test_the_old_ones_are_kept_for_the_operator_alone(site: Site, rotated: Rotated) -> None:
    kept = sorted((site.folder / "secrets/replaced").iterdir())
    today = datetime.now(UTC).strftime("%Y%m%d")
    assert [path for path in kept if path.name.startswith(f"ldap-dovecot.{today}")]
    assert [path for path in kept if path.name.startswith(f"probe-accounts.json.{today}")]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_every_path_of_the_probe_is_green(site: Site, rotated: Rotated) -> None:
    deployed.works_from_outside(site)


def test_an_old_signing_key_is_retired_and_the_one_that_signs_is_not(site: Site, rotated: Rotated) -> None:
    domain = site.platform["domain"]
    assert f"old are digest-key-k1, dkim-mp1-{domain}" in secrets(site, "retire", f"dkim-mp2-{domain}", code=2)
    assert published(site, "mp1") and published(site, "mp2")
    secrets(site, "retire", f"dkim-mp1-{domain}")
    assert not published(site, "mp1") and published(site, "mp2")
    assert not (site.folder / f"secrets/dkim-mp1-{domain}").exists()
    assert list((site.folder / "secrets/replaced").glob(f"dkim-mp1-{domain}.*"))


def old_digests(bound: Directory) -> dict[str, dict[str, list[str]]]:
    """Return the digests of the first key, by DN and attribute."""
    entries = {
        entry.dn: {
            name: values
            for name in DIGESTS
            if (values := [str(one) for one in entry.attributes.get(name, []) if made_with(str(one), "k1")])
        }
        for entry in bound.search("people", DIGESTS)
    }
    return {dn: attributes for dn, attributes in entries.items() if attributes}


def test_an_old_key_of_digests_is_retired_once_no_digest_of_it_is_left(site: Site, rotated: Rotated) -> None:
    with directory(site) as bound:
        agent = next(bound.search("people", ["uid"], {"uid": "probe1"}))
        bound.modify(agent.dn, {"mpNumenDigest": ["k1:essai"]})
        entries = old_digests(bound)
        number = sum(len(values) for attributes in entries.values() for values in attributes.values())
        refusal = secrets(site, "retire", "digest-key-k1", code=2)
        assert number and f"{number} digests in the directory are of this key" in refusal
        assert digest_keys(site) == ["k2", "k1", "k2"]
        # The lab's sample agent has some of that key, which a feed would renew.
        for dn, attributes in entries.items():
            bound.modify(dn, {name: [] for name in attributes})
    secrets(site, "retire", "digest-key-k1")
    assert digest_keys(site) == ["k2", "k2"]
    assert not (site.folder / "secrets/digest-key-k1").exists()


def test_after_all_that_every_path_is_green(site: Site, rotated: Rotated) -> None:
    deployed.works_from_outside(site)
