"""The routes of the portal in many applications of one process."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


def compile_once() -> None:
    """Let werkzeug compile the function that writes a rule's address once in this process.

    Each test of a page makes a portal with some 250 rules, and four fifths of its time went to compiling them anew.
    The code depends on the rule, its defaults and its converters alone; it finds the converters in the rule it serves.
    """
    compiled: dict[Any, Callable[..., tuple[str, str]]] = {}
    original = Rule._compile_builder

    def once(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        defaults = tuple(sorted((self.defaults or {}).items()))
        converters = tuple((name, type(one)) for name, one in self._converters.items())
        key = (self.rule, tuple(self._trace), defaults, converters, append_unknown)
        if key not in compiled:
            compiled[key] = original(self, append_unknown)
        return compiled[key]

    Rule._compile_builder = once  # type: ignore[method-assign]
