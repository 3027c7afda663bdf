"""The program `dav-router`."""

from __future__ import annotations

from collections.abc import Sequence

from malleposte.daemons.dav_router.router import Router
from malleposte.daemons.dav_router.settings import Settings
from malleposte.runtime import http, kit

LIMITS = http.Limits(head=32_768, body=16_384, seconds=10)
"""Dovecot takes its time within an answer; a question of nginx comes at once. A body is a log-out token."""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    about = "Say who asks, and which service holds an agenda; log agents in to SOGo."
    return kit.start(words, "dav-router", about, Settings.read, _serve, files=("settings", "client_secret"))


def _serve(settings: Settings) -> int:
    return kit.run(http.serve(Router(settings).respond, LIMITS))
