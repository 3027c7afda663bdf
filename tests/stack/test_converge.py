"""A second run changes nothing; a value that a daemon refuses stops the run and hurts nothing."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from malleposte import playbook


def deploy(site, **options) -> playbook.Report:
    return playbook.run(playbook.Options(site.inventory, **options), to_stderr=True, name="test-converge")


def unchanged(report: playbook.Report) -> dict[str, Any]:
    """Hosts on which something changed or failed, and the run's cause if it ended badly."""
    hosts = report.summary.get("hosts", {})
    wrong = {name: counts for name, counts in hosts.items() if counts["changed"] or counts.get("failures")}
    if report.code != 0 or not hosts:
        wrong["run"] = report.cause or f"exit code {report.code}, {len(hosts)} hosts"
    return wrong


@pytest.mark.parametrize("options", [{}, {"check": True}, {"linear": True}], ids=["deploy", "check", "linear"])
def test_a_second_run_changes_nothing(site, options):
    report = deploy(site, **options)
    assert not unchanged(report)
    assert set(report.summary["hosts"]) >= {"mail1", "pia1", "vault1", "vault2", "world"}


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


REFUSALS = [
    Refusal(
        "postfix",
        {"postfix_main_overrides": {"smtpd_tls_security_level": "peut-etre"}},
        "smtpd_tls_security_level",
        "postfix.service",
        "/etc/postfix",
        "postfix status",
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
        "timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/20000'",
    ),
]


def state(site, case: Refusal) -> tuple[str, str, str]:
    """Process, start time and a digest of the configuration."""
    shown = site.run("mail1", f"systemctl show -P MainPID -P ActiveEnterTimestampMonotonic {case.unit}")
    sums = site.run("mail1", f"find {case.configuration} -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum")
    return (*shown.split()[:2], sums) if len(shown.split()) >= 2 else (shown, "", sums)


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.role)
def test_a_refused_value_stops_the_run_and_hurts_nothing(site, wait_for, case):
    before = state(site, case)
    bad = deploy(site, limit="mail1", tags=case.role, extra=(json.dumps(case.value),))
    assert bad.code != 0, "the run took a value that the daemon refuses"
    assert case.reason in bad.cause, bad.cause
    assert state(site, case) == before, "the running service or its configuration was touched"
    site.run("mail1", f"systemctl restart {case.unit} && systemctl is-active {case.unit}")
    ping = f"{case.alive} >/dev/null 2>&1 && echo alive"
    wait_for(lambda: site.run("mail1", ping, check=False), 60, f"{case.unit} answers")


def test_it_is_converged_after_all_refusals(site):
    """Runs after the refusals: nothing of them is left."""
    assert not unchanged(deploy(site, limit="mail1"))
