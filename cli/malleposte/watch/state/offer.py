"""The state as the pager of a host offers it: to its peers by a vault, and to the portal's user on a socket.

What was made is good for a while, whoever asks and how often: a view of the page is not a question to Prometheus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import structs

from malleposte.core.errors import MallepostError
from malleposte.core.loops import reason
from malleposte.watch.state import vault
from malleposte.watch.state.document import Answer, State, decoded, short

SECONDS = 30.0
"""For how long a state is good."""
HISTORY_SECONDS = 300.0
"""For how long its histories are, whose points are minutes apart and cost more."""

type Peer = tuple[str, Callable[[], Awaitable[bytes]]]
"""The name of a vault, and how it is asked."""


class Recent[T]:
    """A result of `make` that is good for some seconds. Of those who ask meanwhile one has it made, and all get it."""

    def __init__(self, make: Callable[[], Awaitable[T]], seconds: float, clock: Callable[[], float]) -> None:
        """`clock` in seconds."""
        self._make, self._seconds, self._clock = make, seconds, clock
        self._last: tuple[float, T] | None = None
        self._task: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Return it. Raises what `make` raises, which is not kept. Who gives up waiting stops nobody else."""
        if self._last is not None and 0 <= self._clock() - self._last[0] < self._seconds:
            return self._last[1]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._renew())
            # Where everybody gave up, nobody hears of its failure.
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._task)

    async def _renew(self) -> T:
        value = await self._make()
        self._last = (self._clock(), value)
        return value


class Offer:
    """The state by this host: of its own Prometheus where it is a vault, else of the first vault that answers."""

    def __init__(
        self, name: str, vaults: Sequence[Peer], clock: Callable[[], float], own: vault.Asked | None = None
    ) -> None:
        """`name` is this host's; `own`: how its Prometheus is asked, None where it has none."""
        self.name, self._vaults, self._clock, self._asked = name, vaults, clock, own
        # A thread of its own: a Prometheus that hangs keeps no alarm from being told.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._own = Recent(self._measured, SECONDS, clock)
        self._histories = Recent(self._measured_histories, HISTORY_SECONDS, clock)
        self._whole = Recent(self._first, SECONDS, clock)

    async def own(self) -> State:
        """The state by this vault. Raises MallepostError where this is none."""
        return await self._own.get()

    async def whole(self) -> State:
        """The state by whichever vault answers first, in their order. Raises MallepostError where none does."""
        return await (self._own if self._asked else self._whole).get()

    async def _measured(self) -> State:
        if self._asked is None:
            raise MallepostError("no vault")
        histories = await self._histories.get()
        return await self._carried(vault.state, self.name, self._clock(), histories, self._asked)

    async def _measured_histories(self) -> vault.Histories:
        assert self._asked is not None
        return await self._carried(vault.histories, self._clock(), self._asked)

    async def _carried[*W, R](self, work: Callable[[*W], R], *words: *W) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *words)

    async def _first(self) -> State:
        unreached: list[str] = []
        for name, ask in self._vaults:
            try:
                answer = decoded(Answer, await ask())
                if answer.state is None:
                    raise MallepostError(answer.refused or "no state")
            except (MallepostError, OSError, ValueError, EOFError) as error:
                unreached.append(short(f"{name}: {reason(error)}"))
            else:
                return structs.replace(answer.state, unreached=tuple(unreached[:20]))
        raise MallepostError(f"no vault answers: {'; '.join(unreached) or 'none is known'}")
