"""Earlier versions: the commit of each release, and its tree, taken out of the history of this checkout."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.core.paths import ROOT

from tests.stack.support.site import Account
from tests.stack.support.webmail import Webmail


class NoHistoryError(Exception):
    """The checkout does not hold that version; the text is one line and says what to type."""


def by_page(here: Webmail, who: Account) -> None:
    """Log in to Roundcube by the log-in page."""
    assert here.login(who.uid, who.password)


def by_form(here: Webmail, who: Account) -> None:
    """Log in to Roundcube by the form of its own that it had."""
    form = re.search(r'name="_token" value="([^"]+)"', here.page(_task="login"))
    assert form
    given = {"_task": "login", "_action": "login", "_url": "", "_timezone": str(here.site.platform["time_zone"])}
    here.ask("/?_task=login", {**given, "_token": form[1], "_user": who.uid, "_pass": who.password})
    assert here.inside


@dataclass(frozen=True)
class Release:
    """A release: its commit, the things that its accounts may hold beside the oldest one's, its log-in to Roundcube."""

    version: str
    commit: str
    has: frozenset[str] = frozenset()
    log_in: Callable[[Webmail, Account], None] = by_page
    sync: str = "malleposte-sogo-sync"
    """The job that gives SOGo its rooms."""


RELEASES = (
    Release("0.1.0", "ba64e53", log_in=by_form),
    # The last commit that calls itself 0.2.0. That which raised the number (563dd45f) has the accounts of 0.1.0 still:
    # device passwords, roles, rooms, second factors and the log-in page came under the same number, day by day.
    Release("0.2.0", "39132e86", has=frozenset({"devices", "factors", "roles", "rooms"}), sync="malleposte-sogo-rooms"),
    # The commit that raised the number. What came after it under that number is in the notes of 0.4.0.
    Release("0.3.0", "3da7cfcf", has=frozenset({"devices", "factors", "roles", "rooms"}), sync="malleposte-sogo-rooms"),
    # The last commits under these numbers.
    Release("0.4.0", "13add1aa", has=frozenset({"devices", "factors", "roles", "rooms"})),
    Release("0.5.0", "20b650b3", has=frozenset({"devices", "factors", "roles", "rooms"})),
    Release("0.6.0", "824d3229", has=frozenset({"devices", "factors", "roles", "rooms"})),
)
"""Every release from which a platform is upgraded, oldest first."""


def typed(words: Sequence[str], tree: Path, env: Mapping[str, str], log: Path) -> bool:
    """Type a command of an earlier version in its tree, its output in a file; say whether it succeeded.

    Ansible refuses standard files that do not block, and ssh leaves those of whoever started it so.
    """
    with log.open("a", encoding="utf-8") as output:
        done = subprocess.run(
            words, cwd=tree, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False,
            timeout=5400,
        )  # fmt: skip
    return done.returncode == 0


def unpack(commit: str, folder: Path, root: Path = ROOT) -> None:
    """Write the files of `commit`, without its history, into a folder that exists.

    Raises NoHistoryError where the checkout at `root` does not hold the commit, as a shallow one.
    """
    git = ["git", "-C", str(root)]
    known = subprocess.run([*git, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False)
    if known.returncode:
        raise NoHistoryError(
            f"the history in {root} does not hold {commit}, as in a shallow checkout; type: git fetch --unshallow"
        )
    packed = subprocess.run([*git, "archive", commit], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
