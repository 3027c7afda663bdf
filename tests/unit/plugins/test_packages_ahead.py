"""The packages that a new host gets at once: those of the roles of its groups, and none that must wait."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from malleposte.fleet.site import Site
from malleposte.paths import ROOT

from plugins.plugin_utils import ahead

LAB = ROOT / "inventories" / "lab"
LOOKUP = "{{ query('academie.malleposte.packages_ahead') }}"


@pytest.fixture(scope="module")
def lab() -> Site:
    return Site(LAB)


def test_a_host_gets_the_packages_of_its_own_roles(lab: Site) -> None:
    mail, vault, world = (set(lab.template(name, LOOKUP)) for name in ("mail1", "vault1", "world"))
    assert {"dovecot-core", "postfix-ldap", "sogo", "radicale", "php8.4-fpm", "borgmatic"} <= mail
    assert {"postfix", "unbound", "nftables", "borgbackup"} <= vault
    assert vault.isdisjoint({"postfix-ldap", "dovecot-core", "borgmatic", "nginx", "slapd"})
    assert {"pebble", "opendkim", "unbound"} <= world
    assert world.isdisjoint({"nftables", "borgbackup"})


def test_a_role_that_a_play_includes_counts_where_it_has_something_to_do(lab: Site) -> None:
    """The lab's world signs its own certificate, and asks no authority."""
    assert "lego" in set(lab.template("mail1", LOOKUP)) & set(lab.template("vault1", LOOKUP))
    assert "lego" not in set(lab.template("world", LOOKUP))


def test_a_role_that_begins_elsewhere_counts_with_what_it_does_there(lab: Site) -> None:
    """The portal's host learns how accountd is reached, and needs none of its packages."""
    accountd = {"python3-phonenumbers", "python3-email-validator"}
    assert accountd <= set(lab.template("mail1", LOOKUP))
    assert accountd.isdisjoint(lab.template("pia1", LOOKUP))


def test_what_must_wait_for_its_turn_or_depends_on_a_value_is_left_out(lab: Site) -> None:
    mail = set(lab.template("mail1", LOOKUP))
    assert mail.isdisjoint({"memcached", "postgresql-17", "roundcube-core", "clamav-daemon", "slapd"})


@pytest.mark.parametrize(
    ("pattern", "groups", "is_chosen"),
    [
        ("mail:web", {"web"}, True),
        ("mail:web", {"vault"}, False),
        ("malleposte:!vault", {"malleposte", "mail"}, True),
        ("malleposte:!vault", {"malleposte", "vault"}, False),
        (["vault1"], {"vault1", "vault"}, True),
        (["vault1"], {"vault2", "vault"}, False),
        ([], {"malleposte"}, False),
    ],
)
def test_the_hosts_of_a_play(pattern: Any, groups: set[str], is_chosen: bool) -> None:
    assert ahead.chosen(pattern, groups) is is_chosen


def test_every_package_task_of_a_role_can_be_read() -> None:
    """One in another file would be missed; those are conditional, and say so by their file."""
    plays = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    begun = {one for play in plays for one in ahead.roles_of([{**play, "hosts": "all"}], {"all"}, lambda text: text)}
    begun |= {(role.name, "main") for role in (ROOT / "roles").iterdir()}
    read = {
        path
        for role, entry in begun
        for path in ahead.task_files(ROOT / "roles" / role, entry, lambda path: yaml.safe_load(path.read_text()))
    }
    assert {ROOT / "roles/postgresql/tasks/install.yml", ROOT / "roles/acme/tasks/install.yml"} <= read
    elsewhere = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "roles").glob("*/tasks/*.yml")
        if path not in read and any(ahead.ACTION in task for task in yaml.safe_load(path.read_text()) or [])
    }
    assert elsewhere == {"roles/clamav/tasks/run.yml"}
