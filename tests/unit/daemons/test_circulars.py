"""The daemon of the archives: its sockets, and PDFs that a process of no rights reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from malleposte.circulars import ask
from malleposte.circulars.model import Counting, Filed, Filing, Query
from malleposte.circulars.store import Limits, Store
from malleposte.core.errors import InputError, MallepostError
from malleposte.daemons import circulars as module
from malleposte.daemons.circulars import Archive, Server, read, words_of

from ..circulars.test_reading import letter
from ..circulars.test_store import IDENT, NOW, filing

WORDS = "Les mutations intra-académiques"
type Reader = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "state").mkdir()
    made = Store(tmp_path / "state", Limits(list_mb=1))
    yield made
    made.close()


@contextlib.asynccontextmanager
async def serving(store: Store, folder: Path) -> AsyncIterator[Server]:
    """A server on both sockets."""
    server = Server(Archive(store, Counting.NOTHING, lambda: NOW), folder / "words")
    sockets = []
    for name in ("asked", "filed"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(folder / name))
        one.listen()
        sockets.append(one)
    task = asyncio.create_task(server.serve(sockets))
    try:
        yield server
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_a_message_comes_by_one_socket_and_is_found_by_the_other(store: Store, tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(store, tmp_path):
            raw = letter()
            for _time in range(2):
                filed = await asyncio.to_thread(ask.file, filing(size=len(raw)), raw, tmp_path / "filed")
                assert filed == Filed()
            answer = await asyncio.to_thread(ask.find, Query(("chefs",), "rentree"), tmp_path / "asked")
            assert [one.ident for one in answer.circulars] == [IDENT]
            big = letter(("x.bin", b"x" * 1_000_000))
            full = filing("20260915081500-5f2a90c2", size=len(big))
            for first in (True, False):
                assert await asyncio.to_thread(ask.file, full, big, tmp_path / "filed") == Filed(full=True, first=first)
            answer = await asyncio.to_thread(ask.find, Query(("chefs", "profs")), tmp_path / "asked")
            assert answer.full == ("chefs",) and len(answer.circulars) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    "head", [b"x\n", b"{}\n", b"[" * 100_000 + b"\n", json.dumps({"ident": "../x"}).encode() + b"\n"]
)
def test_what_is_no_message_is_not_taken_and_ends_nothing(store: Store, tmp_path: Path, head: bytes) -> None:
    async def run() -> None:
        async with serving(store, tmp_path):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "filed"))
            writer.write(head)
            assert await reader.read() == b""
            writer.close()
            raw = letter()
            assert await asyncio.to_thread(ask.file, filing(size=len(raw)), raw, tmp_path / "filed") == Filed()

    asyncio.run(run())
    assert [one[1] for one in store.every()] == [IDENT]


def test_one_that_ends_too_early_is_not_archived(store: Store, tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(store, tmp_path):
            with pytest.raises(MallepostError):
                await asyncio.to_thread(_half, tmp_path / "filed")

    asyncio.run(run())
    assert list(store.every()) == []


def _half(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        link.sendall(msgspec.json.encode(filing(size=1000)) + b"\nhalf")
        link.shutdown(socket.SHUT_WR)
        if not link.recv(100):
            raise MallepostError("nothing came back")


async def _read_as(reader: Reader, folder: Path, store: Store, body: bytes = b"%PDF-1.4 x") -> None:
    """Archive a message with a PDF, whose reader is this one."""
    raw = letter(("Note.pdf", body))
    store.file(Filing(IDENT, "chefs", "recteur", NOW, len(raw)), raw)
    server = await asyncio.start_unix_server(reader, path=str(folder / "words"))  # type: ignore[arg-type]
    async with server:
        await Server(Archive(store, Counting.NOTHING), folder / "words").read_pdfs("chefs", IDENT)


def found(store: Store, words: str) -> bool:
    return bool(store.find(Query(("chefs",), words))[0])


async def honest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.write(WORDS.encode())
    writer.close()


async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4)
    writer.transport.abort()


async def floods(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(b"bombe " * 10_000)
            await writer.drain()
    writer.close()


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(65_536):
            pass
        await asyncio.sleep(2)  # longer than anybody waits
    writer.close()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.write(b"\xff\x00\xfe" * 1000)
    writer.close()


def test_a_pdf_is_found_by_its_words_and_by_its_name(store: Store, tmp_path: Path) -> None:
    asyncio.run(_read_as(honest, tmp_path, store))
    assert found(store, "mutations academiques") and found(store, "note pdf") and not store.waiting()
    assert not found(store, "mutations absentes")


@pytest.mark.parametrize("reader", [dies, floods, hangs, garbage])
def test_a_hostile_pdf_costs_little_and_is_found_by_its_name(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> None:
    monkeypatch.setattr(module, "WORDS_PATIENCE", 0.5)
    monkeypatch.setattr(module, "MOST_WORDS", 100_000)
    asyncio.run(_read_as(reader, tmp_path, store, b"%PDF-1.4" + b"x" * 500_000))
    assert found(store, "note pdf") and not store.waiting(), "it is read once"
    assert (store.place("chefs", IDENT) / "words").stat().st_size <= 300_000


def test_without_a_reader_it_waits(store: Store, tmp_path: Path) -> None:
    raw = letter(("Note.pdf", b"%PDF-1.4 x"))
    store.file(Filing(IDENT, "chefs", "recteur", NOW, len(raw)), raw)
    with pytest.raises(FileNotFoundError):
        asyncio.run(Server(Archive(store, Counting.NOTHING), tmp_path / "words").read_pdfs("chefs", IDENT))
    assert store.waiting() == [("chefs", IDENT)]


def pdf_of(words: str, times: int = 1) -> bytes:
    """A PDF of one line, or of as many, which are compressed: some hundred thousand bytes are hundreds of millions."""
    line, packed = b"BT /F1 12 Tf 72 720 Td (" + words.encode("latin-1") + b") Tj ET\n", zlib.compressobj(9)
    pieces = [packed.compress(line * min(1000, times - done)) for done in range(0, times, 1000)]
    stream = b"".join(pieces) + packed.flush()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]  # fmt: skip
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(body)
    )


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="Debian's poppler-utils is not here")
def test_debian_s_reader_takes_a_pdf_by_its_input(tmp_path: Path) -> None:
    async def convert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await reader.read()
        process = await asyncio.create_subprocess_exec(
            "pdftotext", "-q", "-enc", "UTF-8", "-nopgbrk", "-l", "300", "-", "-",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        writer.write((await process.communicate(body))[0])
        writer.close()

    async def run() -> str:
        async with await asyncio.start_unix_server(convert, path=str(tmp_path / "words")):
            return await words_of(pdf_of("Epreuves été"), tmp_path / "words")

    assert asyncio.run(run()).strip() == "Epreuves été"


def test_settings_are_checked(tmp_path: Path) -> None:
    good = {"days": 1825, "list_mb": 1, "mb": 10, "readers": "no", "words": "/run/x"}
    for wrong in ({}, {"days": 0}, {"readers": "yes"}, {"mb": -1}):
        path = tmp_path / "circulars.json"
        path.write_text(json.dumps({**good, **wrong}))
        if not wrong:
            assert read(path).days == 1825
        else:
            with pytest.raises(InputError):
                read(path)
