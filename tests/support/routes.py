"""The routes of the portal in many applications of one process."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


def compile_once() -> None:
    """Let werkzeug read a rule without variables, and compile the function that writes any rule's address, once in this
    process.

    Each test of a page makes a portal with some 250 rules, and four fifths of its time went to compiling them anew.
    The code depends on the rule, its defaults and its converters alone; it finds the converters in the rule it serves.
    """
    read_once()
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


def read_once() -> None:
    """Let werkzeug read each rule without variables once: its parts are of its text alone, and nothing changes them."""
    known: dict[Any, tuple[Any, Any, Any]] = {}
    original = Rule.compile

    def once(self: Rule) -> None:
        if "<" in self.rule or self.map.host_matching or self.subdomain:
            return original(self)
        key = (self.rule, self.merge_slashes, tuple(sorted((self.defaults or {}).items())))
        if key not in known:
            original(self)
            builders = (self._build.__func__, self._build_unknown.__func__)  # type: ignore[attr-defined]
            known[key] = (self._parts, self._trace, builders)
        self._parts, self._trace, builders = known[key]
        self._converters = {}
        self._build, self._build_unknown = (one.__get__(self, None) for one in builders)
        return None

    Rule.compile = once  # type: ignore[method-assign]
