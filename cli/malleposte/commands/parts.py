"""Commands of a group, each imported when it is used: a host starts many of them, and needs the code of one."""

import importlib
from collections.abc import Iterator, Mapping, MutableMapping

import click


class Parts(MutableMapping[str, click.Command]):
    """The commands of a group by name. `places` says of each where it lies below a package: `module:attribute`."""

    def __init__(self, package: str, places: Mapping[str, str]) -> None:
        self._package = package
        self._places = dict(places)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        """Import it. Raises KeyError for an unknown name."""
        if name not in self._loaded:
            module, _, attribute = self._places[name].partition(":")
            found = getattr(importlib.import_module(f"{self._package}.{module}"), attribute)
            assert isinstance(found, click.Command)
            self._loaded[name] = found
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        """Add one that is there already, as click does."""
        self._places.setdefault(name, "")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        """Forget it."""
        del self._places[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        """The names; nothing is imported."""
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        """Whether it is known; nothing is imported."""
        return name in self._places
