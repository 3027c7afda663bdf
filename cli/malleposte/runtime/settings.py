"""Settings of a program of a host: a JSON file that a role lays, read strictly into a dataclass or a struct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from malleposte.core.errors import InputError


def read[T](path: Path, kind: type[T], name: str, absent: str | None = None, optional: Sequence[str] = ()) -> T:
    """Return the settings in a file; `name` says of what, `absent` what to do where the file cannot be read.

    The parts that are `optional` may be empty in it, which means none. Raises InputError, which names the file and what
    is wrong with it.
    """
    try:
        document = msgspec.json.decode(path.read_bytes())
        for part in optional:
            if not document.get(part):
                document.pop(part, None)
        return convert(document, kind)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", absent) from error
    except (ValueError, AttributeError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: not the settings of {name} ({error})", "deploy again") from error


def convert[T](document: Any, kind: type[T]) -> T:
    """Return a document of JSON as that kind. A number may be written as a text, as templates do now and then.

    Raises ValueError for what is missing, of another form, or not known.
    """
    try:
        settings = msgspec.convert(document, kind, strict=False, dec_hook=lambda path, text: path(text))
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    unknown = next(surplus(document, msgspec.to_builtins(settings, enc_hook=str)), None)
    if unknown:
        raise ValueError(f"{unknown} is not known")
    return settings


def surplus(raw: Any, form: Any) -> Iterator[str]:
    """Return the fields of `raw` that are not in what was read of it: msgspec passes over those of dataclasses."""
    if isinstance(raw, dict):
        for name, value in raw.items():
            yield from surplus(value, form[name]) if name in form else [name]
    elif isinstance(raw, list):
        for value, read in zip(raw, form, strict=True):
            yield from surplus(value, read)
