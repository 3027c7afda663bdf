"""Tests on the lab that failed and run once more by themselves.

Hosts share two cores with the tests, so a test may meet what another provoked. Such a test must be mended, and it is
named in the closing lines of each run that met it. It fails the gate only when it fails by itself too, or when more
than MOST of a lane fail: one may have bad luck, two are a fault.
"""

import re
from collections.abc import Sequence

MOST = 1
"""As many tests of a lane may run once more."""
_MARKS = ("FAILED ", "ERROR ")
_COUNT = re.compile(r"(\d+) (?:failed|errors?)\b")


def failed_tests(lines: Sequence[str], closing: str) -> list[str]:
    """The node ids in pytest's short summary (`FAILED path::name - reason`), each once.

    None where `closing`, pytest's last line, counts others: a long reason may have pushed their names out of the lines.
    """
    found = [line.partition(" ")[2].partition(" - ")[0] for line in lines if line.startswith(_MARKS)]
    found = [name for name in found if name.partition("::")[0].endswith(".py")]
    counted = sum(int(many) for many in _COUNT.findall(closing))
    return list(dict.fromkeys(found)) if len(found) == counted else []


def again(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The call of pytest `words` for the tests `names` alone, one after the other.

    What comes up to the word `pytest` stays; paths, workers and expressions go.
    """
    return (*words[: words.index("pytest") + 1], *names)


def told(names: Sequence[str], *, ok: bool) -> list[str]:
    """A closing line a test."""
    return [f"unsteady {name}: failed, then {'passed' if ok else 'ran once more'} alone" for name in names]
