"""The job of an engine: it brings its copy of the published calendars to the state of the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from malleposte.core.loops import named
from malleposte.groupware.published import cards, content
from malleposte.groupware.published.model import Items, Shown
from malleposte.groupware.published.store import Store

Engine = Callable[[Sequence[Shown], Items], int]
"""Does the work, and gives the number of changed calendars. Raises MallepostError, OSError."""


def bring(engine: Engine, *stores: Store) -> int:
    """Have it done for the calendars of these stores, by default the one of what is published.

    Return the number of changed calendars. Raises MallepostError, OSError.
    """
    sources: dict[str, tuple[Store, Shown]] = {}

    def items(ident: str) -> Mapping[str, str]:
        store, one = sources[ident]
        text = store.content(ident)
        return cards.check(text, ident) if one.is_book else content.check(text, ident, least=0).items

    def gather(shown: Sequence[Shown], first: Store, *rest: Store) -> int:
        def work(more: Sequence[Shown]) -> int:
            sources.update((one.ident, (first, one)) for one in more)
            return gather([*shown, *more], *rest) if rest else engine([*shown, *more], items)

        return first.bring(work)

    return gather([], *(stores or (Store(),)))


def run(name: str, engine: Engine, *stores: Store) -> int:
    """Have it done, and report changes or the error. The exit code."""
    changed, ended = 0, list[str]()
    with named(ended.append):
        changed = bring(engine, *stores)
    for reason in ended:
        print(f"<3>the calendars of {name} are as they were: {reason}", file=sys.stderr)
        return 1
    if changed:
        print(f"{changed} published calendars changed")
    return 0
