"""The job of an engine: it brings its copy of the published calendars to the state of the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from malleposte.core.loops import named
from malleposte.groupware.published import content
from malleposte.groupware.published.model import Items, Shown
from malleposte.groupware.published.store import Store

Engine = Callable[[Sequence[Shown], Items], int]
"""Does the work, and gives the number of changed calendars. Raises MallepostError, OSError."""


def bring(engine: Engine, store: Store | None = None) -> int:
    """Have it done; return the number of changed calendars. Raises MallepostError, OSError."""
    source = store or Store()

    def items(ident: str) -> Mapping[str, str]:
        return content.check(source.content(ident), ident).items

    return source.bring(lambda shown: engine(shown, items))


def run(name: str, engine: Engine, store: Store | None = None) -> int:
    """Have it done, and report changes or the error. The exit code."""
    changed, ended = 0, list[str]()
    with named(ended.append):
        changed = bring(engine, store)
    for reason in ended:
        print(f"<3>the calendars of {name} are as they were: {reason}", file=sys.stderr)
        return 1
    if changed:
        print(f"{changed} published calendars changed")
    return 0
