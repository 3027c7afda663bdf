"""ANSSI-BP-028 on the hosts: the statements of docs/anssi-bp-028.md hold. Nothing is changed."""

import re

import pytest

from tests.stack.support.site import Site

HOSTS = ("mail1", "pia1", "vault1")
SETUID = {
    "/usr/bin/passwd", "/usr/bin/ssh-agent", "/usr/bin/su", "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "/usr/sbin/postdrop", "/usr/sbin/postqueue", "/usr/sbin/unix_chkpwd",
}  # fmt: skip
SHELLS = {"root", "postgres", "borg-mail1", "borg-pia1"}
FEW = {
    "dbus.service", "postfix.service", "prometheus.service", "prometheus-alertmanager.service",
    "prometheus-blackbox-exporter.service", "prometheus-node-exporter.service", "ssh.service",
    "systemd-journald.service", "systemd-logind.service", "systemd-networkd.service", "unattended-upgrades.service",
    "unbound.service",
}  # fmt: skip
"""The units of a host that keeps archives and watches."""
BY_REQUEST = ("systemd-hostnamed", "systemd-timedated", "systemd-localed")
"""Begin when a deploy asks them something, and end by themselves."""
OPEN = {
    "mail1": {22, 25, 80, 143, 443, 465, 587, 636, 993, 4190, 7443, 7448, 9443, 10465},
    "pia1": {22, 80, 443, 7444, 7450, 9443},
    "vault1": {22, 7450, 9443},
}
"""TCP ports that other hosts may try; the firewall says which hosts."""


@pytest.mark.parametrize("name", HOSTS)
def test_programs_with_rights_of_their_own_are_these(site: Site, name: str) -> None:  # R56, R57
    found = site.run(name, "find / -xdev -type f '(' -perm -4000 -o -perm -2000 ')' 2>/dev/null; true").split()
    assert set(found) <= SETUID
    assert "/usr/bin/su" in found
    # These programs no longer run as root for other users; root itself can still mount.
    assert site.run(name, "stat -c %a /usr/bin/mount /usr/bin/chfn").split() == ["755", "755"]
    assert site.run(name, "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d && echo done") == "done\n"


@pytest.mark.parametrize("name", HOSTS)
def test_every_file_has_an_owner_and_shared_folders_are_sticky(site: Site, name: str) -> None:  # R53, R54, R50
    looked = "find / -xdev '(' -nouser -o -nogroup -o -type d -perm -0002 ! -perm -1000 -o -type f -perm -0002 ')'"
    assert site.run(name, f"{looked} 2>/dev/null; true") == ""
    readable = site.run(
        name,
        "runuser -u nobody -- find /etc/shadow /etc/gshadow /etc/ssh /etc/malleposte /var/log -type f -readable "
        "2>/dev/null | grep -E 'shadow|_key$|/keys/|/vault/|passphrase|jsonl|nginx|valkey|postgresql'; true",
    )
    assert readable == ""
    assert "/tmp" in site.run(name, "findmnt -n -o TARGET -O nosuid,nodev /tmp")


@pytest.mark.parametrize("name", HOSTS)
def test_accounts_of_services_are_closed(site: Site, name: str) -> None:  # R30, R34, R35, R67, R68
    assert site.run(name, "awk -F: '$2 !~ /^[!*]/' /etc/shadow") == ""
    shells = site.run(name, "awk -F: '$7 !~ /(nologin|false|sync)$/ {print $1}' /etc/passwd").split()
    assert set(shells) <= SHELLS
    numbers = site.run(name, "cut -d: -f3 /etc/passwd").split()
    assert len(numbers) == len(set(numbers))
    assert site.run(name, "getent passwd abenali-morel; true") == ""


@pytest.mark.parametrize("name", HOSTS)
def test_what_listens_for_other_hosts_is_this(site: Site, name: str) -> None:  # R63, R79, R80
    sockets = site.run(name, "ss -Hltn | awk '{print $4}'").split()
    assert {int(one.rpartition(":")[2]) for one in sockets if not re.match(r"127\.|\[::1\]", one)} <= OPEN[name]


def test_a_host_runs_what_it_needs_and_no_more(site: Site) -> None:  # R58, R62
    words = "systemctl list-units --type=service --state=running --plain --no-legend | cut -d' ' -f1"
    passing = (
        "user@",
        "malleposte-",
        "apt-",
        "getty@",
        "console-getty",
        "serial-getty@",
        "systemd-timesyncd",
        *BY_REQUEST,
    )
    assert {one for one in site.run("vault1", words).split() if not one.startswith(passing)} == FEW
    assert site.run("vault1", "command -v sudo gcc telnet rsh; true") == ""


def test_the_metrics_are_for_their_group_and_no_port_is_open_for_them(site: Site) -> None:  # R52
    page = "curl -sf --max-time 20 --unix-socket /run/dovecot/metrics http://localhost/metrics"
    assert "process_start_time_seconds" in site.run("mail1", page)
    assert site.run("mail1", f"runuser -u nobody -- {page} || echo refused") == "refused\n"
    assert site.run("mail1", "ss -Hltn 'sport = :9900'") == ""


@pytest.mark.parametrize("name", HOSTS)
def test_sshd_is_confined_and_sessions_do_what_they_must(site: Site, name: str) -> None:  # R32, R33, R64
    told = site.run(name, "systemd-analyze security --no-pager ssh.service | tail -1")
    level = float(re.findall(r"(\d+\.\d)", told)[0])
    assert level <= 7.0
    session = site.run(name, "grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status").split()
    assert session == ["NoNewPrivs:", "0", "Seccomp:", "2", "Seccomp_filters:", session[-1]]
    family = "python3 -c 'import socket, sys; socket.socket(int(sys.argv[1]), socket.SOCK_STREAM)'"
    assert "AF_VSOCK" not in site.run(name, f"{family} 1 && {family} 2 && {family} 10; {family} 40 2>&1 | tail -1")
    assert "not supported" in site.run(name, f"{family} 40 2>&1 | tail -1")
    assert site.run(name, "systemd-run --quiet --pipe --wait true && runuser -u nobody -- id -un") == "nobody\n"
    settings = site.run(name, "sshd -T").splitlines()
    assert {"loglevel VERBOSE", "clientaliveinterval 60", "permitemptypasswords no"} <= set(settings)
