"""Valkey: a socket only, a password, no dangerous command, and a check that refuses before it replaces."""

import pytest

SOCKET = "/run/valkey/valkey.sock"


def ask(site, *command):
    """The answer of the default user; the password travels by standard input."""
    given = f"AUTH {site.secret('valkey')}\n{' '.join(command)}\n"
    answers = site.run("mail1", "valkey-cli", "-s", SOCKET, given=given, check=False).split("\n")
    return [line for line in answers if line][-1]


def test_no_tcp_port(mail1):
    listening = mail1.check_output("ss -Hlntp")
    assert "sshd" in listening and "valkey" not in listening
    assert "valkey" in mail1.check_output("ss -Hlxp")


def test_nothing_without_the_password(mail1):
    assert "NOAUTH" in mail1.run(f"valkey-cli -s {SOCKET} ping").stdout


def test_with_the_password(site):
    assert ask(site, "ping") == "PONG"


@pytest.mark.parametrize("command", ["FLUSHALL", "CONFIG GET dir", "SHUTDOWN NOSAVE", "DEBUG SLEEP 0", "ACL LIST"])
def test_dangerous_commands_are_refused(site, command):
    answer = ask(site, command)
    assert "NOPERM" in answer or "command not allowed" in answer


def test_the_file_of_users_holds_no_password(site, mail1):
    users = mail1.file("/etc/valkey/users.acl")
    assert users.mode == 0o640
    assert site.secret("valkey") not in users.content_string


def test_what_was_learned_is_kept(mail1):
    text = mail1.file("/etc/valkey/valkey.conf").content_string
    assert "maxmemory-policy noeviction" in text
    assert "appendonly yes" in text


@pytest.mark.parametrize("line", ["maxmemory-policy sometimes", "nonsense 1"])
def test_a_refused_value_leaves_the_service(mail1, line):
    folder = mail1.run("mktemp -d").stdout.strip()
    try:
        mail1.run_test(f"cp /etc/valkey/valkey.conf /etc/valkey/users.acl {folder}")
        mail1.run_test(f"echo '{line}' >> {folder}/valkey.conf")
        refused = mail1.run(f"/usr/local/lib/malleposte/valkey-check {folder}")
        assert refused.rc == 1
        assert line in refused.stderr
    finally:
        mail1.run(f"rm -rf {folder}")
    assert mail1.service("valkey-server").is_running
    assert mail1.run("/usr/local/lib/malleposte/valkey-check /etc/valkey").rc == 0
