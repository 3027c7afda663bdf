#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace the configuration files of one daemon together, or not at all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_set
short_description: Replace the configuration files of one daemon together, or not at all
description:
  - Renders every file of a daemon, lets the daemon check them, and only then replaces what stands on the host.
  - Files that can only be checked in place are checked after the swap; on a refusal every old file is put back.
  - Each file is written beside its target, synced to disk and renamed over it.
author: Malleposte (@malleposte)
options:
  user:
    description:
      - A system user that must be there before the files, without a home or a shell. The task makes it, with its group,
        and does not give it to this module.
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      group:
        description: Its group; one of its name unless given.
        type: str
  folders:
    description:
      - Folders that must be there before the files, as M(ansible.builtin.file) makes them. The task makes them; they do
        not come to this module.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The folder; no folder of a user other than root may be above it.
        type: path
        required: true
      owner:
        description: Its owner; root unless given.
        type: str
      group:
        description: Its group; root unless given.
        type: str
      mode:
        description: Its mode.
        type: raw
        required: true
  files:
    description:
      - >-
        The files. Keys are V(src) (a template of the role) or V(content), V(dest) (V(src) without C(.j2) under C(/)
        unless given), V(owner), V(group), V(mode), V(validate) (a command in which C(%s) is the staged file), V(vars).
        All of a folder with V(folder) (of the role's files), V(dest) (V(folder) under C(/) unless given), V(validate),
        a command for each ending of names, such as V(php).
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: A template of the role; rendered on the controller.
        type: str
      vars:
        description: Variables for the template alone; used on the controller.
        type: dict
      content:
        description: The whole file; given to the module in O(contents).
        type: str
      dest:
        description: Target of the file; an absolute path.
        type: str
      owner:
        description: Its owner; root unless given.
        type: str
      group:
        description: Its group; root unless given.
        type: str
      mode:
        description: Its mode; V(0644) unless given.
        type: raw
      validate:
        description: A command in which C(%s) is the staged file.
        type: str
  contents:
    description:
      - The contents, one for each of O(files). The task does not name it; it brings the contents to the host.
      - A parameter of its own, so that no log of the host ever holds them. A key of O(files) could not be kept out;
        Ansible looks for the very text, and the log has it with its line ends written otherwise.
    type: list
    elements: str
    default: []
  absent:
    description:
      - Files that must not exist.
      - A unit of systemd among them is stopped first, and nothing starts it any more; also where only its file is gone.
    type: list
    elements: path
    default: []
  validate_staged:
    description: A command run before the swap. C({stage}) is a scratch root that holds O(stage_copy) and the new files.
    type: str
    default: ""
  stage_copy:
    description: Directories or files of the host that O(validate_staged) needs in its scratch root.
    type: list
    elements: path
    default: []
  validate:
    description: A command run after the swap. When it fails, the old files are put back.
    type: str
    default: ""
  units:
    description:
      - Units that read these files. The task also reports a change when a unit has not been started or reloaded since
        an earlier run replaced them, so that a run interrupted before the restart is made good by the next one.
    type: list
    elements: str
    default: []
  no_diff:
    description: Leave the contents out of C(--diff). Files that only their owner or group may read are left out anyway.
    type: bool
    default: false
attributes:
  check_mode:
    description: Runs every check that needs no swap, and reports what would change.
    support: full
  diff_mode:
    description: Shows each file before and after.
    support: full
"""

EXAMPLES = r"""
- name: Configure Dovecot
  academie.malleposte.config_set:
    files:
      - src: etc/dovecot/dovecot.conf.j2
        validate: doveconf -n -c %s
    units: [dovecot.service]
  notify: Dovecot | Reload
"""

RETURN = r"""
changed_files:
  description: Files written or removed, or that would be in check mode.
  returned: always
  type: list
  elements: str
retired_units:
  description: Units of O(absent) of which something was left, stopped and forgotten, or that would be in check mode.
  returned: always
  type: list
  elements: str
stale_units:
  description: Units that have not read their files since these changed.
  returned: always
  type: list
  elements: str
"""

import contextlib
import grp
import os
import pwd
import shlex
import shutil
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils import durable, retired, unread

FILE_OPTIONS = {
    "mode": {"type": "raw"},
    **{name: {"type": "str"} for name in ("dest", "owner", "group", "validate")},
}


class Target:
    """One file: what it is, and what it should be."""

    def __init__(self, module: AnsibleModule, spec: dict[str, Any], content: str) -> None:
        self.dest: str = spec.get("dest") or ""
        if not self.dest.startswith("/"):
            module.fail_json(msg=f"config_set: dest must be an absolute path: {self.dest!r}")
        if os.path.isdir(self.dest):
            module.fail_json(msg=f"{self.dest}: is a directory, a file was expected")
        self.content = content.encode()
        self.validate: str = spec.get("validate") or ""
        self.mode = int(str(spec.get("mode") or "0644"), 8)
        try:
            self.uid = pwd.getpwnam(spec.get("owner") or "root").pw_uid
            self.gid = grp.getgrnam(spec.get("group") or "root").gr_gid
            self.known = True
        except KeyError as error:
            # In check mode the package that brings this user may not be there yet.
            if not module.check_mode:
                module.fail_json(msg=f"{self.dest}: {error.args[0]}")
            self.uid = self.gid = 0
            self.known = False
        self.old: bytes | None = None
        self.stat: os.stat_result | None = None
        if os.path.exists(self.dest):
            with open(self.dest, "rb") as handle:
                self.old = handle.read()
            self.stat = os.stat(self.dest)

    @property
    def same_content(self) -> bool:
        return self.old == self.content and not os.path.islink(self.dest)

    @property
    def same_attributes(self) -> bool:
        if self.stat is None:
            return False
        if self.stat.st_mode & 0o7777 != self.mode:
            return False
        return not self.known or (self.stat.st_uid, self.stat.st_gid) == (self.uid, self.gid)

    @property
    def changed(self) -> bool:
        return not (self.same_content and self.same_attributes)


def last_lines(text: str, count: int = 4) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-count:])


def run_check(module: AnsibleModule, command: str, where: str) -> str:
    """Returns the reason of a refusal, empty when the daemon accepts."""
    code, out, err = module.run_command(shlex.split(command), environ_update={"LC_ALL": "C"})
    return "" if code == 0 else f"{where} refused by `{command}`: {last_lines(err or out) or f'exit code {code}'}"


def check_single(module: AnsibleModule, targets: list[Target], folder: str) -> None:
    for number, target in enumerate(targets):
        if not target.validate or not target.changed:
            continue
        staged = os.path.join(folder, f"{number}-{os.path.basename(target.dest)}")
        write(staged, target.content, 0, 0, 0o600)
        reason = run_check(module, target.validate.replace("%s", staged), target.dest)
        if reason:
            module.fail_json(msg=reason.replace(staged, target.dest))


def check_stage(module: AnsibleModule, targets: list[Target], absent: list[str], folder: str) -> None:
    stage = os.path.join(folder, "root")
    os.makedirs(stage, exist_ok=True)
    for path in module.params["stage_copy"]:
        copy = stage + path
        if os.path.isdir(path):
            shutil.copytree(path, copy, symlinks=True, dirs_exist_ok=True, ignore=ignore_special)
        elif os.path.exists(path):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy2(path, copy)
    for target in targets:
        write(stage + target.dest, target.content, target.uid, target.gid, target.mode)
    for path in absent:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(stage + path)
    reason = run_check(module, module.params["validate_staged"].replace("{stage}", stage), "the new configuration")
    if reason:
        module.fail_json(msg=reason.replace(stage, ""))


def ignore_special(folder: str, names: list[str]) -> list[str]:
    """Sockets and FIFOs cannot be copied and no check needs them."""

    def plain(name: str) -> bool:
        path = os.path.join(folder, name)
        return os.path.islink(path) or os.path.isdir(path) or os.path.isfile(path)

    return [name for name in names if not plain(name)]


def put_back(targets: list[Target], removed: dict[str, tuple[bytes, os.stat_result]]) -> None:
    for target in targets:
        if target.old is None or target.stat is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target.dest)
        else:
            write(target.dest, target.old, target.stat.st_uid, target.stat.st_gid, target.stat.st_mode & 0o7777)
            os.utime(target.dest, ns=(target.stat.st_atime_ns, target.stat.st_mtime_ns))
    for path, (content, stat) in removed.items():
        write(path, content, stat.st_uid, stat.st_gid, stat.st_mode & 0o7777)


def swap(module: AnsibleModule, targets: list[Target], absent: list[str]) -> None:
    removed: dict[str, tuple[bytes, os.stat_result]] = {}
    done: list[Target] = []
    try:
        for target in targets:
            done.append(target)
            if target.same_content:
                os.chown(target.dest, target.uid, target.gid)
                os.chmod(target.dest, target.mode)
            else:
                write(target.dest, target.content, target.uid, target.gid, target.mode)
        for path in absent:
            with open(path, "rb") as handle:
                removed[path] = (handle.read(), os.stat(path))
            os.unlink(path)
    except OSError as error:
        put_back(done, removed)
        module.fail_json(msg=f"{error.filename}: {error.strerror}; the old files were put back")
    if module.params["validate"]:
        reason = run_check(module, module.params["validate"], "the new configuration")
        if reason:
            put_back(done, removed)
            module.fail_json(msg=f"{reason}; the old files were put back")


def write(path: str, content: bytes, uid: int, gid: int, mode: int) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    durable.write(path, content, mode, user=uid, group=gid)


def diff_of(targets: list[Target], absent: list[str], hidden: bool) -> list[dict[str, str]]:
    entries = []
    for target in targets:
        before = "" if target.old is None else target.old.decode(errors="replace")
        after = target.content.decode(errors="replace")
        # Content that others may not read on the host must not be in a log either.
        if hidden or not target.mode & 0o004:
            before, after = ("", "") if target.same_content else ("(hidden: old)\n", "(hidden: new)\n")
        entries.append({"before_header": target.dest, "after_header": target.dest, "before": before, "after": after})
    for path in absent:
        entries.append({"before_header": path, "after_header": f"{path} (removed)", "before": "present\n", "after": ""})
    return entries


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "default": [], "options": FILE_OPTIONS},
            "contents": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "absent": {"type": "list", "elements": "path", "default": []},
            "validate_staged": {"type": "str", "default": ""},
            "stage_copy": {"type": "list", "elements": "path", "default": []},
            "validate": {"type": "str", "default": ""},
            "units": {"type": "list", "elements": "str", "default": []},
            "no_diff": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    contents: list[str] = module.params["contents"]
    if len(contents) != len(module.params["files"]):
        module.fail_json(msg="config_set: contents must have one text for each of files")
    # From here on they go nowhere but into the files and, where all may read the file, into the diff, in which Ansible
    # would otherwise mask them.
    module.params["contents"] = []
    module.no_log_values -= set(contents)
    targets = [Target(module, spec, content) for spec, content in zip(module.params["files"], contents, strict=True)]
    changed = [target for target in targets if target.changed]
    absent = [path for path in module.params["absent"] if os.path.lexists(path)]
    stale: list[str] = []

    def run(argv: list[str]) -> str:
        return str(module.run_command(argv, environ_update={"LC_ALL": "C"})[1])

    gone = retired.left(retired.units(module.params["absent"]), run)
    if changed or absent or gone:
        with tempfile.TemporaryDirectory(prefix="malleposte-", dir=module.tmpdir) as folder:
            missing = not all(target.known for target in targets)
            if not missing:
                check_single(module, targets, folder)
                if module.params["validate_staged"]:
                    check_stage(module, targets, absent, folder)
        if not module.check_mode:
            unread.remember(module.params["units"])
            running = retired.stop(gone, run)
            if running:
                module.fail_json(msg=f"{', '.join(running)}: still running; its file must go, and stays until it stops")
            swap(module, changed, absent)
            retired.forget(gone, run)
    elif module.params["units"]:
        stale = unread.stale(module.params["units"], run)

    module.exit_json(
        changed=bool(changed or absent or gone or stale),
        changed_files=[target.dest for target in changed] + absent,
        retired_units=gone,
        stale_units=stale,
        diff=diff_of(changed, absent, module.params["no_diff"]),
    )


if __name__ == "__main__":
    main()
