"""Reports of other mail servers, from the facts to Postfix's files and the daemon's units."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site
from malleposte.reports import daemon

from tests.support import inventories

DOMAIN = "ac-exemple.test"
OWN = f"dmarc@{DOMAIN}"
INNER = "reports@reports.stores.invalid"
Facts = dict[str, Any]


def given(
    folder: Path, edit: Callable[[Facts], object] = lambda _facts: None, roles: Sequence[str] = ("postfix", "reports")
) -> Site:
    """The shipped inventory of one host with other facts, and the roles' own variables below the wiring."""
    inventories.copied(folder)
    inventories.edited(folder / inventories.FACTS, edit)
    (folder / "group_vars/all").mkdir(exist_ok=True)
    for role in roles:
        for file in (ROOT / "roles" / role).glob("[dv]*/main.yml"):
            shutil.copy(file, folder / f"group_vars/all/{role}-{file.parent.name}.yml")
    return Site(folder)


class Host:
    """The one host of an inventory."""

    def __init__(self, site: Site) -> None:
        self.site = site
        (self.name,) = site.members("malleposte")

    def value(self, text: str) -> Any:
        return self.site.template(self.name, f"{{{{ {text} }}}}")

    def file(self, role: str, name: str) -> str:
        path = ROOT / f"roles/{role}/templates/etc/{name}.j2"
        return str(self.value(f"lookup('ansible.builtin.template', '{path}')"))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Host:
    def relays(facts: Facts) -> None:
        facts["malleposte_reports"] = {"relays": [{"name": "Région", "networks": ["198.51.100.0/24"]}]}

    return Host(given(tmp_path_factory.mktemp("usual") / "inventory", relays))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Host:
    def edit(facts: Facts) -> None:
        for name in ("malleposte_dmarc", "malleposte_mta_sts"):
            facts[name] = {"reports": "rapports@region.test"}

    return Host(given(tmp_path_factory.mktemp("elsewhere") / "inventory", edit))


def test_postfix_hands_the_addresses_of_the_reports_over_one_message_at_a_time(usual: Host) -> None:
    assert f"\n{OWN} {INNER}\n" in usual.file("postfix", "postfix/system_aliases")
    main = usual.file("postfix", "postfix/main.cf.mx")
    assert "{ reports.stores.invalid = reports:unix:/run/malleposte-reports/lmtp.sock } }" in main
    # A mailbox of that address which is full or suspended stops no report.
    assert re.search(
        rf"^known_recipient_restrictions = check_recipient_access inline:\{{ \{{ {OWN} = OK \}} \}},$", main, re.M
    )
    assert re.search(r"^fast_flush_domains = .*\breports\.stores\.invalid$", main, re.M)
    assert re.search(r"^way_notices_recipient_restrictions = .*\n.*\{ reports\.stores\.invalid = 554 ", main, re.M)
    master = usual.file("postfix", "postfix/master.cf")
    assert re.search(
        r"^reports +unix +- +- +n +- +1 +lmtp\n(  -o .*\n)*  -o lmtp_send_xforward_command=yes$", master, re.M
    )


def test_an_address_elsewhere_leaves_postfix_as_it_was_and_the_daemon_off(usual: Host, elsewhere: Host) -> None:
    for file in ("system_aliases", "main.cf.mx", "master.cf"):
        assert "reports" not in elsewhere.file("postfix", f"postfix/{file}"), file
        assert "reports" in usual.file("postfix", f"postfix/{file}"), file
    present = "malleposte_services.reports.present | bool"
    assert (usual.value("reports_enabled | bool"), usual.value(present)) == (True, True)
    assert (elsewhere.value("reports_enabled | bool"), elsewhere.value(present)) == (False, False)
    units = "malleposte_services | academie.malleposte.manifest_units(group_names)"
    assert "malleposte-reports.service" in usual.value(units)
    assert "malleposte-reports.service" not in elsewhere.value(units)
    assert "/var/lib/malleposte-reports/copy" in usual.value("borgmatic_paths")


def test_no_mailbox_is_made_for_an_address_that_the_daemon_reads(usual: Host, elsewhere: Host, tmp_path: Path) -> None:
    assert OWN not in usual.value("accounts_addresses")
    assert "rapports@region.test" in elsewhere.value("accounts_addresses")

    def off(facts: Facts) -> None:
        facts["malleposte_reports"] = {"read": False}

    host = Host(given(tmp_path / "off", off))
    assert OWN in host.value("accounts_addresses") and host.value("postfix_reports_addresses") == []


def test_an_address_that_people_read_stays_theirs(tmp_path: Path) -> None:
    def edit(facts: Facts) -> None:
        facts["malleposte_dmarc"] = {"reports": facts["malleposte_operators"][0]}
        facts["malleposte_mta_sts"] = {"reports": f"tls@{DOMAIN}"}

    host = Host(given(tmp_path / "inventory", edit))
    assert host.value("postfix_reports_addresses") == [f"tls@{DOMAIN}"]


def test_the_daemon_reads_the_settings_of_the_role(usual: Host, tmp_path: Path) -> None:
    path = tmp_path / "reports.json"
    path.write_text(json.dumps(usual.value("__reports_settings")))
    settings = daemon.read(path)
    assert (settings.domain, settings.days) == (DOMAIN, 400)
    assert settings.named_sources().of_source("198.51.100.9") == ("relay", "Région")
    assert settings.named_sources().of_source(str(usual.value("ansible_host")))[0] == "ours"


def test_the_units_are_for_the_mail_server_and_root_alone_and_the_daemon_has_no_network(usual: Host) -> None:
    folder = "systemd/system/malleposte-reports"
    lmtp, asked = (usual.file("reports", f"{folder}{part}.socket") for part in ("", "-asked"))
    assert "ListenStream=/run/malleposte-reports/lmtp.sock\nSocketUser=postfix\nSocketMode=0600\n" in lmtp
    assert "ListenStream=/run/malleposte-reports/asked.sock\nSocketUser=root\nSocketMode=0600\n" in asked
    service = usual.file("reports", f"{folder}.service")
    for line in (
        "User=malleposte-reports",
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=AF_UNIX",
        "NoNewPrivileges=yes",
    ):
        assert f"\n{line}\n" in service
    assert "ExecStartPost=-+/usr/sbin/postqueue -s reports.stores.invalid\n" in service
    assert str(daemon.FOLDER) == "/var/lib/malleposte-reports" and "StateDirectory=malleposte-reports " in service
