"""Bound connections that are used again, and those that are not."""

import socket

import pytest
from malleposte.directory.errors import Refused
from malleposte.directory.pool import Pool


class Bound:
    """Stands for a connection to the directory."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()

    def fileno(self) -> int:
        return self.here.fileno()

    def close(self) -> None:
        self.here.close()
        self.there.close()


@pytest.fixture
def pool() -> Pool:
    return Pool(Bound)  # type: ignore[arg-type]  # it is only passed on


def test_the_next_block_has_the_same_connection(pool: Pool) -> None:
    with pool.directory() as first:
        pass
    with pool.directory() as second, pool.directory() as beside:
        assert second is first and beside is not first


def test_one_whose_block_failed_is_closed(pool: Pool) -> None:
    with pytest.raises(Refused), pool.directory() as first:
        raise Refused("uid=a", 50, "no")
    assert first.fileno() == -1
    with pool.directory() as second:
        assert second is not first


def test_one_that_the_directory_has_ended_is_replaced(pool: Pool) -> None:
    with pool.directory() as first:
        first.there.close()  # type: ignore[attr-defined]
    with pool.directory() as second:
        assert second is not first
