"""`malleposte check`: each fault is one line that names file, line and key; exit codes; nothing is written."""

import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.resolver
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from malleposte import cli
from malleposte.check import findings, hosts, platform, recipients, run, sources, specs, values
from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.paths import ROOT
from malleposte.fleet import playbook
from malleposte.fleet.site import Site, Vault
from malleposte.fleet.updates import Note

from tests.support.inventories import FACTS, copied, with_hosts
from tests.support.sign_on import OWN_PROVIDER
from tests.unit.fleet import test_updates as updates

Case = dict[str, str]
AT_ONCE = 12
ADDED_BEFORE = "malleposte_domain:"
"""The text before which faults put one variable more."""
CASES: list[Case] = yaml.safe_load((ROOT / "tests/data/inventories.yml").read_text("utf-8"))


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the standalone inventory with facts that it could leave out, the current folder beside it."""
    folder = copied(tmp_path / "mine")
    shutil.copyfile(ROOT / "tests/data/every-fact.yml", folder / FACTS)
    monkeypatch.chdir(tmp_path)
    return folder


def edit(path: Path, old: str, new: str) -> str:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return text.replace(old, new)


def texts(report: run.Report) -> list[str]:
    return [one.text() for one in report.findings]


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("name", "lab"), [("fleet", "mpf"), ("lab", "mp"), ("standalone", "")])
def test_the_inventories_shipped_here_are_right(name: str, lab: str, tmp_path: Path) -> None:
    copy = copied(tmp_path / name, name)
    (tmp_path / "resolvers").write_text("192.0.2.53\n")
    if lab:
        edit(copy / "hosts.yml", f"lab_state: /var/lib/malleposte/lab/{lab}\n", f"lab_state: {tmp_path}\n")
    before = tree(copy)
    report = run.check(copy, online=False)
    assert [one.text() for one in report.findings if one.level in (Level.WRONG, Level.FAILING)] == []
    assert tree(copy) == before, "check wrote into the inventory"


def test_what_lies_beside_the_file_of_hosts_is_no_inventory(inventory: Path) -> None:
    """A file without ending was one host for each of its lines."""
    groups = Site(inventory).groups
    for name in ("README", "deploy.log", "agents.txt", "more.yml"):
        (inventory / name).write_text("stranger:\n", "utf-8")
    assert Site(inventory).groups == groups
    report = run.check(inventory, online=False)
    told = [one.text() for one in report.findings if "more.yml" in one.text() or "README" in one.text()]
    assert told == ["mine/more.yml: warning: is not read: the hosts of an inventory stand in its hosts.yml alone"]
    (inventory / "hosts.yml").rename(inventory / "all.yml")
    assert "stranger" in Site(inventory).groups, "without that file, all are read as before"


def apart(case: Case, other: Case) -> bool:
    """Whether one inventory can hold two faults: neither is of the other's variable, or takes the other's text away."""
    texts, variables = ({one["replace"] for one in (case, other)}, {first_word(one["says"]) for one in (case, other)})
    return len(variables) == 2 and (len(texts) == 2 or case["replace"] == ADDED_BEFORE)


def first_word(text: str) -> str:
    return text.replace(":", " ").replace(".", " ").replace("[", " ").split()[0]


def together(cases: Sequence[Case]) -> list[list[Case]]:
    """Return the faults that one run can name together."""
    batches: list[list[Case]] = []
    for case in cases:
        free = (one for one in batches if len(one) < AT_ONCE and not one[0].get("alone"))
        batch = next((one for one in free if all(apart(case, other) for other in one)), None)
        if batch is None or case.get("alone"):
            batches.append([case])
        else:
            batch.append(case)
    return batches


def line_of(case: Case, inventory: Path) -> str:
    """The line that must be said."""
    file, at = case.get("file", FACTS), case.get("at", case["by"])
    above = (inventory / file).read_text("utf-8").partition(at)[0] if at else ""
    return f"mine/{file}{f':{above.count(chr(10)) + 1}' if at else ''}: {case['says']}"


@pytest.mark.parametrize("cases", together(CASES), ids=lambda cases: cases[0]["name"])
def test_a_fault_is_one_line_that_names_file_line_and_key(cases: list[Case], inventory: Path) -> None:
    for case in cases:
        edit(inventory / case.get("file", FACTS), case["replace"], case["by"])
    report = run.check(inventory, online=False)
    assert [case["name"] for case in cases if line_of(case, inventory) not in texts(report)] == []
    assert report.code is ExitCode.BAD_INPUT


@pytest.mark.parametrize("name", ["a misspelt fact", "a text for a number", "a role's port on another's"])
def test_one_fault_gives_one_line(name: str, inventory: Path) -> None:
    case = next(case for case in CASES if case["name"] == name)
    edit(inventory / case.get("file", FACTS), case["replace"], case["by"])
    wrong = [one for one in run.check(inventory, online=False).findings if one.level is Level.WRONG]
    assert len(wrong) == 1


def test_templates_may_make_what_is_converted(inventory: Path) -> None:
    edit(inventory / FACTS, "message_size_mb: 50", "message_size_mb: \"{{ '5' ~ '0' }}\"")
    edit(inventory / FACTS, 'phone: "03 00 00 00 00"', 'phone: "{{ 17 }}"')
    edit(inventory / FACTS, "malleposte_domain:", "base_journal_max_use: '{{ ansible_facts.x }}'\nmalleposte_domain:")
    assert run.check(inventory, online=False).code is ExitCode.DONE


def test_a_value_kept_by_ansible_vault_is_taken_as_it_is(inventory: Path) -> None:
    sealed = "!vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    3031\n"
    edit(inventory / FACTS, "malleposte_academy_name: académie d’Exemple\n", f"malleposte_academy_name: {sealed}")
    alarms, vault, *_notes = texts(run.check(inventory, online=False))
    assert alarms.startswith("mine/hosts.yml: malleposte_alarms: warning:")
    assert vault.startswith("mine/hosts.yml: vault: warning:")


def with_two(inventory: Path, group: str) -> Path:
    return with_hosts(inventory, group, autre1="192.0.2.21", autre2="192.0.2.22")


@pytest.mark.parametrize("group", platform.ONE)
def test_two_hosts_that_would_each_keep_a_state_of_their_own_are_refused(inventory: Path, group: str) -> None:
    report = run.check(with_two(inventory, group), online=False)
    assert report.code is ExitCode.BAD_INPUT
    (finding,) = [one for one in report.findings if one.key == group]
    assert finding.message.startswith("2 hosts (autre1, autre2); ") and finding.message.endswith(": leave one")


def test_a_deploy_does_not_begin_where_two_hosts_would_each_keep_a_state(inventory: Path) -> None:
    assert run.check(inventory, online=False).code is ExitCode.DONE
    group = next(iter(platform.ONE))
    said = list[str]()
    with pytest.raises(InputError, match="nothing was changed on any host"):
        run.gate(with_two(inventory, group), said.append)
    assert any(f"{group}: 2 hosts (autre1, autre2)" in line for line in said)


def test_two_portals_would_open_to_the_password_alone(inventory: Path) -> None:
    (told,) = [one for one in texts(run.check(with_two(inventory, "portal"), online=False)) if "autre1" in one]
    assert "second factors and log-ins would be each host's own" in told and "password alone" in told


@pytest.mark.parametrize("group", platform.SEVERAL)
def test_several_hosts_that_need_each_other_for_nothing_are_right(inventory: Path, group: str) -> None:
    report = run.check(with_two(inventory, group), online=False)
    assert report.code is ExitCode.DONE and not [one for one in report.findings if one.key == group]


def test_the_secrets_that_will_be_made_are_named_and_not_made(inventory: Path) -> None:
    note = run.check(inventory, online=False).findings[-1]
    assert note.level is Level.NOTE
    assert "valkey" in note.message
    assert "dkim-mp1-ac-exemple.test" in note.message
    assert "internal-ca" not in note.message, "it is for another source of certificates"
    assert not (inventory / "secrets").exists()


def test_no_secret_is_announced_that_no_host_will_have(inventory: Path) -> None:
    """A host without a vault has no archives, one that is no portal asks accountd nothing."""

    def announced() -> set[str]:
        return set(run.check(inventory, online=False).findings[-1].message.rpartition(": ")[2].split(", "))

    assert not {name for name in announced() if name.startswith(("accountd-", "borg-", "database-"))}
    with_hosts(inventory, "portal", pia1="192.0.2.11")
    with_hosts(inventory, "vault", coffre1="192.0.2.21", coffre2="192.0.2.22")
    pairs = [f"{client}-{vault}" for client in ("mail1", "pia1") for vault in ("coffre1", "coffre2")]
    wanted = {
        "accountd-pia1",
        "accountd-sso-pia1",
        *(f"borg-{pair}" for pair in pairs),
        *(f"borg-ssh-{pair}" for pair in pairs),
    }
    assert {name for name in announced() if name.startswith(("accountd-", "borg-", "database-"))} == wanted


def test_secrets_that_others_may_read_are_refused(inventory: Path) -> None:
    folder = inventory / "secrets"
    folder.mkdir(mode=0o750)
    (folder / "valkey").write_text("x\n")
    folder.chmod(0o750)
    (folder / "valkey").chmod(0o644)
    said = texts(run.check(inventory, online=False))
    assert "mine/secrets: others may read it (mode 0750): chmod 0700" in said
    assert "mine/secrets/valkey: others may read it (mode 0644): chmod 0600" in said


@pytest.mark.parametrize("content", ["", "\n", "  \n\n"])
def test_a_secret_that_holds_nothing_is_refused(inventory: Path, content: str) -> None:
    folder = inventory / "secrets"
    folder.mkdir(mode=0o700)
    for name, text in (("valkey", content), ("valkey-sso", "x\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    told = run.check(inventory, online=False)
    assert [one.text() for one in told.findings if one.level is Level.WRONG] == [
        "mine/secrets/valkey: is empty: put its content back, or remove the file to have a new one made"
    ]


class Dns:
    """A resolver of a few names."""

    def resolve(self, name: str, kind: str) -> object:
        if name == "silent.test":
            raise dns.resolver.LifetimeTimeout
        records: dict[str, dict[str, list[object]]] = {
            "takes.test": {"MX": [SimpleNamespace(exchange="mx.takes.test.")]},
            "null.test": {"MX": [SimpleNamespace(exchange=".")]},
            "bare.test": {"A": ["192.0.2.1"]},
            "text.test": {},
        }
        if name not in records:
            raise dns.resolver.NXDOMAIN
        if kind not in records[name]:
            raise dns.resolver.NoAnswer
        return records[name][kind]


@pytest.mark.parametrize(
    ("domain", "right"),
    [
        ("takes.test", True),
        ("bare.test", True),
        ("silent.test", True),  # no answer says nothing of the domain
        ("null.test", False),
        ("text.test", False),
        ("gone.test", False),
    ],
)
def test_a_domain_takes_mail_as_the_dns_says(monkeypatch: pytest.MonkeyPatch, domain: str, right: bool) -> None:
    monkeypatch.setattr(dns.resolver, "Resolver", Dns)
    assert recipients.takes_mail(domain) is right


def test_operators_whose_domain_takes_no_mail_are_found_when_the_hosts_are_asked(
    inventory: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "takes_mail", lambda domain: domain != "nulle-part.fr")
    assert list(recipients.unpublished(reader)) == []
    edit(inventory / FACTS, "malleposte_operators: [dsi@ac-exemple.test]", "malleposte_operators: [dsi@nulle-part.fr]")
    told = Reader(sources.read(inventory), Site(inventory), specs.all_specs())
    (found,) = [one for one in recipients.unpublished(told) if one.key == "malleposte_operators[0]"]
    assert found.level is Level.FAILING and found.message.startswith("the domain nulle-part.fr takes no mail: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_secrets_of_somebody_else_are_refused(inventory: Path) -> None:
    folder = inventory / "secrets"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, -1)
    assert "mine/secrets: belongs to the uid 65534: chown it to 0" in texts(run.check(inventory, online=False))


def test_a_block_is_refused_where_the_directory_is_elsewhere(inventory: Path, tmp_path: Path) -> None:
    """The host that counts recipients could not do it; where both are one host, it can."""

    def findings(where: Path) -> list[str]:
        file = where / "group_vars/malleposte/platform.yml"
        file.write_text(file.read_text("utf-8") + "malleposte_outbound_block: true\n", "utf-8")
        told = run.check(where, online=False).findings
        return [one.text() for one in told if one.level is Level.WRONG and "outbound" in one.text()]

    assert findings(inventory) == []
    (told,) = findings(copied(tmp_path / "fleet", "fleet"))
    assert "malleposte_outbound_block: mail1 counts recipients, and cannot block" in told


def wrong(inventory: Path, fact: str, text: str) -> list[str]:
    """The refusal of a fact that a file of its own gives."""
    (inventory / f"group_vars/malleposte/{fact}.yml").write_text(text, "utf-8")
    told = run.check(inventory, online=False).findings
    return [one.text() for one in told if one.level is Level.WRONG and f"malleposte_{fact}" in one.text()]


def test_a_gateway_of_text_messages_needs_its_networks(inventory: Path) -> None:
    def findings(networks: str) -> list[str]:
        gateway = f"malleposte_sms: {{url: https://sms.exemple.fr/, networks: {networks}}}\n"
        return wrong(inventory, "sms", gateway)

    assert findings("[192.0.2.0/24]") == []
    (told,) = findings("[]")
    assert "malleposte_sms.networks: is empty: accountd could not reach the gateway" in told


def alarms(inventory: Path, given: str, level: Level) -> list[str]:
    """Findings about the people whom the platform calls."""
    (inventory / "group_vars/malleposte/alarms.yml").write_text(given, "utf-8")
    told = run.check(inventory, online=False).findings
    return [one.text() for one in told if one.level is level and "malleposte_alarms" in one.text()]


def test_reports_at_an_address_that_people_read_are_read_by_nobody_and_that_is_said(inventory: Path) -> None:
    def told(given: str) -> list[str]:
        (inventory / "group_vars/malleposte/zz-reports.yml").write_text(given, "utf-8")
        found = run.check(inventory, online=False).findings
        return [one.text() for one in found if one.level is Level.WARNING and "no report is read there" in one.text()]

    (line,) = told("malleposte_dmarc: {reports: dsi@ac-exemple.test}\n")
    assert "malleposte_dmarc.reports: warning: people read dsi@ac-exemple.test for other things" in line
    assert told("malleposte_dmarc: {reports: rapports@region.test}\n") == []
    assert told("malleposte_dmarc: {reports: rapports@ac-exemple.test}\n") == []
    assert told("malleposte_dmarc: {reports: dsi@ac-exemple.test}\nmalleposte_reports: {read: false}\n") == []


CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{networks: [192.0.2.0/24]}", "ca: holds no certificate in PEM"),
        ("{networks: [192.0.2.0/24], ca: /etc/ca.pem}", "ca: holds no certificate in PEM"),
        (f"{{ca: '{CERTIFICATE}'}}", "networks: is empty"),
        (f"{{networks: [192.0.2.0/24], ca: '{CERTIFICATE}'}}", ""),
        ("{}", ""),
    ],
)
def test_the_region_s_supervision_needs_networks_and_an_authority(inventory: Path, given: str, says: str) -> None:
    (inventory / "group_vars/malleposte/region.yml").write_text(f"malleposte_region_metrics: {given}\n", "utf-8")
    findings = run.check(inventory, online=False).findings
    told = [one.text() for one in findings if "malleposte_region_metrics" in one.text()]
    assert len(told) == bool(says)
    assert all(says in one for one in told)


SMS = "malleposte_sms: {url: https://sms.exemple.fr/, networks: [192.0.2.0/24]}\n"
RELAY = "relay: {host: relais.exemple.fr, sender: a@exemple.fr, networks: [192.0.2.0/24]}"


def test_without_any_way_alarms_reach_nobody_and_that_is_said(inventory: Path) -> None:
    for given in ("", SMS):
        (told,) = alarms(inventory, given, Level.WARNING)
        assert "alarms reach nobody, and what fails is found by whoever happens to ask" in told
    for given in (
        f'{SMS}malleposte_alarms: {{numbers: ["+33612345678"]}}\n',
        f"malleposte_alarms: {{mails: [astreinte@exemple.fr], {RELAY}}}\n",
    ):
        assert alarms(inventory, given, Level.WARNING) == alarms(inventory, given, Level.WRONG) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (f'{SMS}malleposte_alarms: {{numbers: ["0612345678"]}}', "numbers[0]: '0612345678' is no telephone"),
        ('malleposte_alarms: {numbers: ["+33612345678"]}', "numbers: no gateway sends to them"),
        ("malleposte_alarms: {mails: [astreinte@exemple.fr]}", "mails: no relay sends to them"),
        (f"malleposte_alarms: {{mails: [dsi@ac-exemple.test], {RELAY}}}", "mails[0]: dsi@ac-exemple.test is of the"),
        (
            "malleposte_alarms: {mails: [a@exemple.fr], relay: {host: relais.exemple.fr, sender: a@exemple.fr}}",
            "relay.networks: is missing",
        ),
    ],
)
def test_a_way_of_alarms_is_whole(inventory: Path, given: str, says: str) -> None:
    assert any(says in told for told in alarms(inventory, f"{given}\n", Level.WRONG))


def test_school_holidays_have_a_zone_and_one_source(inventory: Path) -> None:
    def findings(given: str) -> list[str]:
        return wrong(inventory, "school_holidays", f"malleposte_school_holidays: {given}\n")

    event = "BEGIN:VEVENT\\nUID:1\\nDTSTART:20270105T090000Z\\nEND:VEVENT"
    file = f'file: "BEGIN:VCALENDAR\\nVERSION:2.0\\n{event}\\nEND:VCALENDAR"'
    url = "url: https://vacances.ac-exemple.test/b.ics"
    for right in ("{}", f"{{zone: B, {url}}}", f"{{zone: B, {file}}}", f"{{zone: La Réunion, {url}}}"):
        assert findings(right) == [], right
    for given, says in (
        (f"{{{url}}}", "malleposte_school_holidays.zone: is missing"),
        (f"{{zone: '(B)', {url}}}", "malleposte_school_holidays.zone: '(B)' is no name of a zone"),
        ("{zone: B}", "malleposte_school_holidays: neither url nor file is given"),
        (f"{{zone: B, {url}, {file}}}", "malleposte_school_holidays: url and file are both given"),
        ("{zone: B, file: vacances.ics}", "malleposte_school_holidays.file: the file: not an iCalendar file"),
        ("{zone: B, url: 'http://vacances.ac-exemple.test/'}", "is not an https address"),
    ):
        (told,) = findings(given)
        assert says in told, told


def test_a_day_of_work_ends_after_its_beginning(inventory: Path) -> None:
    def findings(given: str) -> list[str]:
        return wrong(inventory, "agenda", f"malleposte_agenda: {given}\n")

    assert findings("{day_start: 7, day_end: 19, week_start: sunday}") == []
    for given in ("{day_start: 19}", "{day_end: 24}", "{day_start: 9, day_end: 9}"):
        (told,) = findings(given)
        assert "malleposte_agenda.day_end: " in told


def test_the_hours_of_a_class_are_slots(inventory: Path) -> None:
    def findings(slot: str) -> list[str]:
        return wrong(inventory, "profiles", f"malleposte_profiles: {{roundcube: {{hours: ['{slot}']}}}}\n")

    assert findings("12345 08:00-18:00") == []
    for slot in ("12345 18:00-08:00", "8 08:00-18:00", "le matin"):
        (told,) = findings(slot)
        assert "malleposte_profiles.roundcube.hours[0]: " in told or "malleposte_profiles.roundcube.hours.0: " in told


def test_the_help_desk_has_hours_as_times_or_in_words(inventory: Path) -> None:
    def findings(given: str) -> list[str]:
        support = f'malleposte_support: {{phone: "1", mail: aide@ac-exemple.test{given}}}\n'
        return wrong(inventory, "support", support)

    assert findings(', opening: [{days: [monday], from: "08:30", to: "17:00"}]') == []
    assert findings(", hours: le matin") == []
    (told,) = findings("")
    assert "malleposte_support.opening: is missing: letters could not say when the help desk answers" in told
    (told,) = findings(', opening: [{days: [lundi], from: "08:30", to: "17:00"}]')
    assert "malleposte_support.opening" in told and "lundi" in told


def test_a_provider_of_the_academy_s_own_is_whole_or_is_refused(inventory: Path) -> None:
    def findings(**changed: Any) -> list[str]:
        said = {key: value for key, value in (OWN_PROVIDER | changed).items() if value is not None}
        return wrong(inventory, "sso", yaml.safe_dump({"malleposte_sso": said}, sort_keys=False))

    assert findings() == []
    (told,) = findings(issuer="http://id.autre.test/")
    assert told.startswith(
        "mine/group_vars/malleposte/sso.yml:2: malleposte_sso.issuer: 'http://id.autre.test/' is not an"
    )
    assert findings(token_endpoint=None) == [
        "mine/group_vars/malleposte/sso.yml:1: malleposte_sso: the key token_endpoint is missing"
    ]
    (told,) = findings(algorithms=["ES256", "HS256"])
    assert "malleposte_sso.algorithms[1]: 'HS256' is none of RS256, PS256, ES256" in told
    (told,) = findings(jwks={"keys": []})
    assert "malleposte_sso.jwks.keys: no key for ES256; see what its jwks_uri answers" in told
    (told,) = findings(isuer="https://id.autre.test/")
    assert "no such key; did you mean issuer?" in told


def test_ports_are_compared_across_the_groups_of_a_host(inventory: Path) -> None:
    services = {"a": {"group": "mail", "listen": [{"name": "a", "port": 8443}]},
                "b": {"group": ["web", "portal"], "listen": [{"name": "b", "port": 8443}]},
                "c": {"group": "portal", "listen": [{"name": "c", "port": 8443, "proto": "udp"}]},
                "d": {"group": "vault", "listen": [{"name": "d", "port": 8443}]}}  # fmt: skip
    (inventory / "group_vars/malleposte/more.yml").write_text(yaml.safe_dump({"malleposte_services": services}))
    wrong = [one for one in run.check(inventory, online=False).findings if one.level is Level.WRONG]
    assert [one.text() for one in wrong] == [
        "mine/group_vars/malleposte/more.yml:6: malleposte_services.a.listen[0].port: "
        "port 8443/tcp of mail1 is wanted by a and by b"
    ]


# ---- hosts ---------------------------------------------------------------------------------------------------------

FINE = {
    "id": "debian", "version": "13", "user": "0", "machine": "m1", "client": "192.0.2.5", "memory_kb": "4000000",
    "free_kb /": "9000000", "free_kb /var": "9000000", "free_kb /srv": "9000000", "now": "1000",
}  # fmt: skip


@pytest.fixture
def reader(inventory: Path) -> Reader:
    return Reader(sources.read(inventory), Site(inventory), specs.all_specs())


def answer(told: Mapping[str, str], host: str = "mail1") -> hosts.Answer:
    return hosts.Answer(host, {**FINE, **told}, "", 1000, 1001)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({}, None),
        ({"user": "1000"}, "mail1: the log-in is not root: set ansible_user: root, or ansible_become: true with sudo"),
        ({"version": "12"}, "mail1: runs debian 12; Debian 13 is needed"),
        ({"id": "ubuntu", "version": "24.04"}, "mail1: runs ubuntu 24.04; Debian 13 is needed"),
        ({"now": "900"}, "mail1: its clock differs from this machine's by 100 s"),
        ({"now": "1101"}, "mail1: its clock differs from this machine's by 100 s"),
        ({"now": "1020"}, None),
        ({"memory_kb": "1000000"}, "mail1: has 976 MB of memory; its services need 3050 "),
        ({"free_kb /var": "1024"}, "mail1: /var has 1 MB free; 1000 are needed"),
        ({"free_kb /srv": "1048576"}, "mail1: /srv has 1024 MB free; 2000 are needed"),
        ({"unread": '[{"uid": "dsi", "mail": "dsi@ac-exemple.test"}, {"uid": "x", "mail": "x@ac-exemple.test"}]'},
         "mail1: warning: nobody reads dsi@ac-exemple.test: `malleposte accounts box delegate dsi UID`"),
        ({"unread": "[]"}, None),
        ({"client": "198.51.100.4"}, "mine/group_vars/malleposte/platform.yml:23: malleposte_networks.admin: this "
                                     "machine reaches mail1 from 198.51.100.4, which is in none of these"),
    ],
)  # fmt: skip
def test_a_host_that_is_not_fit(told: dict[str, str], text: str | None, reader: Reader) -> None:
    found = [one.text() for one in hosts.findings(reader, [answer(told)])]
    assert len(found) == (1 if text else 0), found
    assert text is None or found[0].startswith(text)


def test_clamav_takes_memory(inventory: Path) -> None:
    def needed() -> Any:
        return Reader(sources.read(inventory), Site(inventory), specs.all_specs()).derived("mail1", hosts.SERVICES_MB)

    without = needed()
    edit(inventory / FACTS, "malleposte_antivirus: false", "malleposte_antivirus: true")
    assert needed() - without == 1500


def test_security_updates_are_a_finding_by_host(reader: Reader) -> None:
    old = {**updates.answers(read=str(int(updates.NOW - 3 * updates.DAY))), "now": str(int(updates.NOW))}
    bare = {**updates.answers(updates.STATUS + updates.MAIN), "now": str(int(updates.NOW))}
    waits = {**updates.answers(note=Note(updates.NOW, updates.WAITING[1:]).text()), "now": str(int(updates.NOW))}
    silent = {**updates.answers(policy=""), "now": str(int(updates.NOW))}

    def found(told: Mapping[str, str]) -> list[Finding]:
        one = hosts.Answer("mail1", {**FINE, **told}, "", updates.NOW, updates.NOW)
        return list(hosts.findings(reader, [one]))

    (none,) = found(bare)
    assert none.text().startswith(
        "mail1: warning: no security updates: no suite with the label Debian-Security is among"
    )
    assert none.as_dict()["host"] == "mail1" and none.as_dict()["level"] == "warning"
    assert ["its package lists were last read 2026-11-26, 3 days ago" in one.text() for one in found(old)] == [True]
    (note,) = found(waits)
    assert note.level is Level.NOTE
    assert note.message == "1 security update waiting since 2026-11-28: libssl3t64"
    assert ["apt gives no answer" in one.text() for one in found(silent)] == [True]
    assert found({**updates.answers(), "now": str(int(updates.NOW))}) == []


def test_one_machine_under_two_names_is_a_warning(reader: Reader) -> None:
    (found,) = hosts.findings(reader, [answer({}), answer({}, "other")])
    assert (found.level, found.host) == (Level.WARNING, "other")


def test_a_host_that_cannot_be_reached(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = {"host": "127.0.0.1", "user": "root", "port": 1, "key": "", "ssh_args": "", "kind": "ssh", "become": False}
    monkeypatch.setattr(reader.site, "connection", lambda _: closed)
    (one,) = hosts.ask_all(reader, ["mail1"])
    (found,) = hosts.findings(reader, [one])
    assert found.level is Level.FAILING
    assert "mail1: cannot be reached: ssh: connect to host 127.0.0.1 port 1" in found.text()


def test_the_question_is_answered_by_this_machine() -> None:
    local = {"kind": "local", "become": False}
    one = hosts.ask("here", local)
    assert one.reason == ""
    assert one.facts["id"] == "debian"
    assert one.memory_mb > 100
    assert int(one.facts["free_kb /"]) > 0
    assert one.asked - 1 <= float(one.facts["now"]) <= one.answered


# ---- the command and the gate --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "code"),
    [([], 0), ([Level.NOTE, Level.WARNING], 0), ([Level.FAILING], 1), ([Level.FAILING, Level.WRONG], 2)],
)
def test_the_worst_finding_makes_the_exit_code(levels: list[Level], code: int) -> None:
    assert findings.exit_code([Finding(level, "x") for level in levels]) == code


@pytest.mark.skipif(os.geteuid() != 0, reason="changes to another user")
def test_an_inventory_without_secrets_is_checked_offline_by_anybody(inventory: Path, tmp_path: Path) -> None:
    """And with secrets, which are root's, or with hosts to ask, by root alone."""
    inventory.chmod(0o755)
    for folder in inventory.parents:
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)

    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)

    def checked(*words: str) -> subprocess.CompletedProcess[str]:
        typed = [sys.executable, "-P", "-m", "malleposte", "check", "-i", str(inventory), *words]
        env = {**os.environ, "HOME": str(home), "MALLEPOSTE_ROOT": str(ROOT), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            typed,
            user=65534,
            group=65534,
            extra_groups=[],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )

    done = checked("--offline")
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "check: 2 warning" in done.stdout.splitlines()[-1]
    assert "run this with sudo" in checked().stderr
    (inventory / "secrets").mkdir(mode=0o700)
    assert "run this with sudo" in checked("--offline").stderr


