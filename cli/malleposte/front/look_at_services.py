"""Look at every service that the portal names, and write down which answer. A timer of the portal's hosts runs it.

Usage: portal-states LIST FILE

LIST says what to look at (malleposte.front.states); FILE is what the portal reads.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from malleposte.front import states

WORDS = 2


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code: 0 done, 1 failure, 2 bad input."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: portal-states LIST FILE", file=sys.stderr)
        return 2
    listed, file = map(Path, words)
    before = states.read(file)
    try:
        walk = states.walk(states.targets(listed), before)
        states.write(file, walk)
    except (OSError, ValueError, TypeError) as error:
        print(f"portal-states: {error}", file=sys.stderr)
        return 1
    old = before.states if before else {}
    for name, state in walk.states.items():
        if name not in old or old[name].up != state.up:
            print(f"{name}: {'answers' if state.up else 'does not answer'}")
    return 0
