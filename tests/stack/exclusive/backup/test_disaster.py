"""mail1 is lost: a new host, `deploy`, and a complete restore from one backup server."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from malleposte.core.paths import ROOT

from tests.stack.support import boxes
from tests.stack.support.dav import Device
from tests.stack.support.held import entries, keep, read
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.site import Site

HOST, VAULT, OTHER = "mail1", "vault2", "vault1"
ROOTS = "/usr/local/share/ca-certificates"


def malleposte(site: Site, *words: str, limit: float = 1800) -> str:
    """The command line of the controller; its standard output."""
    argv = [str(ROOT / "malleposte"), *words, "-i", str(site.inventory)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=limit)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def trust(site: Site) -> None:
    """Give the new host the roots of before: the lab's authority has another one at each boot, unlike the academy's."""
    known = site.run(site.host_of("portal"), f"tar -C {ROOTS} -c . | base64 -w0")
    site.run(HOST, f"base64 -d | tar -C {ROOTS} -x && update-ca-certificates >/dev/null 2>&1", given=known)


@pytest.mark.last
@pytest.mark.full
def test_a_lost_host_comes_back_from_one_vault(
    site: Site, mail: Mail, people: People, device: Callable[..., Device], record_property: Any
) -> None:
    who, friend = people.agent(), people.agent(profile="convergence")
    boxes.fill(mail, who, friend)
    boxes.append(mail.imap(friend), "INBOX", "pour le second", "\\Seen")
    then = {one.uid: boxes.look(mail, one) for one in (who, friend)}
    devices = [device(who), device(friend)]
    kept = [keep(one) for one in devices]
    held = [read(one, paths) for one, paths in zip(devices, kept, strict=True)]
    accounts = entries(site)
    mail.close()
    malleposte(site, "backup", "run", "--host", HOST, "--vault", VAULT)

    (lost,) = site.lab.hosts([HOST])
    lost.kill()
    lost.destroy()
    begun = time.monotonic()
    site.lab.up([HOST])
    made = time.monotonic()
    malleposte(site, "deploy")
    trust(site)
    deployed = time.monotonic()
    site.lab.kill([OTHER])
    try:
        done = json.loads(malleposte(site, "backup", "restore", "--all", "--host", HOST, "--vault", VAULT, "--json"))
    finally:
        site.lab.start([OTHER])
    ended = time.monotonic()
    seconds = {"host": made - begun, "deploy": deployed - made, "restore": ended - deployed}
    print({name: round(value) for name, value in seconds.items()}, done["counts"])
    record_property("seconds", seconds)

    assert entries(site) == accounts
    for one in (who, friend):
        assert boxes.look(mail, one) == then[one.uid]
    listing = b"\n".join(line for line in mail.imap(friend).list()[1] if isinstance(line, bytes))
    assert f"Partages/{who.uid}/".encode() in listing
    assert done["counts"]["messages"] >= sum(box.count for box in then.values())
    assert [read(one, paths) for one, paths in zip(devices, kept, strict=True)] == held
    # The host goes on where it was: into the repositories that it found, on both vaults.
    malleposte(site, "backup", "run")
    malleposte(site, "probe")
