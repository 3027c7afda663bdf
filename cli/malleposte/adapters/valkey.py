"""Scripts and sorted sets of a Valkey, by redis-py, whose protocol Valkey speaks.

Each question has one chance more on a new connection where the old one was closed, and none after a silence: what asks
here is itself waited for.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import redis

PATIENCE = 0.25  # seconds for an answer on this host; four times as long over TLS


class Unavailable(Exception):
    """Valkey gives no answer, or refuses."""


class Valkey:
    """A client for threads. Connections are opened when they are needed."""

    def __init__(self, server: str, username: str, password: str, patience: float = PATIENCE) -> None:
        """`server` is `unix://PATH` or `tls://HOST:PORT`. Nothing is opened yet."""
        self._link = _client(server, username, password, patience)

    def since(self, key: str, moment: float) -> list[tuple[str, float]]:
        """The members of a sorted set whose scores are above `moment`, in their order. Raises Unavailable."""
        with _named():
            members: Any = self._link.zrangebyscore(key, f"({moment!r}", "+inf", withscores=True)
        return [(member.decode(), score) for member, score in members]

    def named(self, key: str) -> dict[str, bytes]:
        """The values of the keys that a set names, without those that are gone. Raises Unavailable."""
        with _named():
            members: Any = self._link.smembers(key)
            names = sorted(members)
            values: Any = self._link.mget(names) if names else []
        return {name.decode(): value for name, value in zip(names, values, strict=True) if value is not None}

    def keep(self, key: str, value: str, seconds: int) -> None:
        """Keep a text for so many seconds. Raises Unavailable."""
        with _named():
            self._link.set(key, value, ex=seconds)

    def run(self, script: str, keys: Sequence[str], *arguments: object) -> int:
        """The number that a script gives. Raises Unavailable."""
        answer = self._evaluated(script, keys, *arguments)
        if not isinstance(answer, int):
            raise Unavailable(f"Valkey answers {answer!r}")
        return answer

    def texts(self, script: str, keys: Sequence[str], *arguments: object) -> list[str]:
        """The texts that a script gives. Raises Unavailable."""
        answer = self._evaluated(script, keys, *arguments)
        if not isinstance(answer, list) or not all(isinstance(one, bytes) for one in answer):
            raise Unavailable(f"Valkey answers {answer!r}")
        return [one.decode("utf-8", "replace") for one in answer]

    def memory(self) -> tuple[int, int]:
        """The bytes that its data take, and those that they may; 0 where there is no limit. Raises Unavailable."""
        with _named():
            usage: Any = self._link.info("memory")
        return int(usage["used_memory"]), int(usage["maxmemory"])

    def close(self) -> None:
        """Close what is open."""
        self._link.close()

    def _evaluated(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        from redis.exceptions import NoScriptError

        name = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        with _named():
            try:
                return self._link.evalsha(name, len(keys), *keys, *arguments)
            except NoScriptError:
                return self._link.eval(script, len(keys), *keys, *arguments)


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Raises Unavailable for each fault of the library."""
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as error:
        raise Unavailable(f"Valkey: {error or type(error).__name__}") from error


def _client(server: str, username: str, password: str, patience: float) -> redis.Redis:
    # Imported here: the controller reads this module and asks no Valkey.
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    local = server.startswith("unix:")
    # Names and versions of clients are told by a command that the accounts of Valkey may not give.
    more: dict[str, Any] = {"lib_name": None, "lib_version": None, "encoding_errors": "replace"}
    more["socket_timeout"] = patience if local else patience * 4
    if not local:
        more["socket_connect_timeout"] = patience * 4
    if password:
        more |= {"username": username, "password": password}
    once_more = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    link: redis.Redis = redis.Redis.from_url(server.replace("tls://", "rediss://", 1), retry=once_more, **more)
    return link
