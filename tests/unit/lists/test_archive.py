"""The archive of a list, as it stands in the directory."""

from __future__ import annotations

import pytest
from malleposte.circulars.model import MOST_LISTS
from malleposte.core.errors import InputError
from malleposte.lists import edits
from malleposte.lists.model import attributes_of, to_list

from tests.support.directory import MemoryDirectory


def made(directory: MemoryDirectory, name: str, *, archive: bool = False) -> None:
    one = edits.draft(directory, name, name, "ac-exemple.test", archive=archive)
    directory.add(one.dn(directory.suffix), attributes_of(one))


def test_a_list_has_none_until_it_is_given_one() -> None:
    directory = MemoryDirectory()
    made(directory, "conseil")
    entry = edits.find(directory, "conseil")
    assert not to_list(entry.attributes).archive and edits.archive(directory, entry, on=False) == []
    (change,) = edits.archive(directory, entry, on=True)
    assert change.after == {"mpArchive": ["TRUE"]}


def test_so_many_lists_have_an_archive() -> None:
    directory = MemoryDirectory()
    for number in range(MOST_LISTS - 1):
        made(directory, f"liste{number}", archive=True)
    made(directory, "derniere")
    made(directory, "encore")
    entry = edits.find(directory, "derniere")
    assert edits.archive(directory, entry, on=True)
    made(directory, "pleine", archive=True)
    with pytest.raises(InputError, match="300 lists have an archive"):
        edits.archive(directory, entry, on=True)
    assert edits.archive(directory, edits.find(directory, "pleine"), on=False)
