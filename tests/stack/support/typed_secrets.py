"""The passwords and codes that the tests typed or were given, kept for the search of the hosts' journals and logs.

Each process of a run appends to a file of its own, in a folder of its lab, that only its owner reads.
"""

import functools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
from malleposte.accountd.message import is_secret
from malleposte.core.paths import ENV_PREFIX, VAR

FOLDER = VAR / "test-typed"
NAMES = frozenset({"password", "new", "again", "old", "code", "codes", "numen", "secret", "token", "ticket"})
"""The fields of forms and documents that hold a secret."""
LEAST = 10
"""Characters of a secret that no other text holds by chance; an INA code has as many. Shorter ones are not kept."""


def folder() -> Path:
    """The folder of the present lab."""
    return FOLDER / os.environ.get(ENV_PREFIX, "first")


def noted(**values: Any) -> None:
    """Keep the values whose name says that they are secret; texts and lists of texts."""
    for name, value in values.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if name in NAMES and isinstance(one, str) and len(one) >= LEAST and not one.islower():
                _keep(name, one)


def hidden(message: Any) -> None:
    """Keep what a message of accountd does not show: its secrets and tokens."""
    if isinstance(message, msgspec.Struct):
        fields = msgspec.structs.fields(type(message))
        noted(**{
            one.name: getattr(message, one.name) for one in fields if is_secret(msgspec.inspect.type_info(one.type))
        })  # fmt: skip


def document(found: Any) -> None:
    """Keep the secrets of a JSON document."""
    if isinstance(found, dict):
        noted(**found)
    for inside in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        document(inside)


@functools.cache
def _keep(name: str, value: str) -> None:
    folder().mkdir(parents=True, exist_ok=True)
    place = os.open(folder() / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(place, "a", encoding="utf-8") as sheet:
        sheet.write(json.dumps([name, value]) + "\n")


def kept() -> dict[str, str]:
    """The secrets of every process that ran on this lab, each with the name of its field."""
    lines = (line for path in sorted(folder().glob("*.jsonl")) for line in path.read_text("utf-8").splitlines())
    return {value: f"a {name} that a test typed" for name, value in map(json.loads, lines)}


def forget() -> None:
    """Remove the files of every lab, once they were searched for."""
    shutil.rmtree(FOLDER, ignore_errors=True)
