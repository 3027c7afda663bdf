"""Looks for secrets where none may be: what an inventory keeps secret, the forms it may be written in, and the search.

A needle is a piece of a secret that no other text holds by chance: a line of a key, a password.
"""

import base64
import json
import secrets
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.stack.support.site import Site

LEAST = 12
"""Characters of a needle, so that no other text holds it by chance."""
GIVEN = ("password", "next", "code")
"""Keys of the tables (JSON) whose values are secret; names and addresses beside them are not."""
SHARED = "b3BlbnNzaC1rZXktdjE"
"""The beginning of every private key of OpenSSH's form: no secret of anybody's."""

MARK = "the mark of the search"
SEARCH = r"""
import gzip, json, os, pathlib, subprocess, sys

asked = json.load(sys.stdin)
names = asked["needles"]


def found(stream, data=None):
    # The needles reach grep by a descriptor: an argument would be seen in /proc, which is searched too.
    sheet = os.memfd_create("needles")
    os.write(sheet, "\n".join(names).encode())
    os.lseek(sheet, 0, 0)
    words = ["grep", "--text", "--only-matching", "--fixed-strings", "--file", f"/proc/self/fd/{sheet}"]
    done = subprocess.run(words, stdin=stream, input=data, capture_output=True, pass_fds=[sheet])
    os.close(sheet)
    if done.returncode > 1:
        sys.exit(done.stderr.decode())
    return sorted({names[line] for line in done.stdout.decode(errors="replace").splitlines()})


def said(where, hits):
    for hit in hits:
        told.append([where, hit])


told = []
for form in ("export", "cat"):
    journal = subprocess.Popen(["journalctl", "--all", "--quiet", "--no-pager", "-o", form], stdout=subprocess.PIPE)
    said(f"journal ({form})", found(journal.stdout))
    if journal.wait():
        sys.exit("journalctl failed")
for path in sorted(pathlib.Path("/var/log").rglob("*")):
    if path.is_file() and "/var/log/journal/" not in str(path):
        data = path.read_bytes()
        said(str(path), found(None, gzip.decompress(data) if path.suffix == ".gz" else data))
processes = {}
for process in sorted(pathlib.Path("/proc").glob("[0-9]*")):
    for kind in ("cmdline", "environ"):
        try:
            data = (process / kind).read_bytes()
        except OSError:
            continue
        processes[f"{kind} of {data[:40]!r}"] = data
# One search for all of them: to prepare grep for thousands of needles takes longer than to search a process.
if found(None, b"\n".join(processes.values())):
    for where, data in processes.items():
        said(where, found(None, data))
print(json.dumps(told))
"""
"""Run on a host, with the needles on standard input; prints pairs of a place and a secret's name."""


def _values(document: Any, key: str = "") -> Iterator[str]:
    if isinstance(document, Mapping):
        for name, inside in document.items():
            yield from _values(inside, name)
    elif isinstance(document, list):
        for inside in document:
            yield from _values(inside, key)
    elif key in GIVEN:
        yield str(document)


def pieces(path: Path) -> list[str]:
    """The secret parts of one file of the secrets' folder."""
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        return [value for value in _values(json.loads(text)) if len(value) >= LEAST]
    lines = (line.strip() for line in text.splitlines() if not line.startswith("-----"))
    return [line for line in lines if len(line) >= LEAST and not line.startswith(SHARED)]


def forms(piece: str) -> set[str]:
    """A piece as it is, as JSON, Python and shells escape it, and inside any text in base64."""
    found = {piece, json.dumps(piece)[1:-1], repr(piece)[1:-1], piece.encode("unicode_escape").decode()}
    raw = piece.encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode()
        # The ends depend on the bytes around the piece.
        core = coded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        found |= {core, core.translate(str.maketrans("+/", "-_"))} if len(core) >= LEAST else set()
    return found


class Needles(dict[str, str]):
    """The texts to search for, and their secrets. Never shown: a failing test prints its arguments."""

    def __repr__(self) -> str:
        return f"{len(self)} needles"


def needles(folder: Path) -> Needles:
    """The needles of a folder of secrets."""
    found = {
        piece: path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pem"
        for piece in pieces(path)
    }
    return given(found)


def given(values: Mapping[str, str]) -> Needles:
    """The needles of values, each with its name."""
    return Needles({form: name for value, name in values.items() for form in forms(value)})


def on_host(site: Site, name: str, sought: Mapping[str, str]) -> list[str]:
    """Find secrets in a host's journals, logs and processes; each line names the secret and does not hold it.

    AssertionError when the search does not find a mark that it wrote into the journal itself.
    """
    mark = secrets.token_hex(16)
    site.run(
        name, "systemd-cat -t leak-trial; journalctl --sync", given=f"Invoked with files=[{{'content': '{mark}'}}]\n"
    )
    asked = json.dumps({"needles": {**sought, mark: MARK}})
    answer = site.run(name, f"python3 -c {shlex.quote(SEARCH)}", given=asked, timeout=600)
    told = {f"{name}: {where}: {secret}" for where, secret in json.loads(answer)}
    assert f"{name}: journal (export): {MARK}" in told
    return sorted(line for line in told if not line.endswith(f": {MARK}"))


def in_folder(folder: Path, sought: Mapping[str, str]) -> list[str]:
    """Find secrets in files of the controller."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            found |= {f"{path.name}: {secret}" for needle, secret in sought.items() if needle in text}
    return sorted(found)
