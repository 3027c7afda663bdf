"""The guard as a daemon: its settings, connections that wait, connections that end."""

import asyncio
import json
import struct
from pathlib import Path

import pytest
from malleposte.daemons.guard import main, milter
from malleposte.daemons.guard.scanner import Bounds

GIVEN = {"levels": 1, "work": 2, "boundaries": 3, "fields": 4, "hidden": 5, "connections": 6}


def test_settings_are_read_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "guard.json"
    path.write_text(json.dumps(GIVEN))
    assert main.Config.read(path) == main.Config(Bounds(1, 2, 3, 4, 5), 6)
    assert main.main([str(path), "--check"]) == 0
    for wrong in (0, -1, "many", True, None):
        path.write_text(json.dumps(GIVEN | {"levels": wrong}))
        assert main.main([str(path), "--check"]) == 1
        assert "levels is a whole number above 0" in capsys.readouterr().err


def conversation(path: Path, connections: int) -> list[bytes]:
    """The octets that each of two connections gets: the second asks while the first is open."""
    offer = milter.packet(milter.NEGOTIATE, struct.pack("!III", 6, 0x1FF, 0x1FFFFF))

    async def run() -> list[bytes]:
        server = main.Server(main.Config(Bounds(), connections))
        listening = await asyncio.get_running_loop().create_unix_server(lambda: main.Connection(server), path)
        async with listening:
            first_reads, first = await asyncio.open_unix_connection(path)
            first.write(offer)
            got = [await first_reads.readexactly(17)]
            second_reads, second = await asyncio.open_unix_connection(path)
            second.write(offer)
            answer = asyncio.ensure_future(second_reads.readexactly(17))
            if connections == 1:
                await asyncio.wait([answer], timeout=0.2)
                assert not answer.done()
            first.write(milter.packet(milter.QUIT))
            assert await first_reads.read() == b""
            got.append(await answer)
            # A packet that no mail server sends ends the connection.
            second.write(struct.pack("!I", 0))
            assert await second_reads.read() == b""
            for writer in (first, second):
                writer.close()
        return got

    return asyncio.run(run())


@pytest.mark.parametrize("connections", [1, 2])
def test_connections_beyond_the_most_wait(tmp_path: Path, connections: int) -> None:
    first, second = conversation(tmp_path / "s", connections)
    assert first == second and first[4:5] == b"O"


def test_a_connection_that_is_silent_too_long_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "WITHIN", 0.1)
    monkeypatch.setattr(main, "BETWEEN", 0.2)

    async def run() -> bytes:
        server = main.Server(main.Config(Bounds(), 2))
        looking = asyncio.create_task(server.end_silent())
        listening = await asyncio.get_running_loop().create_unix_server(lambda: main.Connection(server), tmp_path / "s")
        async with listening:
            reads, writer = await asyncio.open_unix_connection(tmp_path / "s")
            got = await reads.read()
            writer.close()
        looking.cancel()
        return got

    assert asyncio.run(run()) == b""


def test_the_defaults_of_the_role_are_those_of_the_scanner() -> None:
    lines = (Path(main.__file__).parents[4] / "roles/guard/defaults/main.yml").read_text("utf-8").splitlines()
    given = dict(line.removeprefix("guard_").split(": ") for line in lines if ": " in line)
    assert {name: int(given[name]) for name in vars(Bounds())} == vars(Bounds())
