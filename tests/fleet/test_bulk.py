"""Acts on very many accounts while a host is away: it is named, the others' part is done, and the plan finishes it."""

import imaplib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.conftest import without
from tests.stack.conftest import feeds, typed
from tests.stack.support.dav import Device, answering, events, first, put_event
from tests.stack.support.feeds import Reader, arrived, opened, people_of, reads, written
from tests.stack.support.mail import Mail, ended, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

__all__ = ["feeds", "typed"]

pytestmark = pytest.mark.full

LEAVE, ACTIVATED, IN_MAIL, IN_WEBMAIL = 1500, 1200, 80, 20
MOVE, WITH_AGENDA = 500, 20
BACK = 180
"""Seconds in which a host that came back must answer."""


def answers(site: Site, web: Web) -> bool:
    """Whether the host of the webmails gives its pages."""
    try:
        return web.get(site.address("web1"), str(site.platform["hostnames"]["webmail"])).status < 500
    except OSError:
        return False


def opens(mail: Mail, who: Account) -> bool:
    """Whether a password still opens the mailbox."""
    try:
        return bool(mail.imap(who))
    except imaplib.IMAP4.error:
        return False


def named(done: Any) -> tuple[Any, list[str]]:
    """Return the document of a command that names the host that is away, and the words that it says finish it."""
    answer = json.loads(done.stdout)
    assert done.returncode == 4, (done.stdout, done.stderr)
    assert any("web1" in failure for failure in answer["failures"]), answer
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("to finish it: ")]
    assert len(lines) == 1 and answer["plan"] in lines[0], done.stderr
    return answer, lines[0].partition("malleposte accounts ")[2].split()


def finished(typed: Any, words: list[str]) -> Any:
    """Type what finishes the plan; return its document."""
    done = typed(*words, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["failures"], answer["skipped"]) == (0, [], []), (done.stdout, done.stderr)
    return answer


def test_very_many_leave_while_the_webmails_are_away(
    site: Site, typed: Any, feeds: Reader, mail: Mail, web: Web, webmail: Callable[[], Webmail], tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    activated = arrived(site, typed, feeds, tmp_path, LEAVE, ACTIVATED)
    sessions, pages = opened(mail, webmail, activated, IN_MAIL, IN_WEBMAIL)
    leave = written(tmp_path / "after.csv", people_of(1, LEAVE))
    with without(site, "web1"):
        answer, finish = named(typed("import", leave, "--yes", "--force", "departures", "--json", timeout=900))
        record_property("departures", f"{LEAVE} in {answer['seconds']} s while web1 is away")
        assert answer["done"] == LEAVE + 1
        assert [one for one in sessions if not ended(one)] == []
        assert [one.uid for one in activated[:IN_MAIL] if opens(mail, one)] == []
        assert len(feeds.dns("(mpState=suspended)")) == LEAVE
    wait_for(lambda: answers(site, web), BACK, "web1 gives no pages")
    again = finished(typed, finish)
    record_property("finished", f"in {again['seconds']} s once it was back")
    assert len(pages) == IN_WEBMAIL and [uid for uid, page in pages.items() if reads(page)] == []
    left = site.run("mail1", "doveadm -f tab who -1").splitlines()
    gone = {one.uid for one in activated}
    assert [line for line in left if line.split("\t")[0] in gone] == []


def test_very_many_change_class_while_their_agendas_are_away(
    site: Site, people: People, typed: Any, device: Callable[[Account], Device], tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    agents = [people.agent() for _ in range(MOVE)]
    devices = [device(one) for one in agents[:WITH_AGENDA]]
    for one in devices:
        put_event(one, first(one.discover()[1]), "rentree", one.account.uid)
    path = tmp_path / "pilots.txt"
    path.write_text("".join(f"{one.uid}\n" for one in agents))
    words = ("bulk", "profile", "convergence", "--from", path, "--yes", "--force", "classes", "--json")
    with without(site, "web1"):
        answer, finish = named(typed(*words, timeout=900))
        record_property("classes", f"{MOVE} in {answer['seconds']} s while web1 is away")
        assert answer["done"] == MOVE
    for one in devices:
        answering(one, seconds=BACK)
    again = finished(typed, finish)
    record_property("finished", f"in {again['seconds']} s once it was back")
    for one in devices:
        assert [one.account.uid] in events(one).values()
