"""Attachments that are fetched in pieces: taken out of their message once, and only while it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.circulars import parts as module
from malleposte.circulars import reading
from malleposte.circulars.ask import Which
from malleposte.circulars.model import CHUNK, PDF
from malleposte.circulars.parts import Parts
from malleposte.circulars.store import Store
from malleposte.deliveries.retracted import Box, Sign

from .test_reading import letter
from .test_store import IDENT, filing

BODY = b"%PDF-1.4 " + bytes(range(256)) * 2500
BOX = Box("recteur", (Sign("Q", "<a@b>"),), listed=("a@b",))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    raw = letter(("Note.pdf", BODY), ("autre.bin", b"x"))
    made.file(filing(size=len(raw)), raw)
    yield made
    made.close()


@pytest.fixture
def parts(store: Store) -> Parts:
    return Parts(store)


def numbers(store: Store) -> list[int]:
    shown = store.show("chefs", IDENT)
    assert shown is not None
    return [one.number for one in shown.parts]


def fetched(parts: Parts, number: int) -> bytes:
    body = b""
    while (chunk := parts.chunk(Which("chefs", IDENT, number=number, offset=len(body)))) and chunk.content:
        body += chunk.content
    return body


def test_a_message_is_taken_apart_once_for_all_pieces(
    store: Store, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = numbers(store)
    read: list[int] = []
    plain = reading.read

    def counted(raw: bytes) -> Any:
        read.append(len(raw))
        return plain(raw)

    monkeypatch.setattr(reading, "read", counted)
    assert fetched(parts, number) == BODY and len(BODY) > 2 * CHUNK
    assert len(read) == 1
    chunk = parts.chunk(Which("chefs", IDENT, number=number))
    assert chunk is not None and (chunk.name, chunk.kind, len(read)) == ("Note.pdf", PDF, 1)
    assert fetched(parts, other) == b"x" and fetched(parts, 0).startswith(b"Bonjour")
    assert parts.chunk(Which("chefs", IDENT, number=59)) is None
    assert parts.chunk(Which("autres", IDENT, number=number)) is None


def test_who_fetches_gets_nothing_more_of_what_is_taken_back(store: Store, parts: Parts) -> None:
    number, _other = numbers(store)
    assert parts.chunk(Which("chefs", IDENT, number=number)) is not None
    store.withdraw([BOX], back=False)
    assert parts.chunk(Which("chefs", IDENT, number=number, offset=CHUNK)) is None
    store.withdraw([BOX], back=True)
    chunk = parts.chunk(Which("chefs", IDENT, number=number, offset=CHUNK))
    assert chunk is not None and chunk.content == BODY[CHUNK : 2 * CHUNK]


def test_few_files_are_kept_open(store: Store, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    for number in (0, *numbers(store)):
        assert parts.chunk(Which("chefs", IDENT, number=number)) is not None
    assert len(parts._opened) == 2
    assert parts.chunk(Which("chefs", IDENT, number=0)) is not None