def test_check_as_json(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(inventory / FACTS, "policy: reject", "policy: rejet")
    assert cli.main(["check", "-i", str(inventory), "--offline", "--json"]) == ExitCode.BAD_INPUT
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["exit_code"], told["findings"][0]["key"]) == (False, 2, "malleposte_dmarc.policy")


Ran = list[str]


@pytest.fixture
def no_playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Notes what would have run, hosts asked or playbooks begun; each ends the test's own way."""
    ran: Ran = []
    monkeypatch.setattr(playbook, "VAR", tmp_path / "var")

    def noting(name: str) -> Callable[..., Any]:
        def note(*_: object, **__: object) -> Any:
            ran.append(name)
            raise MallepostError("stopped by the test")

        return note

    monkeypatch.setattr("malleposte.fleet.playbook.run", noting("playbook"))
    monkeypatch.setattr("malleposte.check.hosts.ask", noting("ssh"))
    return ran


def test_deploy_touches_no_host_when_the_inventory_is_wrong(
    inventory: Path, no_playbook: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(inventory / FACTS, "malleposte_hostnames:", "malleposte_hostname:")
    assert cli.main(["deploy", "-i", str(inventory)]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("mine/hosts.yml") or "did you mean malleposte_hostnames?" in said[0]
    assert said[-1] == "malleposte: the check found 1 fault, told above; nothing was changed on any host"
    assert no_playbook == []
    assert not (inventory / "secrets").exists()


def test_a_second_deploy_is_refused_before_any_host_is_asked(
    inventory: Path, no_playbook: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    with playbook.only_one(inventory):
        assert cli.main(["deploy", "-i", str(inventory)]) == ExitCode.FAILURE
    assert "another run on inventory" in capsys.readouterr().err
    assert no_playbook == []
    assert cli.main(["deploy", "-i", str(inventory)]) == ExitCode.FAILURE
    assert no_playbook == ["ssh"]


def test_deploy_goes_on_by_force(inventory: Path, no_playbook: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    edit(inventory / FACTS, "malleposte_hostnames:", "malleposte_hostname:")
    assert cli.main(["deploy", "-i", str(inventory), "--force"]) == ExitCode.FAILURE
    assert "did you mean malleposte_hostnames?" in capsys.readouterr().err
    assert no_playbook == ["playbook"]


def test_a_limit_that_names_nobody(inventory: Path) -> None:
    with pytest.raises(InputError, match="--limit"):
        run.check(inventory, limit="nobody")


def test_a_vault_password_file_that_is_not_there(inventory: Path) -> None:
    assert "no-such-file" in texts(run.check(inventory, online=False, vault=Vault("no-such-file")))[0]


def test_values_below_a_template_are_read_as_made() -> None:
    spec = {"type": "dict", "options": {"a": {"type": "int"}}}
    assert list(values.faults({"a": "3"}, spec, templated=lambda _: True)) == []
    assert list(values.faults({"a": "3"}, spec, templated=lambda _: False)) != []


def test_the_names_that_lead_to_the_operators_are_those_of_postfix() -> None:
    defaults = yaml.safe_load((ROOT / "roles/postfix/defaults/main.yml").read_text("utf-8"))
    assert list(platform.SYSTEM_NAMES) == defaults["postfix_system_aliases"]


@pytest.mark.parametrize(("colour", "right"), [("#000091", True), ("#37beff", False), ("#00f", False), ("blue", False)])
def test_a_colour_bears_white_text(colour: str, right: bool) -> None:
    assert values.FORMATS["colour"][0](colour) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("", True),
        ('<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1"/></svg>', True),
        ('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', False),
        ('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', False),
        ("<html/>", False),
        ("logo.svg", False),
    ],
)
def test_a_picture_is_svg_that_runs_nothing(text: str, right: bool) -> None:
    assert values.FORMATS["picture"][0](text) is right


def test_a_private_root_is_one_authority_that_python_accepts() -> None:
    right = values.FORMATS["root"][0]
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    assert right(authority(usage)) and right("")
    signs_nothing = x509.KeyUsage(True, False, False, False, False, False, True, False, False)
    assert not right(authority(signs_nothing)), "it may not sign certificates"
    assert not right(authority(usage, ca=False)), "it is no authority"
    assert not right(authority(None)), "Python 3.13 refuses an authority without key usage"
    assert not right(authority(usage) * 2), "Debian's store takes one certificate a file"
    assert not right("-----BEGIN CERTIFICATE-----")


def authority(usage: x509.KeyUsage | None, ca: bool = True) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Autorité privée")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if usage:
        made = made.add_extension(usage, critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
