"""The base of every host."""

import json
from collections.abc import Callable

import pytest
from testinfra.host import Host

HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")


@pytest.mark.parametrize("name", HOSTS)
def test_no_password_opens_ssh(host: Callable[[str], Host], name: str) -> None:
    settings = host(name).check_output("sshd -T").splitlines()
    for wanted in ("passwordauthentication no", "kbdinteractiveauthentication no", "x11forwarding no",
                   "allowtcpforwarding local"):  # fmt: skip
        assert wanted in settings
    assert "permitrootlogin without-password" in settings or "permitrootlogin prohibit-password" in settings


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_knows_its_name(host: Callable[[str], Host], name: str) -> None:
    machine = host(name)
    assert machine.check_output("hostname") == name
    assert machine.check_output("hostname --fqdn").startswith(f"{name}.")


def test_french_and_the_time_of_paris_are_there(mail1: Host) -> None:
    assert "fr_FR.utf8" in mail1.check_output("locale -a").splitlines()
    assert mail1.check_output("readlink -f /etc/localtime") == "/usr/share/zoneinfo/Europe/Paris"


def test_security_updates_leave_the_daemons_alone(mail1: Host) -> None:
    dump = mail1.check_output("apt-config dump Unattended-Upgrade")
    for name in ("slapd", "dovecot-", "postfix", "rspamd", "postgresql", "sogo"):
        assert f'Unattended-Upgrade::Package-Blacklist:: "{name}";' in dump
    origins = [line for line in dump.splitlines() if "Origins-Pattern::" in line]
    assert origins
    assert all("security" in line.lower() for line in origins)
    assert mail1.check_output("apt-config dump APT::Periodic::Unattended-Upgrade") == (
        'APT::Periodic::Unattended-Upgrade "1";'
    )


def test_the_journal_keeps_and_limits(mail1: Host) -> None:
    settings = mail1.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert "\nStorage=persistent\n" in settings
    assert "\nSystemMaxUse=" in settings
    assert mail1.file("/var/log/journal").is_directory


@pytest.mark.parametrize("name", HOSTS[:-1])
def test_the_lists_are_read_each_day_and_what_waits_is_noted(host: Callable[[str], Host], name: str) -> None:
    machine = host(name)
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert machine.service(timer).is_enabled and machine.service(timer).is_running
    hook = machine.check_output("apt-config dump APT::Update::Post-Invoke-Success")
    (ours,) = [line for line in hook.splitlines() if "security-updates.json" in line]
    machine.check_output(ours.partition('"')[2].rpartition('"')[0].removesuffix(" || true"))
    note = json.loads(machine.file("/var/lib/malleposte/security-updates.json").content_string)
    assert note["read"] > 0 and isinstance(note["waiting"], list)


@pytest.mark.parametrize("name", ["mail1", "pia1", "vault1"])
def test_a_session_of_ssh_keeps_what_the_work_needs_and_no_more(host: Callable[[str], Host], name: str) -> None:
    """Every session has what sshd has. The units of the system still do what a session does not."""
    here = host(name)
    # The checks of a deploy do this; packages have files that others read and programs with setuid bits.
    kept = "unshare --mount true && touch /run/essai-ssh && chmod u+s /run/essai-ssh && stat -c %a /run/essai-ssh"
    assert here.run(f"{kept}; rm -f /run/essai-ssh").stdout.strip() == "4644"
    for taken in ("unshare --net true", "unshare --user true"):
        refused = here.run(taken)
        assert refused.rc and "not permitted" in refused.stderr, (taken, refused)
    assert here.run("systemd-run --quiet --wait unshare --net true").rc == 0
    # In tenths of the ten that it calls unconfined.
    assert here.run("systemd-analyze security --threshold=70 ssh.service").rc == 0
