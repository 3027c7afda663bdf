"""`sogo-tool`: it writes folders and preferences as SOGo does, with its indexes. A run takes half a second at least."""

from __future__ import annotations

import json
import os
import plistlib
import pwd
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from malleposte.adapters.sogo import profiles
from malleposte.core.errors import MallepostError
from malleposte.runtime import owner

TIMEOUT = 60  # seconds
type Restore = Callable[[str, bytes], None]
"""Brings a file of `sogo-tool backup` (a property list) into SOGo, as the folders of an owner."""

LOOK = "see journalctl -u sogo -u postgresql"
KNOWN = {
    r"could not connect|connection refused|authentication failed|channel could not|no connection to server": (
        "its database does not answer"
    ),
    r"(user|account) .*(not found|unknown|does not exist)|(unknown|no such) user": "it does not know the account",
}
"""The meaning of what the tool prints."""
_STAMP = re.compile(r"^\d{4}-\S+ \S+ (sogo-tool)?\[[^]]*\][: ]*|<0x[^>]*>:?|^ERROR[: ]+")
"""The stamps before a line of the tool's."""
_ENVIRONMENT = ("HOME", "PGSSLMODE", "PGSSLROOTCERT")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def printable(text: str) -> str:
    """Return the text without what a property list cannot hold."""
    return _CONTROL.sub("", text)


def folder(title: str, texts: Mapping[str, str], rights: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a folder as the tool takes it: its title, the texts of items by name, roles by uid.

    The tool puts the rights of its file in the place of those that the folder has.
    """
    records = [{"c_name": name, "c_content": printable(text)} for name, text in texts.items()]
    acl = {uid: [*roles] for uid, roles in rights.items()}
    return {"acl": acl, "displayname": printable(title), "records": records}


def write(put: Restore, uid: str, folders: Mapping[str, Mapping[str, Any]]) -> None:
    """Write folders of an owner, by MODULE/NAME. The tool passes over items whose names are there."""
    if folders:
        tables = {f"/Users/{uid}/{place}": table for place, table in folders.items()}
        put(uid, plistlib.dumps({"tables": tables}))


def restore(uid: str, content: bytes) -> None:
    """Write folders as SOGo's own user: root's work, or a job's of that user. Raises MallepostError."""
    sogo = pwd.getpwnam("sogo")
    become: dict[str, Any] = {} if os.geteuid() else {"user": "sogo", "group": "sogo", "extra_groups": []}
    # A job's unit says how the database is reached.
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ and not become}
    with owner.as_user(sogo.pw_uid, sogo.pw_gid), tempfile.TemporaryDirectory(prefix="malleposte-sogo.") as scratch:
        (Path(scratch) / uid).write_bytes(content)
        try:
            done = subprocess.run(
                ["sogo-tool", "restore", "-f", "ALL", scratch, uid], **become,
                cwd=scratch, env={"PATH": "/usr/sbin:/usr/bin", **environment}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, errors="replace", check=False, timeout=TIMEOUT,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise MallepostError(f"SOGo did not take the folders of {uid} within {TIMEOUT} s", LOOK) from error
    # It is silent and content where it does not know the agent: who calls looks at what is there.
    if done.returncode:
        raise MallepostError(f"SOGo did not take the folders of {uid} ({reason(done.returncode, done.stderr)})", LOOK)


def set_identities(uid: str, identities: Sequence[Mapping[str, Any]]) -> str:
    """Give SOGo an agent's senders, which its memcached learns too; return what the tool said where that failed."""
    document = json.dumps({profiles.IDENTITIES: identities})
    argv = ["sogo-tool", "user-preferences", "set", "defaults", uid, profiles.IDENTITIES, document]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    return "" if done.returncode == 0 else f"SOGo did not take the senders ({reason(done.returncode, done.stderr)})"


def reason(code: int, said: str) -> str:
    """Return the cause of a failure in a few words: a known one, else the tool's last line without its stamps."""
    lines = [text for line in said.splitlines() if "SOGoCache" not in line and (text := _STAMP.sub("", line).strip())]
    for words, meaning in KNOWN.items():
        if any(re.search(words, line, re.I) for line in lines):
            return meaning
    return lines[-1][:200] if lines else f"sogo-tool ended with {code}"
