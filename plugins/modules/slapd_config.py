#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring slapd's cn=config to one LDIF rendered whole."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slapd_config
short_description: Bring slapd's cn=config to one LDIF rendered whole
description:
  - Loads the LDIF into a scratch directory with C(slapadd -n0); what slapd refuses stops the run and changes nothing.
  - Compares the result with the configuration in place and applies the difference over C(ldapi:///), online, in the
    fewest modifies. Access rules are replaced in one.
  - A change that is impossible online (an entry, a module or a definition that goes away, a database that moves) is
    done by stopping slapd, putting the new directory in place and starting it; if it does not start, the old one comes
    back.
  - The first time, the package's own configuration and empty database are moved to O(backup_directory). A foreign
    directory that holds more than its suffix is refused.
author: Malleposte (@malleposte)
options:
  content:
    description: The whole of cn=config as LDIF; C(include) lines are read by slapadd. Kept out of the host's log.
    type: str
    required: true
  suffix:
    description: Suffix of the database that this configuration serves.
    type: str
    required: true
  signature:
    description: Name of the schema by which a configuration is known as ours; without it, it is a foreign one.
    type: str
    default: malleposte
  config_directory:
    description: Folder of slapd's cn=config.
    type: path
    default: /etc/ldap/slapd.d
  backup_directory:
    description: Folder to which a foreign configuration and its data are moved; it keeps a replaced one too (the last).
    type: path
    default: /var/backups/slapd
  service:
    description: The unit to stop and start.
    type: str
    default: slapd.service
  uri:
    description: URI at which the running slapd answers root.
    type: str
    default: ldapi:///
  owner:
    description: User and group of the directory.
    type: str
    default: openldap
attributes:
  check_mode:
    description: Loads the scratch directory and reports what would change.
    support: full
  diff_mode:
    description: Shows the changes as LDIF.
    support: full
"""

EXAMPLES = r"""
- name: Configure slapd
  academie.malleposte.slapd_config:
    content: "{{ lookup('ansible.builtin.template', 'etc/ldap/slapd.d.ldif.j2') }}"
    suffix: dc=ac-exemple,dc=test
"""

RETURN = r"""
changes:
  description: LDIF of the changes made, or to be made in check mode.
  returned: always
  type: list
  elements: str
offline:
  description: The reason why slapd was stopped; empty when all was changed online.
  returned: always
  type: list
  elements: str
"""

import os
import re
import shutil
import ssl
import tempfile
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils.slapd import config, ldif
from ansible_collections.academie.malleposte.plugins.module_utils.systemd import properties, stale

START_TIMEOUT = 60  # seconds for slapd to answer after a start
GRAMMAR = re.compile(r"^(\s|<[\w ]+> ::=|dynacl:)")  # of access rules: slapd recites it after a wrong one
PRISTINE = 2  # entries of a directory that nobody has used: the suffix, and an administrator in older packages


class Slapd:
    """The commands of one slapd."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.directory: str = module.params["config_directory"]
        self.service: str = module.params["service"]
        self.uri: str = module.params["uri"]

    def _run(self, *argv: str, data: str | None = None) -> tuple[int, str]:
        # slapd's words may hold bytes that are no text.
        code, out, err = self.module.run_command(list(argv), data=data, encoding=None)
        parts = [part.decode("utf-8", "replace").strip() for part in (out, err)]
        return code, "\n".join(part for part in parts if part)

    def load(self, content: str, directory: str) -> tuple[int, str]:
        """slapadd a configuration into an empty directory."""
        source = os.path.join(os.path.dirname(directory), "config.ldif")
        with open(source, "w", encoding="utf-8") as file:
            file.write(content)
        code, text = self._run("slapadd", "-n0", "-F", directory, "-l", source)
        # slapadd ends with 0 and a word of regret on some refusals: what counts is the directory it leaves.
        if code == 0 and not os.path.exists(os.path.join(directory, "cn=config.ldif")):
            code = 1
        return code, text

    def read(self, directory: str) -> dict[str, ldif.Entry]:
        """The entries of a configuration directory, as slapd numbers them."""
        code, out, err = self.module.run_command(
            ["slapcat", "-n0", "-F", directory, "-o", "ldif-wrap=no"], encoding=None
        )
        if code != 0:
            text = err.decode(errors="replace")
            self.module.fail_json(msg=f"slapd's configuration in {directory} cannot be read: {text}")
        return config.settled(ldif.parse(out))

    def answers(self) -> bool:
        """Whether slapd answers to root."""
        code, _text = self._run("ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", self.uri)
        return code == 0

    def modify(self, changes: list[str]) -> tuple[int, str]:
        """Apply changes over ldapi, in order, stopping at the first refusal."""
        return self._run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", self.uri, data="\n".join(changes))

    def stop(self) -> None:
        """Stop the unit; slapd closes its database."""
        code, text = self._run("systemctl", "stop", self.service)
        if code != 0:
            self.module.fail_json(msg=f"{self.service} does not stop: {text}")

    def start(self) -> bool:
        """Start the unit, by its files as they are now, and wait until slapd answers, START_TIMEOUT seconds at most."""
        if stale(properties([self.service], "NeedDaemonReload")):
            self._run("systemctl", "daemon-reload")
        self._run("systemctl", "reset-failed", self.service)
        code, _text = self._run("systemctl", "start", self.service)
        deadline = time.monotonic() + START_TIMEOUT
        while code == 0 and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.2)
        return False

    def reason(self) -> str:
        """The last words of the unit."""
        _code, text = self._run("journalctl", "-u", self.service, "-n", "8", "-o", "cat", "--no-pager")
        return text

    def count(self, suffix: str) -> int:
        """Count the entries of a database, read from its files."""
        _code, text = self._run("slapcat", "-F", self.directory, "-b", suffix, "-o", "ldif-wrap=no")
        return sum(line.startswith("dn:") for line in text.splitlines())

    def index(self, directory: str, suffix: str) -> tuple[int, str]:
        """Build the indexes anew, as slapd's own user, while slapd is down."""
        owner = self.module.params["owner"]
        return self._run("runuser", "-u", owner, "--", "slapindex", "-q", "-F", directory, "-b", suffix)


