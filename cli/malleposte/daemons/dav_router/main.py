"""The program `dav-router`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from malleposte import kit
from malleposte.daemons import http
from malleposte.daemons.dav_router.router import Router
from malleposte.daemons.dav_router.settings import Settings

LIMITS = http.Limits(head=32_768, body=4_096, seconds=10)
"""Dovecot takes its time within an answer; a question of nginx comes at once."""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="dav-router", description="Say who asks, and which service holds an agenda.")
    parser.add_argument("settings", type=Path)
    parser.add_argument("seal_keys", type=Path)
    parser.add_argument("--check", action="store_true", help="read the settings and stop")
    options = parser.parse_args(words)
    kit.log_to_journal()
    try:
        settings = Settings.read(options.settings, options.seal_keys)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"{options.settings}: {error}", file=sys.stderr)
        return 1
    return 0 if options.check else kit.run(http.serve(Router(settings).respond, LIMITS))
