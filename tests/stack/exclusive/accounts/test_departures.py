"""A file with which very many leave: every session ends, progress is told, and the rate is kept with the results."""

import json
from collections.abc import Callable

import pytest

from tests.stack.support.feeds import arrived, opened, people_of, reads, written
from tests.stack.support.mail import Mail, ended
from tests.stack.support.site import Site
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.full

LEAVE, ACTIVATED, IN_MAIL, IN_WEBMAIL = 1500, 1200, 80, 20


def test_all_that_is_open_ends_and_again_changes_nothing(
    typed, feeds, mail: Mail, webmail: Callable[[], Webmail], site: Site, tmp_path, record_property
) -> None:  # fmt: skip
    activated = arrived(site, typed, feeds, tmp_path, LEAVE, ACTIVATED)
    sessions, pages = opened(mail, webmail, activated, IN_MAIL, IN_WEBMAIL)
    leave = written(tmp_path / "after.csv", people_of(1, LEAVE))
    refused = typed("import", leave, "--yes")
    assert refused.returncode == 1 and b"is the file complete" in refused.stderr
    done = typed("import", leave, "--yes", "--force", "departures", "--json")
    answer = json.loads(done.stdout)
    assert (answer["done"], answer["failures"], answer["skipped"]) == (LEAVE + 1, [], []), done.stderr
    record_property("departures", f"{LEAVE} in {answer['seconds']} s, {LEAVE / answer['seconds']:.1f} a second")
    assert [one for one in sessions if not ended(one)] == []
    assert len(pages) == IN_WEBMAIL and [uid for uid, page in pages.items() if reads(page)] == []
    left = site.run(site.host_of("mail"), "doveadm -f tab who -1").splitlines()
    gone = {one.uid for one in activated}
    assert [line for line in left if line.split("\t")[0] in gone] == []
    assert len(feeds.dns("(mpState=suspended)")) == LEAVE
    again = json.loads(typed("import", leave, "--yes", "--json").stdout)
    assert (again["done"], again["failures"]) == (0, [])
