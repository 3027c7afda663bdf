"""memcached: a socket for its group alone, no network, disposable content."""

SOCKET = "/run/memcached/memcached.sock"
ASK = """
import socket
link = socket.socket(socket.AF_UNIX)
link.settimeout(10)
link.connect("/run/memcached/memcached.sock")
link.sendall(b"set essai 0 60 2\\r\\nok\\r\\nget essai\\r\\n")
seen = b""
while b"END" not in seen:
    seen += link.recv(1000)
print(seen.decode())
"""


def ask(mail1, user, *groups):
    entered = f"--groups {','.join(groups)}" if groups else "--clear-groups"
    return mail1.run(f"setpriv --reuid {user} --regid $(id -g {user}) {entered} python3 -c '{ASK}'")


def test_it_answers_its_group_and_nobody_else(mail1):
    allowed = ask(mail1, "sogo", "memcache")
    assert "VALUE essai" in allowed.stdout, allowed.stderr
    refused = ask(mail1, "nobody")
    assert refused.rc != 0
    assert "Permission denied" in refused.stderr


def test_no_network(mail1):
    assert "memcached" not in mail1.check_output("ss -Hlnptu")
    assert mail1.check_output("systemctl show -P PrivateNetwork memcached") == "yes"


def test_it_runs_as_its_own_user_without_privileges(mail1):
    pid = mail1.check_output("systemctl show -P MainPID memcached")
    status = mail1.file(f"/proc/{pid}/status").content_string
    assert "CapEff:\t0000000000000000" in status
    assert mail1.check_output(f"stat -c %U /proc/{pid}") == "memcache"
