"""Asking accountd for the agent who is logged in, by the token of the log-in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import batched
from typing import Any, Concatenate

from flask import current_app, g, redirect, render_template, url_for
from malleposte.accountd import client
from malleposte.accountd.calls.devices import Device, RevokeDevice
from malleposte.accountd.message import MOST_ITEMS, Done, ErrorCode, Request
from malleposte.accountd.relying_party import AwayError, RefusedError

from malleposte_portal.core import acts
from malleposte_portal.core.answers import Answer
from malleposte_portal.core.languages import translate as _
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.sessions import StoreError

LOG = logging.getLogger("malleposte_portal")
OVER = (ErrorCode.UNAUTHORISED, ErrorCode.NOT_PROVED)
"""Refusals that say that the log-in is over: a block, a suspension, sessions that were ended."""
type Make[A] = Callable[[str, str, str], Request[A]]
"""A request from the address of the browser, the uid and the token."""


class OverError(Exception):
    """The log-in is over, whatever the browser still has."""


class UnansweredError(Exception):
    """accountd gives nothing to show; `refusal` says why."""

    def __init__(self, refusal: acts.Refusal) -> None:
        super().__init__(refusal.page)
        self.refusal = refusal


def ask[A: Done](
    agent: sign_on.Agent, make: Make[A], not_proved: str = "", refused: str | Mapping[str, str] = ""
) -> A | acts.Refusal:
    """Have it done for the agent. Raises OverError; what else is wrong is told on the page.

    `not_proved` is the sentence for a password that was asked for again and is wrong, which ends no log-in; `refused`
    the one for a value that accountd does not take, or those by its word.
    """
    return _done(agent, make, current_app.extensions["accountd"].call, not_proved, refused)


def ask_in_parts[A: Done](
    agent: sign_on.Agent, make: Callable[[tuple[str, ...]], Make[A]], items: Sequence[str],
    refused: str | Mapping[str, str] = "",
) -> list[A] | acts.Refusal:  # fmt: skip
    """Have it done for at least one item, as many at a time as a request takes, until one is refused. As `ask`."""
    answers: list[A] = []
    for some in batched(items, MOST_ITEMS, strict=False):
        answer = ask(agent, make(some), refused=refused)
        if isinstance(answer, acts.Refusal):
            return answer
        answers.append(answer)
    return answers


def soon[A: Done](agent: sign_on.Agent, make: Make[A], seconds: float) -> A | None:
    """Return the answer for a part of a page that stands without it; None where there is none in time."""
    try:
        answer = _done(agent, make, current_app.extensions["accountd"].within(seconds).call)
    except (OverError, AwayError, StoreError) as error:
        LOG.info("a part of a page stays empty: %s: %s", type(error).__name__, error)
        return None
    return None if isinstance(answer, acts.Refusal) else answer


def answered[A: Done](agent: sign_on.Agent, make: Make[A], refused: str = "") -> A:
    """Return the answer that a page is made of, as `ask`. Raises OverError, UnansweredError: the page then says why."""
    answer = ask(agent, make, refused=refused)
    if isinstance(answer, acts.Refusal):
        raise UnansweredError(answer)
    return answer


def withdrawn(agent: sign_on.Agent, device: Device, error: Exception) -> acts.Refusal:
    """Revoke a device whose password could be shown to nobody; the page that says so."""
    LOG.error("the password of a device cannot be kept: %s", error)
    ask(agent, lambda source, uid, token: RevokeDevice(source, uid, token, device.ident))
    return acts.Refusal(503, _(acts.AWAY))


def fetch(
    agent: sign_on.Agent, make: Callable[[str, str, str], Request[Any]], refused: str
) -> client.Copy | acts.Refusal:
    """An answer with bytes, such as a copy of the agent's data, which is to be closed. As `ask`."""
    return _done(agent, make, current_app.extensions["accountd"].fetch, refused=refused)


def _done[R: Request[Any], D](
    agent: sign_on.Agent, make: Callable[[str, str, str], R], way: Callable[[R], D], not_proved: str = "",
    refused: str | Mapping[str, str] = "",
) -> D | acts.Refusal:  # fmt: skip
    try:
        return way(make(acts.source(), agent.session.uid, sign_on.with_token()))
    except RefusedError as error:
        LOG.info("a log-in is over: %s", error)
        raise OverError from error
    except (AwayError, client.UnavailableError) as error:
        LOG.error("%s", error)
        return acts.Refusal(503, _(acts.AWAY))
    except client.RefusedError as error:
        mistyped = not_proved and error.refused.error is ErrorCode.NOT_PROVED
        if error.refused.error in OVER and not mistyped:
            raise OverError from error
        return acts.refusal(error.refused, not_proved, refused)


def for_agent[**P](view: Callable[Concatenate[sign_on.Agent, P], Answer]) -> Callable[P, Answer]:
    """A view of the agent's own: where the log-in turns out to be over it is ended here too, and begins anew.

    Where what the portal keeps, or the provider, is away, the page says so.
    """

    @wraps(view)
    def guarded(agent: sign_on.Agent, /, *words: P.args, **named: P.kwargs) -> Answer:
        try:
            return view(agent, *words, **named)
        except OverError:
            sign_on.forget_agent()
            answer = redirect(url_for("logged_out", language=g.language, fin=1), 303)
            answer.delete_cookie(sign_on.COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
            return answer
        except UnansweredError as error:
            return unanswered(error.refusal)
        except (AwayError, StoreError) as error:
            LOG.error("%s", error)
            return unanswered(acts.Refusal(503, _(acts.AWAY)))

    return sign_on.logged_in(guarded)


def unanswered(refusal: acts.Refusal) -> Answer:
    """The page that says why nothing can be shown."""
    return render_template("log_in/unanswered.html", sentence=refusal.page), refusal.status
