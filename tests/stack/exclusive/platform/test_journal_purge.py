"""A deploy removes journals in which earlier versions left secrets, and those alone."""

import secrets

import pytest
from malleposte.fleet import playbook

from tests.stack.support.site import Site

pytestmark = pytest.mark.full

TASK = "Remove journals that hold secrets of earlier deploys"
NAME = "ansible-academie.malleposte.config_set"


def journals(site: Site) -> set[str]:
    return set(site.run("vault2", "find /var/log/journal -name '*.journal'").split())


def base(site: Site, check: bool = False) -> playbook.Report:
    report = playbook.run(playbook.Options(site.inventory, limit="vault2", tags="base", check=check))
    assert report.code == 0, report.cause
    return report


def write(site: Site, identifier: str, text: str) -> None:
    site.run("vault2", f"systemd-cat -t {identifier} && journalctl --sync", given=f"{text}\n")


def seen(site: Site, word: str) -> bool:
    return word in site.run("vault2", "journalctl --all -o cat")


def purged(report: playbook.Report) -> bool:
    return TASK in [one["task"] for one in report.summary["changes"]]


def test_journals_that_hold_a_secret_go_once_and_the_others_stay(site: Site) -> None:
    secret, innocent = secrets.token_hex(16), secrets.token_hex(16)
    write(site, "daemon", f"a line worth keeping {innocent}")
    site.run("vault2", "journalctl --rotate")
    kept = {path for path in journals(site) if "@" in path}
    write(site, NAME, f"Invoked with files=[{{'dest': '/etc/x', 'content': 'password = {secret}'}}] units=[]")

    assert purged(base(site, check=True))
    assert seen(site, secret)

    report = base(site)
    assert purged(report)
    assert "malleposte secrets rotate --all" in report.log.read_text("utf-8")
    assert not seen(site, secret)
    assert seen(site, innocent)
    assert kept <= journals(site)

    assert not purged(base(site))
