#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove from a host's journals and logs what a program wrote there and should not have."""

from __future__ import annotations

DOCUMENTATION = r"""
module: journal_purge
short_description: Remove from a host's journals and logs what should never have been written there
description:
  - Looks for messages of some programs that match a pattern. A journal file that holds one is removed whole, since
    journald can take nothing out of a file; the file in use is closed first (C(journalctl --rotate)). From a text log
    of a syslog daemon the lines alone are taken out, also where it is compressed by gzip.
  - Journal files without such a message stay. A second run finds nothing.
author: Malleposte (@malleposte)
options:
  identifiers:
    description: Identifiers of the programs (C(SYSLOG_IDENTIFIER)).
    type: list
    elements: str
    required: true
  pattern:
    description: The text to remove from their messages, as a regular expression.
    type: str
    required: true
  journals:
    description: Folders of the journals.
    type: list
    elements: path
    default: [/var/log/journal, /run/log/journal]
  logs:
    description: Text logs, as patterns of the shell.
    type: list
    elements: str
    default: [/var/log/syslog*, /var/log/messages*, /var/log/user.log*]
  advice:
    description: Advice to the operator when something was found; part of the warning.
    type: str
    default: ""
attributes:
  check_mode:
    description: Reports what would be removed.
    support: full
"""

EXAMPLES = r"""
- academie.malleposte.journal_purge:
    identifiers: [ansible-academie.malleposte.config_set]
    pattern: Invoked with files=
"""

RETURN = r"""
removed:
  description: Journal files that were removed.
  returned: always
  type: list
  elements: str
cleaned:
  description: Text logs from which lines were taken.
  returned: always
  type: list
  elements: str
"""

import contextlib
import glob
import gzip
import os
import re

from ansible.module_utils.basic import AnsibleModule

NO_MATCH = 1


def holds(module: AnsibleModule, path: str) -> bool:
    """Whether a journal file holds one; found by the index of the identifiers."""
    matches = [f"SYSLOG_IDENTIFIER={name}" for name in module.params["identifiers"]]
    # Where Python speaks to journald itself, Ansible's messages bear another mark and the module's name in the text.
    words = [word for match in [*matches, "MODULE=basic.py"] for word in ("+", match)][1:]
    argv = ["journalctl", f"--file={path}", "--quiet", "--all", "--no-pager", "-n", "1", "-o", "cat"]
    code, out, err = module.run_command([*argv, "--grep", module.params["pattern"], *words], encoding=None)
    if code not in (0, NO_MATCH) or (code == NO_MATCH and err):
        # A file that vanished meanwhile, by journald's own hand, holds nothing.
        if not os.path.exists(path):
            return False
        module.fail_json(msg=f"{path}: journalctl: {err.decode(errors='replace').strip() or code}")
    return bool(out)


def found(module: AnsibleModule) -> list[str]:
    paths = [
        os.path.join(folder, name)
        for top in module.params["journals"]
        for folder, _folders, names in os.walk(top)
        for name in sorted(names)
        if name.endswith((".journal", ".journal~"))
    ]
    return [path for path in paths if holds(module, path)]


def purge(module: AnsibleModule) -> list[str]:
    """Remove the journal files; returns which."""
    held = found(module)
    if not held or module.check_mode:
        return held
    # A file in use bears no `@`; once closed it has another name.
    if any("@" not in os.path.basename(path) for path in held):
        code, _out, err = module.run_command(["journalctl", "--rotate"])
        if code:
            module.fail_json(msg=f"journalctl --rotate: {err.strip() or code}")
        held = found(module)
    for path in held:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    left = found(module)
    if left:
        module.fail_json(msg=f"{left[0]}: still holds what must go; run the deploy again")
    return held


def clean(module: AnsibleModule) -> list[str]:
    """Take the lines out of the text logs; returns which had some."""
    names = "|".join(re.escape(name) for name in module.params["identifiers"])
    line = re.compile(f"(?m)^.*(?:{names}).*(?:{module.params['pattern']}).*\n?".encode())
    cleaned = []
    for path in sorted({path for pattern in module.params["logs"] for path in glob.glob(pattern)}):
        if not os.path.isfile(path):
            continue
        packed = path.endswith(".gz")
        with open(path, "rb") as handle:
            raw = handle.read()
        text = gzip.decompress(raw) if packed else raw
        rest = line.sub(b"", text)
        if rest == text:
            continue
        cleaned.append(path)
        if not module.check_mode:
            # In place: the daemon that writes it has it open.
            with open(path, "r+b") as handle:
                handle.write(gzip.compress(rest) if packed else rest)
                handle.truncate()
                os.fsync(handle.fileno())
    return cleaned


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "identifiers": {"type": "list", "elements": "str", "required": True},
            "pattern": {"type": "str", "required": True},
            "journals": {"type": "list", "elements": "path", "default": ["/var/log/journal", "/run/log/journal"]},
            "logs": {
                "type": "list",
                "elements": "str",
                "default": ["/var/log/syslog*", "/var/log/messages*", "/var/log/user.log*"],
            },
            "advice": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    removed, cleaned = purge(module), clean(module)
    if removed or cleaned:
        what = f"{len(removed)} journal files and lines of {len(cleaned)} logs"
        done = "are to be removed" if module.check_mode else "were removed"
        why = "for what earlier deploys wrote there"
        module.warn(f"{what} {done}, {why}" + (f": {advice}" if (advice := module.params["advice"]) else ""))
    module.exit_json(changed=bool(removed or cleaned), removed=removed, cleaned=cleaned)


if __name__ == "__main__":
    main()
