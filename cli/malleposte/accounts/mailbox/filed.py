"""Find messages that Dovecot has filed without Postfix knowing, and have the second delivery dropped (role dovecot).

Usage: dovecot-filed FOLDER DOMAIN

Dovecot files a message, and dies before it has said so: Postfix brings it again, some minutes later or as soon as
Dovecot is back. Postfix notes such a recipient ("message may be sent more than once"). If the box holds a message whose
first Received, which is Postfix's own, bears that queue id, a Sieve script is written for the account: it drops the
recipient's message of that queue id and second. FOLDER holds these scripts and the list of what is looked for, DOMAIN
is that of the final addresses. A script goes once its messages have left the queue.

Nothing is dropped that was not found in the box. Docs: docs/adr/0058-filed-twice.md.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.adapters import dovecot
from malleposte.core.errors import MallepostError
from malleposte.platform.identity import is_uid
from malleposte.platform.mailstore import SEALED_ROOT
from malleposte.runtime import owner

UNCERTAIN = "message may be sent more than once"
"""The end of Postfix's reason (src/smtp/smtp_trouble.c) where the answer to the whole message is missing."""
SUFFIX = ".sieve"
LIST = "uncertain.json"
PATIENCE = 60.0
"""Seconds for doveadm to read a box, and for postqueue."""
_RECEIVED = re.compile(r".*\bid ([0-9A-Za-z]{5,30})(?: for \S+)?; ([A-Za-z0-9 ,:+()-]{20,60})")
_ADDRESS = re.compile(r"([a-z0-9._-]+)(\+[A-Za-z0-9._+-]*)?")


@dataclass(frozen=True)
class Uncertain:
    """A recipient's message of which Postfix does not know whether it was filed; `arrived` is a Unix time."""

    ident: str
    address: str
    arrived: int

    @property
    def uid(self) -> str:
        """The account; empty where the address is none of an account's."""
        match = _ADDRESS.fullmatch(self.address.rpartition("@")[0])
        return match[1] if match and is_uid(match[1]) else ""


def uncertain(queue: str, domain: str, before: Collection[Uncertain]) -> set[Uncertain]:
    """Those of a queue (`postqueue -j`), and those that were there `before` and are still in it.

    A further try that fails otherwise, as while Dovecot is down, overwrites Postfix's note.
    """
    idents = {one.ident for one in before}
    messages = set()
    for line in queue.splitlines():
        if UNCERTAIN not in line and not any(ident in line for ident in idents):  # of a long queue few are
            continue
        message = json.loads(line)
        for row in message["recipients"]:
            one = Uncertain(str(message["queue_id"]), str(row["address"]), int(message["arrival_time"]))
            noted = one in before or UNCERTAIN in str(row.get("delay_reason", ""))
            if noted and one.uid and one.address.rpartition("@")[2] in (domain, f"sent.{domain}"):
                messages.add(one)
    return messages


def seconds(headers: Iterable[str]) -> dict[str, str]:
    """Queue ids of messages, and the second that the SMTP server wrote beside each, from their headers."""
    by_ident = {}
    for text in headers:
        first = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(text).get("Received", "")
        if match := _RECEIVED.fullmatch(" ".join(str(first).split())):
            by_ident[match[1]] = match[2]
    return by_ident


def script(filed: Iterable[tuple[Uncertain, str]]) -> str:
    """The Sieve script that drops these messages, each with its second."""
    lines = ["# Filed already; the SMTP server does not know it and brings it again.", 'require ["envelope", "index"];']
    for one, second in filed:
        lines.append(f'if allof (envelope :is "to" "{one.address}",')
        lines.append(f'          header :index 1 :matches "Received" "* id {one.ident}*; {second}") {{')
        lines += ["  discard;", "  stop;", "}"]
    return "\n".join([*lines, ""])


def look(uid: str, waiting: Collection[Uncertain]) -> str:
    """The script for an account; empty where nothing of that was filed. Raises MallepostError."""
    since = str(min(one.arrived for one in waiting) - 60)
    headers: list[str] = []
    for folders in ("*", f"{SEALED_ROOT}*"):  # no search finds both
        words = ("-f", "json", "fetch", "-u", uid, "hdr", "mailbox", folders, "savedsince", since)
        done = dovecot.doveadm(*words, timeout=PATIENCE)
        headers += (str(row.get("hdr", "")) for row in json.loads(done.stdout or "[]"))
    times = seconds(headers)
    filed = [(one, times[one.ident]) for one in sorted(waiting, key=str) if one.ident in times]
    return script(filed) if filed else ""


def write(path: Path, text: str) -> None:
    """Write a script of the folder anew, or remove it where it is empty; what Dovecot compiled of the old one goes."""
    with owner.as_owner(path):
        if text and owner.plain(path) and owner.read(path) == text.encode():
            return
        path.with_suffix(".svbin").unlink(missing_ok=True)
        if text:
            owner.replace(path, text)
        else:
            path.unlink(missing_ok=True)


def remembered(path: Path) -> set[Uncertain]:
    """Those of the run before; none where its list cannot be read."""
    try:
        return {Uncertain(str(ident), str(address), int(at)) for ident, address, at in json.loads(owner.read(path))}
    except (OSError, ValueError, TypeError):
        return set()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 2 or not Path(words[0]).is_dir():
        print("usage: dovecot-filed FOLDER DOMAIN", file=sys.stderr)
        return 2
    folder, failed = Path(words[0]), False
    queue = subprocess.run(["postqueue", "-j"], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    unconfirmed = uncertain(queue, words[1], remembered(folder / LIST))
    owner.replace(folder / LIST, json.dumps(sorted((one.ident, one.address, one.arrived) for one in unconfirmed)))
    of: dict[str, list[Uncertain]] = defaultdict(list)
    for one in unconfirmed:
        of[one.uid].append(one)
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path.stem not in of:
            write(path, "")
    for uid, waiting in sorted(of.items()):
        try:
            if text := look(uid, waiting):
                write(folder / f"{uid}{SUFFIX}", text)
        except (MallepostError, OSError, ValueError) as error:
            print(f"{uid}: {error}: a message may be filed twice", file=sys.stderr)
            failed = True
    return int(failed)
