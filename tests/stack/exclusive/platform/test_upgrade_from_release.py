"""A deploy of this tree over hosts that the oldest release made ends as a fresh one does, and loses nothing.

The earlier version is taken from the history and deploys a lab of its own; the standing one sleeps meanwhile.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from malleposte.core.paths import ENV_PREFIX, LAB_INVENTORY
from malleposte.dev.lab import Lab
from malleposte.dev.lab.settings import ENV_NETWORK, derived_network
from malleposte.fleet import playbook

from tests.stack.support import boxes, held, hoststate, leaks, release
from tests.stack.support.boxes import Box
from tests.stack.support.dav import Device
from tests.stack.support.mail import Mail, make_plan
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.full

RELEASE = release.RELEASES[0]
PREFIX = "mprel"
HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")
VAULTS = ("vault1", "vault2")
SINCE = ("Indésirables/Signaler à la DSI", "Quarantaine")
"""Folders of every mailbox that the earlier version did not have."""
UNDER = ("people", "functional", "lists", "establishments")


@dataclass(frozen=True)
class Held:
    """The data that must survive: entries by DN, mailboxes and objects of devices by uid, archives by vault."""

    entries: Mapping[str, frozenset[str]]
    boxes: Mapping[str, Box]
    objects: Mapping[str, Mapping[str, str]]
    archives: Mapping[str, frozenset[str]]


class Hosts:
    """The hosts of the earlier version, with two accounts, one of each class, that hold something of everything."""

    def __init__(self, site: Site, folder: Path) -> None:
        """Make the accounts; `folder` takes what the clients need."""
        self.site = site
        self.folder = folder
        people = People(self.site)
        self.who: tuple[Account, Account] = (people.agent(), people.agent(profile="convergence"))
        mail = self.mail()
        boxes.fill(mail, *self.who)
        boxes.append(mail.imap(self.who[1]), "INBOX", "pour le second", "\\Seen")
        mail.close()
        self.paths = {one.uid: held.keep(self.device(one)) for one in self.who}
        self.webmail = self._open_webmail(self.who[0])
        self.site.run("mail1", "malleposte backup run", timeout=1200)

    def _open_webmail(self, who: Account) -> Webmail:
        """A session of the webmail."""
        found = Webmail(self.site, Web(self._bundle()))
        RELEASE.log_in(found, who)
        return found

    def browser(self) -> Webmail:
        """The same browser, with its cookies of before."""
        return Webmail(self.site, Web(self._bundle()), self.webmail.cookies)

    def _bundle(self) -> Path:
        """The authorities that the hosts trust now: the lab's has a new root each time it starts."""
        return self.site.authorities(self.folder)

    def mail(self) -> Mail:
        """A client of the mail, to be closed."""
        return Mail(self.site, make_plan(self.site, self._bundle()))

    def device(self, who: Account) -> Device:
        """A device of an account."""
        return Device(Web(self._bundle()), self.site.address("mail1"), self.site.platform["hostnames"]["dav"], who)

    def archives(self) -> dict[str, frozenset[str]]:
        """Segments of all repositories, with their size, by vault: borg writes one once, and here removes none."""
        find = "find /srv/borg -path '*/data/*' -type f -printf '%P %s\\n'"
        return {vault: frozenset(self.site.run(vault, find).splitlines()) for vault in VAULTS}

    def held(self) -> Held:
        """Everything, as clients get it."""
        mail = self.mail()
        try:
            found = {one.uid: boxes.look(mail, one) for one in self.who}
        finally:
            mail.close()
        objects = {one.uid: held.read(self.device(one), self.paths[one.uid]) for one in self.who}
        return Held(held.entries(self.site, UNDER), found, objects, self.archives())


