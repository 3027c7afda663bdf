"""Secrets of a platform whose database has a host of its own: the hosts that receive each new secret."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from malleposte.check import plays, specs
from malleposte.fleet.site import Site, UnknownError
from malleposte.rotation import kinds
from malleposte.rotation.kinds import Way

from tests.support.inventories import copied, with_hosts

DATABASE, WEB = "base1", "web1"
SECRETS = {
    "database-sogo": {(DATABASE, "postgresql"), (WEB, "hostd"), (WEB, "sogo")},
    "database-roundcube": {(DATABASE, "postgresql"), (WEB, "hostd"), (WEB, "roundcube")},
}
"""Each secret, and the hosts and roles that take it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shipped inventory with the database and the webmails on hosts of their own; its secrets are in memory."""
    folder = copied(tmp_path_factory.mktemp("split") / "mine")
    for group, hosts in (("database", {DATABASE: "192.0.2.11"}), ("web", {WEB: "192.0.2.12"})):
        with_hosts(folder, group, **hosts)
    site = Site(folder)
    with site.rehearsal():
        yield site


def given(site: Site) -> dict[tuple[str, str, str], str]:
    """The variables of the roles on each host, by host, role and variable."""
    known, found = specs.all_specs(), {}
    for host, roles in plays.roles(site).items():
        for name, raw in site.variables(host).items():
            role = known.owner(name)
            if role in roles and name in known.specs:
                found[host, role, name] = json.dumps(value(site, host, raw), default=str)
    return found


def value(site: Site, host: str, raw: Any) -> Any:
    """None where only a run knows it."""
    try:
        return site.template(host, raw)
    except UnknownError:
        return None


@pytest.fixture(scope="module")
def before(site: Site) -> dict[tuple[str, str, str], str]:
    return given(site)


@pytest.mark.full
@pytest.mark.parametrize("name", ["database-sogo", pytest.param("database-roundcube", marks=pytest.mark.full)])
def test_a_database_s_password_reaches_both_its_hosts_in_one_deploy(
    site: Site, before: dict[tuple[str, str, str], str], name: str
) -> None:
    """The deploy that `secrets rotate` makes has exactly the roles that take the secret: nobody keeps the old one."""
    old = site.rehearsed[name]
    site.rehearsed[name] = "nouveau\n"
    try:
        now = given(site)
    finally:
        site.rehearsed[name] = old
    changed = {
        (host, role) for host, role, variable in before if before[host, role, variable] != now[host, role, variable]
    }
    assert changed == SECRETS[name]
    kind = kinds.of(name)
    assert kind.way is Way.SWAP
    assert {role for _host, role in changed} == set(kind.tags)


def test_the_database_has_the_new_password_before_its_clients(site: Site) -> None:
    """The order of the plays: a client with the new password never meets a database that knows the old one alone."""
    order = [(host, role) for role, host in plays.order(site)]
    for pairs in SECRETS.values():
        (server,), clients = ({one for one in pairs if one[0] == DATABASE}, {one for one in pairs if one[0] == WEB})
        assert all(order.index(server) < order.index(client) for client in clients)
