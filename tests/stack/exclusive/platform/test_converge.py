"""A value that a daemon refuses stops the run without damage; a second run changes nothing."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.paths import ROOT
from malleposte.fleet import playbook


def deploy(site, **options) -> playbook.Report:
    return playbook.run(playbook.Options(site.inventory, **options), to_stderr=True, name="test-converge")


def unchanged(report: playbook.Report) -> dict[str, Any]:
    """Hosts on which something changed or failed, and the run's cause if it ended badly."""
    hosts = report.summary.get("hosts", {})
    wrong = {name: counts for name, counts in hosts.items() if counts["changed"] or counts.get("failures")}
    if report.code != 0 or not hosts:
        wrong["run"] = report.cause or f"exit code {report.code}, {len(hosts)} hosts"
    return wrong


@dataclass(frozen=True)
class Refusal:
    """A value for one role that its daemon refuses, a word of the reason, what runs and what is configured.

    Where the task handles secrets, its reason is shown on request (`<role>_no_log`), as the run itself says.
    """

    role: str
    value: dict[str, Any]
    reason: str
    unit: str
    configuration: str
    alive: str
    full: bool = True
    """Whether the value is tried in a full run alone; a few kinds of check are enough for the gate."""


REFUSALS = [
    Refusal(
        "postfix",
        {"postfix_main_overrides": {"smtpd_tls_security_level": "peut-etre"}},
        "smtpd_tls_security_level",
        "postfix.service",
        "/etc/postfix",
        "postfix status",
        full=False,
    ),
    Refusal(
        "dovecot",
        {"dovecot_tls_cert": "/etc/ssl/absent.pem"},
        "/etc/ssl/absent.pem",
        "dovecot.service",
        "/etc/dovecot",
        "doveadm service status lmtp",
    ),
    Refusal(
        "rspamd",
        {"rspamd_controller_bind": "ni hote ni port:x:y", "rspamd_no_log": False},
        "ni hote ni port",
        "rspamd.service",
        "/etc/rspamd",
        "rspamadm control stat",
    ),
    Refusal(
        "openldap",
        {"openldap_tls_ciphers": "AUCUN"},
        "AUCUN",
        "slapd.service",
        "/etc/ldap/slapd.d",
        "ldapwhoami -Q -Y EXTERNAL -H ldapi:///",
    ),
    Refusal(
        "radicale",
        {"radicale_collections": {"agenda": {"tag": "VJOURNAUX"}}},
        "VJOURNAUX",
        "radicale.service",
        "/etc/radicale",
        "curl -sf -X OPTIONS --unix-socket /run/radicale/http.sock http://x/",
    ),
    Refusal(
        "dav",
        {"dav_default_backend": "ailleurs"},
        "no back end is called 'ailleurs'",
        "dav-router.service",
        "/etc/malleposte",
        "curl -s -o /dev/null --unix-socket /run/dav-router.sock http://x/root",
    ),
    Refusal(
        "unbound",
        {"unbound_allow": ["300.1.2.3/8"]},
        "300.1.2.3",
        "unbound.service",
        "/etc/unbound",
        "unbound-control status",
    ),
    Refusal(
        "valkey",
        {"valkey_snapshots": ["toujours"], "valkey_no_log": False},
        "save",
        "valkey-server.service",
        "/etc/valkey",
        "test -S /run/valkey/valkey.sock",
    ),
    Refusal(
        "nginx",
        {"nginx_login_rate": "souvent"},
        "souvent",
        "nginx.service",
        "/etc/nginx",
        'curl -sf -H "Host: autoconfig.$(hostname -d)" http://127.0.0.1/mail/config-v1.1.xml',
        full=False,
    ),
    Refusal(
        "nftables",
        {"nftables_rules": [{"name": "trop", "port": 70000, "sources": ["any"]}]},
        "70000",
        "nftables.service",
        "/etc/nftables.conf",
        "nft list table inet malleposte",
    ),
    Refusal(
        "fail2ban",
        {"fail2ban_jails": ["inconnue"]},
        "inconnue",
        "fail2ban.service",
        "/etc/fail2ban",
        "fail2ban-client ping",
    ),
    Refusal(
        "sogo",
        {"sogo_time_zone": "Mars/Olympe", "sogo_no_log": False},
        "Mars/Olympe",
        "sogo.service",
        "/etc/sogo",
        "setpriv --reuid www-data --clear-groups timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/20000'",
    ),
]


