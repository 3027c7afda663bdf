"""Requests to accountd, and the texts for an agent when it refuses."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import current_app, g, request
from malleposte.accountd import client
from malleposte.accountd.message import Done, ErrorCode, Refused, Request
from malleposte.policy.rules import Violation

from malleposte_portal.core import forbidden
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.languages import translate_number

AWAY = "Le service des comptes ne répond pas. Réessayez dans quelques minutes."
MISSING = "Ce que vous demandez n’existe pas, ou n’existe plus."
LOG = logging.getLogger("malleposte_portal")


class Accountd(Protocol):
    """See malleposte.accountd.client.Client."""

    def call[A: Done](self, request: Request[A]) -> A:
        """Raises client.RefusedError, client.UnavailableError."""
        ...

    def within(self, seconds: float) -> Accountd:
        """As `Client.within`."""
        ...

    def fetch(self, request: Request[Any]) -> client.Copy:
        """As `call`."""
        ...


@dataclass(frozen=True)
class Refusal:
    """The reason why nothing was done, for the agent: one sentence for the page, or those about the new password."""

    status: int
    page: str = ""
    new_password: Sequence[str] = field(default_factory=tuple)


def source() -> str:
    """The address of the browser, which nginx gives in a header that it always sets itself."""
    return request.headers.get("X-Real-IP") or request.remote_addr or ""


def ask[A: Done](call: Request[A], not_proved: str, wrong: str = "") -> A | Refusal:
    """Have it done. `not_proved` is the one sentence for every proof that fails, already in the page's language.

    `wrong` is the one for a value that accountd does not take; without it that is a defect of the page.
    """
    try:
        accountd: Accountd = current_app.extensions["accountd"]
        return accountd.call(call)
    except client.RefusedError as error:
        return refusal(error.refused, not_proved, wrong)
    except client.UnavailableError as error:
        LOG.error("%s", error)
        return Refusal(503, _(AWAY))


def refusal(refused: Refused, not_proved: str, wrong: str | Mapping[str, str] = "") -> Refusal:
    """A refusal of accountd for the agent. `not_proved` and `wrong` as for `ask`; `wrong` may be by accountd's word."""
    if not isinstance(wrong, str):
        wrong = wrong.get(refused.message, "")
    if refused.error is ErrorCode.NOT_PROVED:
        return Refusal(403, not_proved)
    if refused.error is ErrorCode.SLOW_DOWN:
        return Refusal(429, slow_down(refused.wait))
    if refused.error is ErrorCode.REFUSED_PASSWORD:
        broken = [Violation(one.code, one.values).message(g.language) for one in refused.violations]
        return Refusal(422, new_password=broken)
    if refused.error is ErrorCode.REFUSED_VALUE and wrong:
        return Refusal(422, wrong)
    if refused.error is ErrorCode.NOT_FOUND:
        return Refusal(404, _(MISSING))
    if refused.error is ErrorCode.FORBIDDEN:
        return Refusal(403, forbidden.sentence(refused.message))
    LOG.error("accountd refused: %s: %s", refused.error, refused.message)
    return Refusal(503, _(AWAY))


def slow_down(seconds: int) -> str:
    """The time to wait, in minutes from a minute and a half on."""
    if seconds <= 90:
        return translate_number(
            "Trop d’essais. Réessayez dans %(number)d seconde.",
            "Trop d’essais. Réessayez dans %(number)d secondes.",
            max(seconds, 1),
        )
    return translate_number(
        "Trop d’essais. Réessayez dans %(number)d minute.",
        "Trop d’essais. Réessayez dans %(number)d minutes.",
        math.ceil(seconds / 60),
    )
