"""Log-ins at the log-in page and the browsers that it trusts: their owner sees each, and ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from malleposte.accountd import own, wire
from malleposte.accountd.owned import reached
from malleposte.accounts.credentials.passwords import Holder
from malleposte.core.errors import InputError

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

LONGEST = 300
"""Characters of what a browser calls itself."""
PAGE = "the log-in page"


class LogIns:
    """Does the calls."""

    def __init__(self, tools: Tools, owner: Callable[[Context, str], Holder]) -> None:
        self._tools, self._owner = tools, owner

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {wire.ShowLogIns: self._show, wire.EndLogIn: self._end}

    def _show(self, act: Context, request: wire.ShowLogIns) -> wire.Answer:
        holder = self._owner(act, request.uid)
        with reached(what=PAGE):
            found = [one.as_dict() for one in self._tools.log_ins(holder.uid)]
        told = own.fitting(
            wire.OpenLogIn(
                one["id"], one["address"], one["since"], one["trusted_browser"], one["until"],
                " ".join(one["browser"].split())[:LONGEST],
            )
            for one in found
        )  # fmt: skip
        return wire.Done(holder.uid, holder.state.value, log_ins=told)

    def _end(self, act: Context, request: wire.EndLogIn) -> wire.Answer:
        holder = self._owner(act, request.uid)
        with reached(what=PAGE):
            untold = self._tools.end_log_in(holder.uid, request.log_in)
        if untold is None:
            raise InputError("no such log-in")
        act.journal.write("sso-end", holder.uid, sessions=1, **({"not_told": list(untold)} if untold else {}))
        return wire.Done(holder.uid, holder.state.value, open=tuple(untold))
