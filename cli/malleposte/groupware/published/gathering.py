"""Keep the published calendars as their sources and the directory are (role calendars).

Usage: calendars gather SETTINGS    the timer's work: read what is due, ask who is shown what, write what nginx serves
       calendars fetch ADDRESS      print the file behind an address

SETTINGS is /etc/malleposte/calendars.json; the password for the directory comes from systemd.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from malleposte.adapters import ldapsearch
from malleposte.core.errors import MallepostError
from malleposte.groupware.published import fetch
from malleposte.groupware.published.gather import Gatherer
from malleposte.groupware.published.settings import Settings
from malleposte.groupware.published.store import Store


def gather(settings: Settings) -> int:
    """The exit code."""
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password")
    search = ldapsearch.searcher(settings.base, settings.bind_dn, settings.uri, password)
    now = datetime.datetime.now(datetime.UTC)
    for line in Gatherer(Store(), settings.web, settings.base, search, fixed=settings.fixed).run(now):
        print(f"<4>{line}", file=sys.stderr)
    return 0


def main(words: Sequence[str]) -> int:
    """The exit code."""
    try:
        if len(words) == 2 and words[0] == "fetch":
            sys.stdout.buffer.write(fetch.read(words[1]))
            return 0
        if len(words) == 2 and words[0] == "gather":
            return gather(Settings.read(Path(words[1])))
    except MallepostError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print("usage: calendars gather SETTINGS | calendars fetch ADDRESS", file=sys.stderr)
    return 2