@dataclass
class Upgraded:
    """The hosts after the upgrade, what they held before, and how much a further deploy changed."""

    hosts: Hosts
    before: Held
    states: Mapping[str, hoststate.State]
    again: int


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the earlier version, without its history."""
    folder = tmp_path_factory.mktemp("release")
    try:
        release.unpack(RELEASE.commit, folder)
    except release.NoHistoryError as error:
        pytest.fail(str(error), pytrace=False)
    return folder


@pytest.fixture(scope="module")
def fresh(site: Site) -> Mapping[str, hoststate.State]:
    """The standing lab as its own deploy left it; asleep afterwards, so that the other one has the memory."""
    site.lab.restore("converged")
    found = {name: hoststate.look(site.ssh(name)) for name in HOSTS}
    site.lab.stop()
    return found


def deploy(lab: Lab, what: str) -> int:
    """Deploy this tree; how many results changed."""
    report = playbook.run(playbook.Options(lab.deploy_inventory))
    playbook.ensure(report, what)
    return report.changed


@pytest.fixture(scope="module")
def upgraded(site: Site, fresh: object, earlier: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """Hosts of the earlier version, with accounts, mail, agendas and archives, after deploys of this tree.

    First by the facts that the earlier version knew, as an academy's inventory has them; then by the lab's of today.
    """
    network = str(derived_network(PREFIX))
    # Ansible's own variables name the collection of this tree, which the earlier version's playbooks would load.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MALLEPOSTE_"))}
    env = {**own, ENV_PREFIX: PREFIX, ENV_NETWORK: network}
    lab = Lab.load(LAB_INVENTORY, prefix=PREFIX, network=network)
    log = tmp_path_factory.mktemp("log") / "up.log"
    with contextlib.ExitStack() as ends:
        ends.callback(site.lab.start)
        ends.callback(lab.down)
        # The standing lab may have a prefix of its own there.
        patch = ends.enter_context(pytest.MonkeyPatch.context())
        patch.setenv(ENV_PREFIX, PREFIX)
        patch.setenv(ENV_NETWORK, network)

        # By `up` alone: `deploy` of that version does not know the prefix, and acts on the lab of inventories/lab.
        def made() -> bool:
            return release.typed(["./malleposte", "up"], earlier, env, log)

        # Its workers may take a file from each other; the same command again goes on.
        assert made() or made(), log.read_text("utf-8")[-2000:]
        old = Site(inventory=lab.deploy_inventory)
        ends.callback(old.close)
        hosts = Hosts(old, tmp_path_factory.mktemp("clients"))
        before = hosts.held()
        deploy(lab, "the deploy over the earlier version")
        lab.up()
        deploy(lab, "the deploy with today's facts")
        again = deploy(lab, "the second deploy with today's facts")
        states = {name: hoststate.look(old.ssh(name)) for name in HOSTS}
        yield Upgraded(hosts, before, states, again)


@pytest.mark.parametrize("name", HOSTS)
def test_an_upgraded_host_is_as_a_fresh_one(
    fresh: Mapping[str, hoststate.State], upgraded: Upgraded, name: str
) -> None:
    told = hoststate.differences(fresh[name], upgraded.states[name])
    assert not told, f"{name}:\n" + "\n".join(told)


@pytest.mark.parametrize("name", HOSTS)
def test_no_unit_runs_without_its_file_and_none_has_failed(upgraded: Upgraded, name: str) -> None:
    state = upgraded.states[name]
    assert state["fileless"] == {}
    assert [unit for unit, how in state["running"].items() if how == "failed"] == []


def test_nothing_that_was_held_is_lost(upgraded: Upgraded) -> None:
    before, now = upgraded.before, upgraded.hosts.held()
    assert len(before.entries) > len(upgraded.hosts.who) and all(box.count > 0 for box in before.boxes.values())
    assert all(len(segments) > 1 for segments in before.archives.values())
    lost = {dn: lines - now.entries.get(dn, frozenset()) for dn, lines in before.entries.items()}
    assert {dn: lines for dn, lines in lost.items() if lines} == {}
    assert {uid: box.without(*SINCE) for uid, box in now.boxes.items()} == before.boxes
    assert now.objects == before.objects
    for vault, segments in before.archives.items():
        assert segments - now.archives[vault] == set(), vault


def test_an_open_webmail_asks_for_one_log_in_and_goes_on(upgraded: Upgraded) -> None:
    here, who = upgraded.hosts.browser(), upgraded.hosts.who[0]
    assert here.login(who.uid, who.password), "the cookie of before is in nobody's way"
    assert here.inside and here.list()


def test_an_archive_of_the_earlier_version_brings_a_mailbox_back(upgraded: Upgraded) -> None:
    hosts, who = upgraded.hosts, upgraded.hosts.who[0]
    mail = hosts.mail()
    try:
        session = mail.imap(who)
        session.select("INBOX")
        session.store("1:*", "+FLAGS", "\\Deleted")
        session.expunge()
        mail.close()
        assert not boxes.look(mail, who).folders["INBOX"].letters
        hosts.site.run("mail1", f"malleposte backup restore mailbox {who.uid}", timeout=600)
        assert boxes.look(mail, who).without(*SINCE) == upgraded.before.boxes[who.uid]
    finally:
        mail.close()


def test_a_second_deploy_changes_nothing(upgraded: Upgraded) -> None:
    assert upgraded.again == 0


@pytest.mark.parametrize("name", HOSTS)
def test_no_journal_holds_a_secret_any_more(upgraded: Upgraded, name: str) -> None:
    sought = leaks.needles(upgraded.hosts.site.folder / "secrets")
    assert leaks.on_host(upgraded.hosts.site, name, sought) == []
