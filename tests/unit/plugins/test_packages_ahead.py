"""The packages that a new host gets at once: those of the roles of its groups, and none that must wait."""

import functools
from typing import Any

import pytest
import yaml
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site

from plugins.plugin_utils import ahead

LAB = ROOT / "inventories" / "lab"
LOOKUP = "{{ query('academie.malleposte.packages_ahead') }}"
MEANWHILE = "{{ query('academie.malleposte.packages_ahead', 'meanwhile') }}"
PREPARE = "{{ query('academie.malleposte.packages_ahead', 'prepare') }}"


@pytest.fixture(scope="module")
def lab() -> Site:
    return Site(LAB)


@functools.cache
def asked(lab: Site, host: str, query: str) -> list[str]:
    found: list[str] = lab.template(host, query)
    return found


def everything(lab: Site, host: str) -> set[str]:
    return {*asked(lab, host, LOOKUP), *asked(lab, host, MEANWHILE)}


def test_a_host_gets_the_packages_of_its_own_roles(lab: Site) -> None:
    mail, vault, world = (everything(lab, name) for name in ("mail1", "vault1", "world"))
    assert {"dovecot-core", "postfix-ldap", "sogo", "radicale", "php8.4-fpm", "borgmatic"} <= mail
    assert {"postfix", "unbound", "nftables", "borgbackup"} <= vault
    assert vault.isdisjoint({"postfix-ldap", "dovecot-core", "borgmatic", "slapd"})
    assert {"pebble", "opendkim", "unbound"} <= world
    assert world.isdisjoint({"nftables", "borgbackup"})


def test_a_role_that_a_play_includes_counts_where_it_has_something_to_do(lab: Site) -> None:
    """The lab's world signs its own certificate, and asks no authority."""
    assert "lego" in set(asked(lab, "mail1", LOOKUP)) & set(asked(lab, "vault1", LOOKUP))
    assert "lego" not in set(asked(lab, "world", LOOKUP))


def test_a_role_that_begins_elsewhere_counts_with_what_it_does_there(lab: Site) -> None:
    """The portal's host learns how accountd is reached, and needs none of its packages."""
    accountd = {"python3-phonenumbers", "python3-email-validator"}
    assert accountd <= everything(lab, "mail1")
    assert accountd.isdisjoint(everything(lab, "pia1"))


def test_what_later_roles_alone_need_is_installed_while_the_others_are_configured(lab: Site) -> None:
    first, meanwhile = (set(asked(lab, "mail1", query)) for query in (LOOKUP, MEANWHILE))
    assert {"postgresql-17", "slapd", "postfix", "dovecot-core", "rspamd"} <= first
    assert {"sogo", "roundcube-core", "php8.4-fpm", "borgmatic"} <= meanwhile
    assert first.isdisjoint(meanwhile)
    assert asked(lab, "world", MEANWHILE) == [], "nothing of the lab's world comes later"


def test_a_play_waits_for_what_is_installed_meanwhile() -> None:
    def play(*names: str) -> dict[str, Any]:
        return {
            "tasks": [
                {"ansible.builtin.include_role": {"name": f"a.b.{name}", "tasks_from": "arrived"}} for name in names
            ]
        }

    plays = [play("other"), play("base"), play()]
    assert ahead.split(plays) == (plays[:1], plays[1:])
    with pytest.raises(ValueError, match="no play waits for the packages that are installed meanwhile"):
        ahead.split(plays[:1])


def test_what_depends_on_a_value_is_left_out(lab: Site) -> None:
    assert "clamav-daemon" not in everything(lab, "mail1")


def test_roles_that_prepare_something_for_their_packages(lab: Site) -> None:
    assert asked(lab, "mail1", PREPARE) == ["postgresql", "roundcube"]
    assert asked(lab, "vault1", PREPARE) == []


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
        for path in ahead.task_files(
            ROOT / "roles" / role, entry, lambda path: yaml.load(path.read_text(), yaml.CSafeLoader)
        )
    }
    assert {ROOT / "roles/postgresql/tasks/install.yml", ROOT / "roles/acme/tasks/install.yml"} <= read
    elsewhere = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "roles").glob("*/tasks/*.yml")
        if path not in read
        and any(ahead.ACTION in task for task in yaml.load(path.read_text(), yaml.CSafeLoader) or [])
    }
    assert elsewhere == {"roles/clamav/tasks/run.yml"}
