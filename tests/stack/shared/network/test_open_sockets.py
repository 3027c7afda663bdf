"""Unix sockets that any user of a host can connect to: the known ones alone."""

import json
import re
import shlex

import pytest

from tests.stack.support.site import Site

HOSTS = ("mail1", "pia1", "vault1", "vault2")
KNOWN = {
    "/run/dbus/system_bus_socket": "each call has rules of its own, by user",
    "(/var)?/run/slapd/ldapi": "slapd asks for a password, or takes the user of the connection",
    "/run/postgresql/[.]s[.]PGSQL[.][0-9]+": "PostgreSQL takes the user of the connection",
    "/run/malleposte-pager/state": "the pager answers the portal's user alone, by the connection",
    "/run/systemd/.*": "systemd's own; each call has rules of its own, by user",
    "/run/ssh-unix-local/socket": "sshd asks for a key",
    "/run/host/unix-export/ssh": "the lab's own, of the container",
    "@.*": "not in the file system: of the kernel's and systemd's own",
}
"""Names, and why they may be open."""
PROBE = """
import json, os, pwd, socket, subprocess
listening = {line.split()[4] for line in subprocess.check_output(["ss", "-Hxl"], text=True).splitlines()}
user = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
taken = []
for name in sorted(listening):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as link:
            link.settimeout(5)
            try:
                link.connect(name.replace("@", "\\0", 1) if name.startswith("@") else name)
            except OSError:
                continue
        taken.append(name)
print(json.dumps({"listening": sorted(listening), "taken": taken}))
"""


@pytest.mark.parametrize("name", HOSTS)
def test_nobody_reaches_the_known_ones_alone(site: Site, name: str) -> None:
    answer = json.loads(site.run(name, f"/usr/bin/python3 -c {shlex.quote(PROBE)}"))
    # A client that has gone before systemd takes it up leaves this socket failed.
    site.run(
        name, "systemctl is-failed --quiet sshd-unix-local.socket && systemctl restart sshd-unix-local.socket; true"
    )
    assert "/run/dbus/system_bus_socket" in answer["taken"], "the probe reaches what is open"
    unknown = [taken for taken in answer["taken"] if not any(re.fullmatch(known, taken) for known in KNOWN)]
    assert unknown == []


def test_the_store_s_own_processes_reach_theirs(site: Site) -> None:
    """Closed to others, not to those that need them: a search indexes, by the indexer's socket."""
    answer = site.run("mail1", "stat -c '%a %U %n' /run/dovecot/indexer /run/dovecot/dns-client")
    assert answer.splitlines() == ["600 vmail /run/dovecot/indexer", "660 vmail /run/dovecot/dns-client"]
    asked = "doveadm index -q -u probe1 INBOX && doveadm search -u probe1 mailbox INBOX text essai && echo done"
    assert "done" in site.run("mail1", asked)
