"""The host's tools, rules and settings for a command that acts on one account."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

from malleposte.accounts import here
from malleposte.accounts.acts import Tools
from malleposte.accounts.life.base import uid_of
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.search import by_any_name
from malleposte.accounts.settings import Settings


def now() -> datetime.datetime:
    """The present time in UTC."""
    return datetime.datetime.now(datetime.UTC)


@contextlib.contextmanager
def host(who: str = "") -> Iterator[tuple[Tools, LifeRules, Settings, str]]:
    """The host's tools, its rules, its settings, and the uid of an account given by any name."""
    settings = Settings.read()
    with here.tools(settings) as tools:
        uid = uid_of(by_any_name(tools.directory, who)) if who else ""
        yield tools, here.rules_of(settings), settings, uid