def _last_lines(text: str, count: int = 6) -> str:
    clean = re.sub("(?m): .*\ufffd.*$", "", text)  # slapadd ends a line with what lies in its memory
    lines = [line for line in clean.splitlines() if not GRAMMAR.match(line)]
    return "\n".join(lines[-count:])


def _tls_trouble(desired: dict[str, ldif.Entry]) -> str:
    """Return why slapd could not start TLS with these files and ciphers; empty if it can. slapadd does not check."""
    entry = desired.get("cn=config", ldif.Entry("cn=config"))
    cert, key, authorities, ciphers = (
        (entry.get(f"olcTLS{name}") or [b""])[0].decode()
        for name in ("CertificateFile", "CertificateKeyFile", "CACertificateFile", "CipherSuite")
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    where = ""
    try:
        if ciphers:
            where = f"ciphers {ciphers}"
            context.set_ciphers(ciphers)
        if authorities:
            where = authorities
            context.load_verify_locations(cafile=authorities)
        if cert:
            where = f"{cert}, {key}"
            context.load_cert_chain(cert, key or None)
    except (ssl.SSLError, OSError, ValueError) as error:
        return f"TLS ({where}): {error}"
    return ""


def _own(path: str, owner: str) -> None:
    """Give a configuration directory to slapd's user, closed to others."""
    for folder, _folders, files in os.walk(path):
        shutil.chown(folder, owner, owner)
        os.chmod(folder, 0o700)
        for name in files:
            shutil.chown(os.path.join(folder, name), owner, owner)
            os.chmod(os.path.join(folder, name), 0o600)


def _is_ours(entries: dict[str, ldif.Entry], signature: str) -> bool:
    """Whether a configuration holds the schema by which ours is known."""
    wanted = signature.lower()
    return any(dn.endswith(",cn=schema,cn=config") and dn.partition("}")[2].startswith(f"{wanted},") for dn in entries)


def _databases(entries: dict[str, ldif.Entry]) -> dict[str, str]:
    """Data directories by suffix."""
    found = {}
    for entry in entries.values():
        for suffix, folder in zip(entry.get("olcSuffix"), entry.get("olcDbDirectory"), strict=False):
            found[suffix.decode().lower()] = folder.decode().rstrip("/")
    return found


def _guard(slapd: Slapd, current: dict[str, ldif.Entry], desired: dict[str, ldif.Entry], ours: bool) -> None:
    """Refuse to leave data behind: that of a foreign directory in use, or ours when its place changes."""
    module = slapd.module
    wanted = _databases(desired)
    for suffix, folder in _databases(current).items():
        if ours and wanted.get(suffix) not in (None, folder):
            module.fail_json(msg=f"the data of {suffix} are in {folder}: move them before changing the directory")
        if not ours and slapd.count(suffix) > PRISTINE:
            module.fail_json(msg=f"a directory in use is here ({suffix} in {folder}): move it away first")


def _put_aside(current: dict[str, ldif.Entry], desired: dict[str, ldif.Entry], backup: str) -> None:
    """Move the files of databases that the new configuration does not serve; nothing is deleted."""
    kept = set(_databases(desired).values())
    for folder in set(_databases(current).values()) - kept:
        for name in ("data.mdb", "lock.mdb"):
            source = os.path.join(folder, name)
            if os.path.exists(source):
                shutil.move(source, os.path.join(backup, f"foreign-{name}"))


def _recover(directory: str) -> None:
    """Finish what an interrupted swap left: the old configuration comes back when the new one is not in place."""
    if not os.path.isdir(directory) and os.path.isdir(directory + ".old"):
        os.rename(directory + ".old", directory)
    for suffix in (".old", ".new"):
        shutil.rmtree(directory + suffix, ignore_errors=True)


def _swap(slapd: Slapd, source: str) -> None:
    """Put a copy of `source` where the configuration is; the two renames are on one file system."""
    new, old = slapd.directory + ".new", slapd.directory + ".old"
    shutil.copytree(source, new)
    _own(new, slapd.module.params["owner"])
    if os.path.isdir(slapd.directory):
        os.rename(slapd.directory, old)
    os.rename(new, slapd.directory)
    shutil.rmtree(old, ignore_errors=True)


def _keep(slapd: Slapd) -> str:
    """Copy the configuration in place to the backup directory; returns where."""
    backup = slapd.module.params["backup_directory"]
    os.makedirs(backup, mode=0o700, exist_ok=True)
    kept = os.path.join(backup, "slapd.d")
    shutil.rmtree(kept, ignore_errors=True)
    if os.path.isdir(slapd.directory):
        shutil.copytree(slapd.directory, kept)
    return kept


def _rebuild(slapd: Slapd, fresh: str, reindex: bool, rollback: bool) -> None:
    """Stop, put the new configuration in place, start; on failure the kept one comes back and the task fails."""
    module = slapd.module
    kept = os.path.join(module.params["backup_directory"], "slapd.d")
    slapd.stop()
    _swap(slapd, fresh)
    trouble = ""
    if reindex:
        code, text = slapd.index(slapd.directory, module.params["suffix"])
        trouble = text if code != 0 else ""
    if not trouble and slapd.start():
        return
    trouble = _last_lines(trouble or slapd.reason())
    if not rollback:
        module.fail_json(msg=f"slapd does not start:\n{trouble}")
    slapd.stop()
    _swap(slapd, kept)
    state = "runs again with the old one" if slapd.start() else "does not start with the old one either"
    module.fail_json(msg=f"slapd does not start with the new configuration and {state}:\n{trouble}")


def _online(slapd: Slapd, plan: config.Plan, desired: dict[str, ldif.Entry]) -> str:
    """Apply the plan online. Returns why it could not, or an empty text when the result is what was wanted."""
    if not slapd.answers():
        return "slapd does not answer"
    code, text = slapd.modify(plan.changes)
    if code != 0:
        return "slapd refuses it online: " + _last_lines(text, 2).replace("\n", " ")
    left = config.plan(slapd.read(slapd.directory), desired)
    return "something is left after the changes" if left.changed else ""


def run(module: AnsibleModule, scratch: str) -> dict[str, Any]:
    """Compare and apply; returns the result of the task."""
    slapd = Slapd(module)
    fresh = os.path.join(scratch, "slapd.d")
    os.mkdir(fresh, 0o750)
    code, text = slapd.load(module.params["content"], fresh)
    if code != 0:
        module.fail_json(msg=f"slapd refuses the configuration; nothing was changed:\n{_last_lines(text)}")
    desired = slapd.read(fresh)
    trouble = _tls_trouble(desired)
    if trouble:
        module.fail_json(msg=f"slapd would not start; nothing was changed: {trouble}")
    if not module.check_mode:
        _recover(slapd.directory)
    exists = os.path.exists(os.path.join(slapd.directory, "cn=config.ldif"))
    current = slapd.read(slapd.directory) if exists else {}
    ours = _is_ours(current, module.params["signature"])
    plan = config.plan(current, desired) if ours else config.Plan(offline=["the configuration in place is not ours"])
    _guard(slapd, current, desired, ours)
    result: dict[str, Any] = {"changed": plan.changed, "changes": plan.changes, "offline": plan.offline}
    if module._diff:
        notes = [f"# by a restart: {reason}\n" for reason in plan.offline]
        result["diff"] = {"before": "", "after": "\n".join(notes + plan.changes)}
    if module.check_mode or not plan.changed:
        return result
    _keep(slapd)
    if not plan.offline:
        refusal = _online(slapd, plan, desired)
        if not refusal:
            return result
        plan.offline.append(refusal)
    _rebuild(slapd, fresh, bool(plan.reindex), rollback=ours)
    if not ours:
        _put_aside(current, desired, module.params["backup_directory"])
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "content": {"type": "str", "required": True, "no_log": True},
            "suffix": {"type": "str", "required": True},
            "signature": {"type": "str", "default": "malleposte"},
            "config_directory": {"type": "path", "default": "/etc/ldap/slapd.d"},
            "backup_directory": {"type": "path", "default": "/var/backups/slapd"},
            "service": {"type": "str", "default": "slapd.service"},
            "uri": {"type": "str", "default": "ldapi:///"},
            "owner": {"type": "str", "default": "openldap"},
        },
        supports_check_mode=True,
    )
    scratch = tempfile.mkdtemp(prefix="slapd-config-")
    try:
        result = run(module, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