def state(site, case: Refusal) -> tuple[str, str, str]:
    """Process, start time and a digest of the configuration."""
    shown = site.run("mail1", f"systemctl show -P MainPID -P ActiveEnterTimestampMonotonic {case.unit}")
    sums = site.run("mail1", f"find {case.configuration} -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum")
    return (*shown.split()[:2], sums) if len(shown.split()) >= 2 else (shown, "", sums)


@dataclass(frozen=True)
class Tried:
    """The result of all refusals: each run's message at its failure, and the states before and after."""

    said: dict[str, str]
    before: dict[str, tuple[str, str, str]]
    after: dict[str, tuple[str, str, str]]


def states(site, cases: list[Refusal]) -> dict[str, tuple[str, str, str]]:
    """The state of each case, by role."""
    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(lambda case: (case.role, state(site, case)), cases))


def role_of(case: Refusal, folder: Path) -> dict[str, Any]:
    """A block that runs a role with the bad value; what it fails with is kept. No role keeps the next from its turn."""
    failed = "{{ [ansible_failed_task.name, ansible_failed_result] | to_json }}"
    keep = {"content": failed, "dest": str(folder / case.role), "mode": "0600"}
    return {
        "name": f"Try {case.role}",
        "block": [
            {
                "name": f"Run {case.role}",
                "ansible.builtin.include_role": {"name": f"academie.malleposte.{case.role}"},
                "vars": case.value,
            },
        ],
        "rescue": [
            {
                "name": f"Keep what {case.role} said",
                "ansible.builtin.copy": keep,
                "delegate_to": "localhost",
                "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
            },
        ],
    }


@pytest.fixture(scope="module")
def tried(site, request, tmp_path_factory) -> Tried:
    """One play with every chosen bad value: each role as the site's play runs it, with the site's own variables."""
    chosen = [item.callspec.params.get("case") for item in request.session.items if item.path == request.path]
    cases = [case for case in REFUSALS if case in chosen]
    folder, said = tmp_path_factory.mktemp("refusals"), tmp_path_factory.mktemp("said")
    (folder / "group_vars").symlink_to(ROOT / "playbooks/group_vars")
    play = {"name": "Bad values", "hosts": "mail1", "tasks": [role_of(case, said) for case in cases]}
    (folder / "play.yml").write_text(json.dumps([play]), "utf-8")
    before = states(site, cases)
    report = deploy(site, playbook=folder / "play.yml")
    assert report.code == 0, report.cause
    return Tried({path.name: path.read_text("utf-8") for path in said.iterdir()}, before, states(site, cases))


@pytest.mark.parametrize(
    "case", [pytest.param(one, id=one.role, marks=[pytest.mark.full] * one.full) for one in REFUSALS]
)
def test_a_refused_value_stops_the_run_and_hurts_nothing(site, wait_for, tried, case):
    assert case.role in tried.said, "the run took a value that the daemon refuses"
    assert case.reason in tried.said[case.role], tried.said[case.role]
    assert tried.after[case.role] == tried.before[case.role], "the running service or its configuration was touched"
    site.run("mail1", f"systemctl restart {case.unit} && systemctl is-active {case.unit}")
    ping = f"{case.alive} >/dev/null 2>&1 && echo alive"
    wait_for(lambda: site.run("mail1", ping, check=False), 60, f"{case.unit} answers")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="deploy"),
        pytest.param({"check": True}, id="check", marks=pytest.mark.full),
        pytest.param({"linear": True}, id="linear", marks=pytest.mark.full),
    ],
)
def test_a_second_run_changes_nothing(site, options):
    """After the refusals, so that it also shows that nothing of them is left."""
    report = deploy(site, **options)
    assert not unchanged(report)
    wanted = options.get("limit", "mail1,pia1,vault1,vault2,world").split(",")
    assert set(report.summary["hosts"]) >= set(wanted)
