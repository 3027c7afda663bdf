"""A file with which very many leave: every session ends, progress is told, and the rate is kept with the results."""

import json
import random
from collections.abc import Callable

import pytest

from tests.stack.support.feeds import MARK, people_of, written
from tests.stack.support.mail import Mail, ended
from tests.stack.support.people import directory
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.full

LEAVE, ACTIVATED, IN_MAIL, IN_WEBMAIL = 1500, 1200, 80, 20
PASSWORD = "Grande-Lessive-2026!"


def leaving() -> tuple[tuple[str, ...], ...]:
    """Rows of names that no other test has: these log in, which makes their log-ins used for good."""
    return tuple((row[0], row[1].replace(MARK, f"{MARK}-Parti"), *row[2:]) for row in people_of(LEAVE))


@pytest.fixture
def activated(typed, feeds, site: Site, tmp_path) -> list[Account]:
    """Agents of a feed; most of them have a password."""
    feed = written(tmp_path / "before.csv", leaving())
    assert json.loads(typed("import", feed, "--yes", "--json").stdout)["done"] == LEAVE
    accounts = []
    with directory(site) as bound:
        dns = random.Random(3).sample(sorted(feeds.dns()), ACTIVATED)
        for dn in dns:
            uid = dn.partition(",")[0].removeprefix("uid=")
            entry = next(iter(bound.search("people", ["mail", "mpProfile"], {"uid": uid})))
            bound.modify(dn, {"userPassword": [PASSWORD], "mpState": ["active"]})
            accounts.append(Account(uid, entry.attributes["mail"][0], PASSWORD, entry.attributes["mpProfile"][0]))
    return accounts


def reads(page: Webmail) -> bool:
    """Whether the visitor's session opens the list of messages; without one the log-in page is next."""
    return page.ask("/?_task=mail").status == 200


def test_all_that_is_open_ends_and_again_changes_nothing(
    activated: list[Account], typed, feeds, mail: Mail, webmail: Callable[[], Webmail], site: Site, tmp_path,
    record_property,
) -> None:  # fmt: skip
    sessions = [mail.imap(one) for one in activated[:IN_MAIL]]
    light = [one for one in activated[IN_MAIL:] if one.profile == "roundcube"][:IN_WEBMAIL]
    pages = [webmail() for _ in light]
    assert all(page.login(one.uid, one.password) for page, one in zip(pages, light, strict=True))
    assert all(map(reads, pages))
    leave = written(tmp_path / "after.csv", people_of(1, LEAVE))
    refused = typed("import", leave, "--yes")
    assert refused.returncode == 1 and b"is the file complete" in refused.stderr
    done = typed("import", leave, "--yes", "--force", "departures", "--json")
    answer = json.loads(done.stdout)
    assert (answer["done"], answer["failures"], answer["skipped"]) == (LEAVE + 1, [], []), done.stderr
    record_property("departures", f"{LEAVE} in {answer['seconds']} s, {LEAVE / answer['seconds']:.1f} a second")
    assert [one for one in sessions if not ended(one)] == []
    assert [one.uid for page, one in zip(pages, light, strict=True) if reads(page)] == []
    left = site.run(site.host_of("mail"), "doveadm -f tab who -1").splitlines()
    gone = {one.uid for one in activated}
    assert [line for line in left if line.split("\t")[0] in gone] == []
    assert len(feeds.dns("(mpState=suspended)")) == LEAVE
    again = json.loads(typed("import", leave, "--yes", "--json").stdout)
    assert (again["done"], again["failures"]) == (0, [])
