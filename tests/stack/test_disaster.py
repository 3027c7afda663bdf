"""mail1 is lost altogether: a new host, `deploy`, everything back from one vault alone."""

import json
import subprocess
import time
from typing import Any

import pytest
from malleposte.paths import ROOT

from tests.stack.support import boxes
from tests.stack.support.mail import Mail
from tests.stack.support.people import People
from tests.stack.support.site import Site

HOST, VAULT = "mail1", "vault2"


def malleposte(site: Site, *words: str, limit: float = 1800) -> str:
    """The command line of the controller; its standard output."""
    argv = [str(ROOT / "malleposte"), *words, "-i", str(site.inventory)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=limit)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.full
def test_a_lost_host_comes_back_from_one_vault(
    site: Site, mail: Mail, people: People, record_property: Any, wait_for: Any
) -> None:
    who, friend = people.agent(), people.agent(profile="convergence")
    boxes.fill(mail, who, friend)
    boxes.append(mail.imap(friend), "INBOX", "pour le second", "\\Seen")
    then = {one.uid: boxes.look(mail, one) for one in (who, friend)}
    entries = accounts(site)
    mail.close()
    malleposte(site, "backup", "run", "--host", HOST, "--vault", VAULT)

    (lost,) = site.lab.hosts([HOST])
    lost.kill()
    lost.destroy()
    begun = time.monotonic()
    site.lab.up([HOST])
    made = time.monotonic()
    malleposte(site, "deploy")
    deployed = time.monotonic()
    done = json.loads(malleposte(site, "backup", "restore", "--all", "--vault", VAULT, "--json"))
    ended = time.monotonic()

    assert accounts(site) == entries
    for one in (who, friend):
        now = boxes.look(mail, one)
        assert now == then[one.uid]
    listing = b"\n".join(line for line in mail.imap(friend).list()[1] if isinstance(line, bytes))
    assert f"Partages/{who.uid}/".encode() in listing
    assert done["counts"]["messages"] >= sum(box.count for box in then.values())
    malleposte(site, "probe")
    record_property("host_seconds", round(made - begun))
    record_property("deploy_seconds", round(deployed - made))
    record_property("restore_seconds", round(ended - deployed))
    print(
        f"host {made - begun:.0f} s, deploy {deployed - made:.0f} s, restore {ended - deployed:.0f} s: {done['counts']}"
    )


def accounts(site: Site) -> set[str]:
    """Every entry of the directory with its password, but the services' (made anew) and the moment's."""
    text = site.run(HOST, "slapcat -n1 -o ldif-wrap=no -a '(!(objectClass=applicationProcess))'")
    moment = ("entryCSN:", "modifyTimestamp:", "modifiersName:", "contextCSN:", "authTimestamp:", "pwdLastSuccess:")
    entries = text.split("\n\n")
    return {
        "\n".join(line for line in entry.splitlines() if not line.startswith(moment))
        for entry in entries
        if ",ou=people," in entry.partition("\n")[0] or ",ou=functional," in entry.partition("\n")[0]
    }
