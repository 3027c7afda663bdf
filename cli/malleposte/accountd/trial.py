"""Tries of a secret: how they count in our own limits and in the delays that the platform shares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from malleposte.accountd.call import OF, Call, Counts
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.passwords import NotProvedError, RefusedPasswordError
from malleposte.throttle import BROWSER
from malleposte.throttle.judge import Throttle
from malleposte.throttle.limits import Limits

CLIENT = "accountd"
"""The client name of the log-in page and the portal in the platform's delays."""


class SlowDownError(Exception):
    """Too many tries; again after `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


@dataclass(frozen=True)
class Trial:
    """A try of a secret, which one of these ends.

    It counts for `name`, in our own limits for `counted`; `typed` is the name as it was given, `client` says by what it
    came.
    """

    limits: Limits
    throttle: Throttle | None
    source: str
    network: str
    name: str
    typed: str
    counted: str
    client: str
    secret: str = field(repr=False)
    known_by: str = field(repr=False)

    def wrong(self) -> None:
        """Count it as wrong."""
        self.limits.wrong(self.counted, self.network, self.secret)
        if self.throttle:
            self.throttle.failed(self.name, self.source, self.known_by, self.client)

    def count_right(self) -> None:
        """Count it as right, where what was asked for with it is not done."""
        if self.throttle:
            self.throttle.succeeded(self.name, self.source, self.client, self.known_by)
            if self.client != CLIENT and self.typed != self.name:
                # The next call is counted before anybody looks up whom the name means.
                self.throttle.succeeded(self.typed, self.source, self.client)

    def none(self) -> None:
        """Take it back: nobody could tell."""
        if self.throttle:
            self.throttle.undo(self.name, self.source, self.known_by, self.client)

    def right(self) -> None:
        """Count it as right; wrong ones begin anew."""
        self.limits.forget(self.counted)
        self.count_right()


@dataclass(frozen=True)
class Trials:
    """Judges tries."""

    keys: Keyring
    limits: Limits
    throttle: Throttle | None

    def name(self, request: Any) -> str:
        """Return the name that limits count: as it was typed, known or not. Codes are counted apart from passwords."""
        counts = OF[type(request)].counts
        apart: str = counts.value
        if counts is Counts.TICKET:
            return f"{apart}{request.ticket}"
        if counts is Counts.CODES:
            return apart + str(getattr(request, "login", "") or self.keys.digest("limit", request.numen))
        return str(getattr(request, "login", "")) or apart + str(getattr(request, "uid", ""))

    def counted(self, name: str, request: Any) -> str:
        """Return the name by which our own limits count: a browser that has succeeded before has a count of its own."""
        browser = getattr(request, "browser", "")
        apart = browser and self.throttle and self.throttle.knows_client(name, request.source, client(request))
        # A name that was typed has none of what tells a browser apart.
        return Limits.apart(name, browser) if apart else name.replace("\0", " ")

    def trial(self, request: Any, network: str, uid: str, secret: str) -> Trial:
        """Return a try as it counts: for the account, whatever name was typed; for the name if it means no account."""
        typed = self.name(request)
        name = OF[type(request)].counts.value + uid if uid else typed
        known_by = self.throttle.known_by(typed, secret) if self.throttle else ""
        return Trial(
            self.limits, self.throttle, request.source, network, name, typed, self.counted(name, request),
            client(request), secret, known_by,
        )  # fmt: skip

    def begin(self, request: Any, network: str, uid: str, secret: str) -> Trial:
        """Return a try that is let through. Raises SlowDownError, or NotProvedError on what was wrong a moment ago."""
        trial, call = self.trial(request, network, uid, secret), _call(request)
        wait, again = self.limits.may_try(trial.counted, network, secret)
        if self.throttle and not (wait or again):
            # A digest of few bits may be that of another password: a match alone is no reason not to look.
            arguments = (trial.name, trial.source, trial.known_by, trial.client)
            wait = self.throttle.judge(*arguments, again=True, bounded=call.asks_slapd).wait
        if again:
            raise NotProvedError("wrong a moment ago")
        if wait:
            raise SlowDownError(wait)
        return trial

    @contextlib.contextmanager
    def tried(self, request: Any, network: str, uid: str, secret: str) -> Iterator[None]:
        """Around a proof: nothing is tried too often, what is wrong counts once, what is right starts afresh."""
        trial = self.begin(request, network, uid, secret)
        try:
            yield
        except NotProvedError:
            trial.wrong()
            raise
        except RefusedPasswordError:
            trial.count_right()
            raise
        except BaseException:
            trial.none()
            raise
        trial.right()


def client(request: Any) -> str:
    """Return the client of a try as the throttle names it: our pages, and the browser where it is told."""
    browser = getattr(request, "browser", "")
    return BROWSER + browser if browser else CLIENT


def _call(request: Any) -> Call:
    return OF[type(request)]
