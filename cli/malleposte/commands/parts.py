"""Commands of a group, each imported when it is used: a host starts many of them, and needs the code of one."""

import importlib
from collections.abc import Iterator, Mapping

import click


class Parts(Mapping[str, click.Command]):
    """The commands of a group by name. `places` says of each where it lies below a package: `module:attribute`."""

    def __init__(self, package: str, places: Mapping[str, str]) -> None:
        self._package = package
        self._places = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        """Import it. Raises KeyError for an unknown name."""
        module, _, attribute = self._places[name].partition(":")
        part = getattr(importlib.import_module(f"{self._package}.{module}"), attribute)
        assert isinstance(part, click.Command)
        return part

    def __iter__(self) -> Iterator[str]:
        """The names; nothing is imported."""
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        """Whether it is known; nothing is imported."""
        return name in self._places
