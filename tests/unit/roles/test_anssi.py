"""Kernel settings that ANSSI-BP-028 asks for: the role's, since a container has those of the machine beneath."""

import pytest
import yaml
from malleposte.core.paths import ROOT

WANTED = {
    "R9": "kernel.dmesg_restrict=1 kernel.kptr_restrict=2 kernel.perf_event_paranoid=2 kernel.randomize_va_space=2 "
    "kernel.sysrq=0 kernel.unprivileged_bpf_disabled=1",
    "R11": "kernel.yama.ptrace_scope=1",
    "R12": "net.core.bpf_jit_harden=2 net.ipv4.ip_forward=0 net.ipv4.conf.all.accept_redirects=0 "
    "net.ipv4.conf.default.accept_redirects=0 net.ipv4.conf.all.secure_redirects=0 "
    "net.ipv4.conf.default.secure_redirects=0 net.ipv4.conf.all.accept_source_route=0 "
    "net.ipv4.conf.default.accept_source_route=0 net.ipv4.conf.all.send_redirects=0 "
    "net.ipv4.conf.default.send_redirects=0 net.ipv4.icmp_ignore_bogus_error_responses=1 net.ipv4.tcp_rfc1337=1 "
    "net.ipv4.tcp_syncookies=1",
    "R14": "fs.suid_dumpable=0 fs.protected_fifos=2 fs.protected_regular=2 fs.protected_symlinks=1 "
    "fs.protected_hardlinks=1",
}


@pytest.mark.parametrize("rule", WANTED)
def test_the_role_sets_what_the_rule_asks(rule: str) -> None:
    set_by_role = yaml.safe_load((ROOT / "roles/base/defaults/main.yml").read_text("utf-8"))["base_sysctl"]
    wanted = dict(pair.split("=") for pair in WANTED[rule].split())
    assert {name: str(set_by_role.get(name)) for name in wanted} == wanted


@pytest.mark.parametrize(("table", "last_rule"), [("anssi-bp-028.md", 80), ("anssi-openid-connect.md", 51)])
def test_every_rule_has_a_line_in_the_table(table: str, last_rule: int) -> None:
    text = (ROOT / "docs" / table).read_text("utf-8")
    seen: set[int] = set()
    for line in text.splitlines():
        if line.startswith("| ") and line[2].isdigit():
            for part in line.split("|")[1].split(","):
                first, _dash, last = part.strip().partition("–")
                seen |= set(range(int(first), int(last or first) + 1))
    assert seen == set(range(1, last_rule + 1))
