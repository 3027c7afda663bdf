"""The state of a host after a deployment, as plain data, and the differences between two hosts.

Of a file that everybody may read the content counts too; others hold secrets, which no two hosts share.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

State = dict[str, dict[str, str]]
"""Kind -> name -> what is compared of it.

The kinds are `files`, `packages`, `units`, `running`, `fileless`, `users`, `groups`, `ports`, `rules`, `databases` and
`directory`.
"""

PROGRAM = r"""
import glob, grp, hashlib, json, os, pwd, re, shutil, stat, subprocess

FULL = ("/etc", "/usr/local", "/opt")
NAMES_ALONE = ("/srv", "/var/cache", "/var/lib", "/var/lib/malleposte", "/var/log", "/var/spool", "/var/www")


def lines(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def name(table, number):
    try:
        return table(number)[0]
    except KeyError:
        return str(number)


def ids(numbers):
    return " ".join(sorted(name(pwd.getpwuid, int(one)) for one in numbers.split(",")))


address = json.loads("".join(lines("ip", "-j", "-4", "address", "show", "scope", "global")))[0]["addr_info"][0]["local"]
first, second, third, _fourth = address.split(".")
networks = {f"{first}.{second}.{third}.": "192.0.2.", f"{third}.{second}.{first}.": "2.0.192."}


def content(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        text = stream.read()
    for own, common in networks.items():
        text = text.replace(own, common)
    # Two hosts share neither the numbers of their users nor moments nor the lab's public keys nor its secrets' digests.
    text = re.sub(r"(?<=skuid != \{ )[\d, ]+", lambda found: ids(found[0]), text)
    text = re.sub(r"\b1\d{9}\b", "MOMENT", text)
    text = re.sub(r"(?<= IN DS )[\d a-f]+", "KEY", text)
    text = re.sub(r"(?s)(?<=BEGIN PUBLIC KEY-----).+?(?=-----END)", "KEY", text)
    text = re.sub(r'"[0-9a-f]{64}"', "DIGEST", text)
    return " " + hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]


def look(path, whole):
    known = os.lstat(path)
    kind = "link" if stat.S_ISLNK(known.st_mode) else oct(known.st_mode & 0o7777)[2:]
    kind = "masked" if kind == "link" and os.readlink(path) == "/dev/null" else kind
    owner = f"{name(pwd.getpwuid, known.st_uid)}:{name(grp.getgrgid, known.st_gid)}"
    public = whole and stat.S_ISREG(known.st_mode) and known.st_mode & stat.S_IROTH
    return f"{kind} {owner}" + (content(path) if public else "")


files = {}
for top in (top for top in FULL if os.path.isdir(top)):
    for folder, folders, names in os.walk(top):
        files |= {path: look(path, True) for path in (os.path.join(folder, one) for one in [*folders, *names])}
for top in (top for top in NAMES_ALONE if os.path.isdir(top)):
    files |= {path: look(path, False) for path in (os.path.join(top, one) for one in os.listdir(top))}
listed = (line.split() for line in lines("dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n"))
packages = {line[0]: " ".join(line[1:]) for line in listed}
units = {}
for line in lines("systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain"):
    unit, state = line.split()[:2]
    if state in ("enabled", "disabled", "masked") and not unit.endswith(".scope"):
        units[unit] = state
words = ("--no-legend", "--no-pager", "--plain", "--type=service,socket,timer,path")
states = "--state=running,listening,waiting,failed"
# A service that a connection to its socket starts runs on a host that was asked.
listed = lines("systemctl", "list-sockets", "--all", "--no-legend", "--no-pager", "--plain")
by_sockets = {line.split()[-1] for line in listed}
running = {}
for line in lines("systemctl", "list-units", *words, states):
    unit, _load, _active, state = line.split()[:4]
    # Of a socket's connection, of a person's session, or started by a question.
    asked = re.search(r"@\d|^systemd-(hostname|locale|timedate)d", unit) or (unit in by_sockets and state != "failed")
    if not asked:
        running[unit] = "failed" if state == "failed" else "up"
# Units that systemd has in memory without a file: some run, others are only named by one that has a file.
fileless = {}
for line in lines("systemctl", "list-units", "--all", "--no-legend", "--no-pager", "--plain"):
    unit, load, active = line.split()[:3]
    if load == "not-found" and (unit.startswith("malleposte-") or active != "inactive"):
        fileless[unit] = active
users = {one.pw_name: f"{one.pw_dir} {one.pw_shell}" for one in pwd.getpwall()}
groups = {one.gr_name: " ".join(sorted(one.gr_mem)) for one in grp.getgrall()}
ports = {}
for line in lines("ss", "-Hltnu"):
    protocol, _state, _received, _sent, local = line.split()[:5]
    address, _colon, port = local.rpartition(":")
    where = "itself" if address.startswith(("127.", "[::1]")) else "one address"
    where = "every address" if address in ("*", "0.0.0.0", "[::]") else where
    ports[f"{protocol}/{port} on {where}"] = "open"
rules = {}
for line in lines("nft", "--terse", "list", "ruleset") if shutil.which("nft") else ():
    # Those of fail2ban come with the first ban.
    if found := re.match(r"(table .*) \{|\s+((?:chain|set|map) \S+) \{", line):
        table = found[1] or table
        if "f2b" not in line:
            rules[f"{table} {found[2] or ''}".strip()] = "there"
databases = {}
if os.path.isdir("/var/run/postgresql") and glob.glob("/var/run/postgresql/.s.PGSQL.*"):
    asked = ("SELECT datname || ' of ' || pg_get_userbyid(datdba) FROM pg_database UNION ALL "
             "SELECT 'role ' || rolname FROM pg_roles")
    databases = dict.fromkeys(lines(*"runuser -u postgres -- psql -AtqX -c".split(), asked), "there")
directory = {}
if os.path.isdir("/etc/ldap/slapd.d"):
    for words in (("-n0",), ("-n1", "-a", "(objectClass=applicationProcess)")):
        found = lines("slapcat", "-o", "ldif-wrap=no", *words)
        directory |= dict.fromkeys((line for line in found if line.startswith("dn")), "there")
print(json.dumps({"files": files, "packages": packages, "units": units, "running": running,
                  "fileless": fileless, "users": users, "groups": groups, "ports": ports, "rules": rules,
                  "databases": databases, "directory": directory}))
"""

OF_ITS_OWN = re.compile(
    r"/etc/(ssl/certs/(ca-certificates\.crt\.new|[0-9a-f]{8}\.\d+|malleposte-pebble-[0-9a-f]+\.pem)|.*-|\.updated|\.pwd\.lock|.*~"
    r"|ssh/ssh_host_.*|systemd/network/.*|ld\.so\.cache|apt/apt\.conf\.d/\d+lab.*|dpkg/dpkg\.cfg\.d/malleposte-lab|udev/hwdb\.bin"
    r"|dovecot/tokens/.*/[0-9a-f]{16}|.*\.dpkg-(old|dist|bak))"
    r"|/usr/local/share/ca-certificates/malleposte-pebble-[0-9a-f]+\.crt"
    r"|/var/lib/malleposte(-filters|-radicale-reminders|-sogo-senders|/accounts)"
)
"""Files that differ between any two hosts, or between two days: names by a hash, copies of editors and dpkg, folders
that the first run of a job makes. The lab's authority has a new root each time it starts.
"""

CONTENT_OF_ITS_OWN = re.compile(
    r"/etc/(machine-id|passwd|group|ssh/borg/.*|pebble/.*\.(csr|pem)"
    r"|ssl/(malleposte/.*|certs/(ca-certificates\.crt|ssl-cert-snakeoil\.pem))"
    r"|malleposte/(watch/ca|watcher)\.pem|nftables-local\.conf)"
    r"|/usr/local/share/ca-certificates/malleposte-.*|.*\.db"
)
"""Files whose content differs between any two hosts: identities, keys, certificates, tables in binary form, rules with
the numbers of users. What counts of users and groups is compared by their names.
"""


def acting(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files without links that start a masked unit: a package that comes before the mask leaves one."""
    folder = "/etc/systemd/system"
    masked = {path.removeprefix(f"{folder}/") for path, what in files.items() if what.startswith("masked")}
    return {
        path: what
        for path, what in files.items()
        if not ((unit := re.fullmatch(rf"{folder}/[^/]+\.wants/([^/]+)", path)) and unit[1] in masked)
    }


def look(ssh: Sequence[str]) -> State:
    """The state of a host; `ssh` are the words up to it. Raises CalledProcessError."""
    words = [*ssh, f"python3 -c {shlex.quote(PROGRAM)}"]
    found: State = json.loads(subprocess.run(words, capture_output=True, text=True, check=True, timeout=300).stdout)
    found["files"] = {
        path: " ".join(what.split()[:2]) if CONTENT_OF_ITS_OWN.fullmatch(path) else what
        for path, what in found["files"].items()
        if not OF_ITS_OWN.fullmatch(path)
    }
    found["files"] = acting(found["files"])
    # Ports above are clients' of UDP.
    found["ports"] = {port: what for port, what in found["ports"].items() if not _passing(port)}
    return found


def _passing(port: str) -> bool:
    protocol, _slash, number = port.partition("/")
    return protocol == "udp" and int(number.split()[0]) >= 32768


def differences(fresh: Mapping[str, Any], other: Mapping[str, Any], called: str = "the upgraded host") -> list[str]:
    """A line each: what only one has, and what is otherwise."""
    told = []
    for kind, wanted in fresh.items():
        have = other[kind]
        told += [f"{kind}: {name}: missing on {called}" for name in sorted(wanted.keys() - have.keys())]
        told += [f"{kind}: {name}: only on {called}" for name in sorted(have.keys() - wanted.keys())]
        told += [
            f"{kind}: {name}: {have[name]!r} on {called}, {wanted[name]!r} when fresh"
            for name in sorted(wanted.keys() & have.keys())
            if wanted[name] != have[name]
        ]
    return told
