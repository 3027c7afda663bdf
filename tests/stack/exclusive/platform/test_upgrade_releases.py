"""A platform of each release, whose accounts hold something of everything, is deployed over and upgraded by this tree.

The release deploys a lab of its own from its own tree; the standing one sleeps meanwhile. The first deploy of this tree
is killed in its middle and typed again.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from malleposte.accountd.calls.enrolment import Begin, EnrolmentBegun
from malleposte.accountd.message import Refused
from malleposte.core.paths import ENV_PREFIX, ROOT
from malleposte.dev.lab import Lab
from malleposte.dev.lab.settings import ENV_NETWORK, derived_network
from malleposte.fleet import playbook

from tests.stack.support import boxes, earlier, release, standalone
from tests.stack.support.accounts_cli import ENVIRONMENT, Cli
from tests.stack.support.boxes import Box
from tests.stack.support.devices import SCOPES
from tests.stack.support.earlier import Given, Hosts
from tests.stack.support.factors import Agent
from tests.stack.support.mail import compose, opens, token
from tests.stack.support.people import directory
from tests.stack.support.persons import Person, keyring
from tests.stack.support.portal import Portal
from tests.stack.support.release import RELEASES, Release
from tests.stack.support.site import Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.full

PREFIX = "mpone"
HOST, VAULT = "mail1", "vault1"
ONE_HOST, FLEET = "one host", "fleet"
STARTS = (*((ONE_HOST, release) for release in RELEASES), *((FLEET, one) for one in RELEASES if one.version == "0.2.0"))
"""Shapes and releases. 0.1.0 has no fleet; the later ones are upgraded on one host alone, which takes half the time."""
SINCE = ("Indésirables/Signaler à la DSI", "Quarantaine")
"""Folders of every mailbox that an earlier version did not have."""
MIDDLE = "dovecot"
"""The role after which the first deploy is killed."""
NEWER = ROOT / "tests/stack/support/apt/newer.sh"
PACKAGE = "fail2ban"


@dataclass
class Upgraded:
    """The hosts after the upgrade, what was put into them before, and how much a further deploy changed."""

    hosts: Hosts
    given: Given
    again: int


def killed(inventory: Path) -> None:
    """Begin a deploy of this tree, and kill all its processes once a role in its middle is done."""
    argv = [sys.executable, "-m", "malleposte", "deploy", "-i", str(inventory)]
    with subprocess.Popen(
        argv, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stdout
        reached = any(MIDDLE in line.split("]")[-1].split()[:1] for line in running.stdout)
        os.killpg(running.pid, signal.SIGKILL)
    assert reached, "the deploy ended before its middle"


def upgrade(hosts: Hosts) -> None:
    """`malleposte upgrade`, with a newer package to install, and its whole probe."""
    hosts.site.run(HOST, f"sh -s {PACKAGE} 1 good", given=NEWER.read_text(), timeout=300)
    argv = [sys.executable, "-m", "malleposte", "upgrade", "-i", str(hosts.site.inventory), "--limit", HOST]
    env = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    assert hosts.site.run(HOST, f"dpkg-query -Wf '${{Version}}' {PACKAGE}").endswith("+malleposte1")


def one_host(tree: Path, folder: Path) -> Lab:
    """Have the release's `up` make a lab of one host and its vault; return that lab."""
    # The lab's inventory of that tree is the one that its `up` knows: the one host takes its place.
    standalone.write(tree / "one", root=tree, vault=VAULT)
    (tree / "inventories/lab").rename(tree / "inventories/five")
    (tree / "one").rename(tree / "inventories/lab")
    return Lab.load(standalone.write(folder / "mine", vault=VAULT), prefix=PREFIX, network=str(derived_network(PREFIX)))


@pytest.fixture(scope="module", params=STARTS, ids=[f"{release.version}, {shape}" for shape, release in STARTS])
def upgraded(
    request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    """The hosts of a release, filled, deployed over, upgraded."""
    shape: str = request.param[0]
    known: Release = request.param[1]
    tree = tmp_path_factory.mktemp("release")
    try:
        release.unpack(known.commit, tree)
    except release.NoHistoryError as error:
        pytest.fail(str(error), pytrace=False)
    if shape == FLEET:
        lab, words = Lab.load(ROOT / "inventories/fleet", prefix=PREFIX), ["-i", "inventories/fleet"]
    else:
        lab, words = one_host(tree, tmp_path_factory.mktemp("inventory")), []
    # Ansible's own variables name the collection of this tree, which the earlier version's playbooks would load.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MALLEPOSTE_"))}
    network = str(lab.settings.network)
    with contextlib.ExitStack() as ends:
        site.lab.stop()
        ends.callback(site.lab.start)
        ends.callback(lab.down)
        # The standing lab may have a prefix of its own there.
        patch = ends.enter_context(pytest.MonkeyPatch.context())
        patch.setenv(ENV_PREFIX, PREFIX)
        patch.setenv(ENV_NETWORK, network)
        log = tmp_path_factory.mktemp("log") / "up.log"
        env = {**own, ENV_PREFIX: PREFIX, ENV_NETWORK: network}
        made = release.typed(["./malleposte", "up", "--no-probe", *words], tree, env, log)
        assert made, log.read_text("utf-8")[-2000:]
        old = Site(inventory=lab.deploy_inventory)
        ends.callback(old.close)
        hosts = Hosts(old, tmp_path_factory.mktemp("clients"), known)
        given = earlier.fill(hosts)
        killed(lab.deploy_inventory)
        for what in ("the deploy over the release", "the second deploy"):
            report = playbook.run(playbook.Options(lab.deploy_inventory))
            playbook.ensure(report, what)
        upgrade(hosts)
        yield Upgraded(hosts, given, report.changed)


def needs(upgraded: Upgraded, thing: str) -> None:
    """End the test where the release did not have that thing."""
    if thing not in upgraded.hosts.release.has:
        pytest.skip(f"{upgraded.hosts.release.version} had no {thing}")


def test_a_second_deploy_changes_nothing(upgraded: Upgraded) -> None:
    assert upgraded.again == 0


def test_no_unit_has_failed(upgraded: Upgraded) -> None:
    for name in upgraded.hosts.site.hosts_of("malleposte"):
        assert upgraded.hosts.site.run(name, "systemctl --failed --plain --no-legend") == ""


def test_boxes_agendas_books_and_entries_are_as_they_were(upgraded: Upgraded) -> None:
    given = upgraded.given
    now, objects, entries = earlier.look(upgraded.hosts, given)
    assert {uid: box.without(*SINCE) for uid, box in now.items()} == {
        uid: box.without(*SINCE) for uid, box in given.boxes.items()
    }
    assert all(box.count for box in given.boxes.values())
    assert objects == given.objects
    assert len(given.entries) > 8
    assert earlier.lines(given.entries, entries) == {}


def test_filters_of_both_webmails_act_and_lists_and_boxes_deliver(upgraded: Upgraded) -> None:
    given, domain = upgraded.given, upgraded.hosts.site.place.domain
    light, full = given.light, given.full
    with upgraded.hosts.mail() as mail:

        def send(sender: object, recipient: str, subject: str) -> None:
            message = compose(sender.mail, recipient, subject)  # type: ignore[attr-defined]
            assert mail.submit(sender, sender.mail, recipient, message).accepted  # type: ignore[arg-type, attr-defined]

        one, two, three, four = (token() for _ in range(4))
        send(full, light.mail, one)
        assert mail.arrived(light, one, boxes.FOLDERS[2])
        send(light, full.mail, f"commission {two}")
        assert mail.arrived(full, two, "Commissions")
        send(light, f"{given.list}@{domain}", three)
        assert mail.arrived(full, three) and mail.arrived(light, three, boxes.FOLDERS[2])
        send(light, given.box, four)
        assert mail.arrived(full, four, f"Partages/{given.box.partition('@')[0]}/INBOX")


def test_mail_that_waited_is_delivered(upgraded: Upgraded) -> None:
    upgraded.hosts.site.run("world", "systemctl start postfix")
    upgraded.hosts.on("mail", "postqueue -f")
    with upgraded.hosts.mail() as mail:
        assert mail.at_foreign("probe", upgraded.given.waiting, timeout=180)


def test_codes_of_letters_open_a_first_log_in_and_the_same_feed_changes_nothing(upgraded: Upgraded) -> None:
    given, portal = upgraded.given, Portal(upgraded.hosts.site)
    assert len(given.codes) == len(earlier.ROWS)
    for (numen, *_name), code in zip(earlier.ROWS, given.codes.values(), strict=True):
        assert isinstance(portal.one(Begin(portal.source, numen, code)), EnrolmentBegun), numen
    assert isinstance(portal.one(Begin(portal.source, earlier.ROWS[0][0], "ABCD-EFGH-JKLM")), Refused)
    plan = json.loads(upgraded.hosts.typed("accounts", "plan", earlier.FEED, "--json"))
    assert plan["changes"] == []


def test_a_block_goes_on(upgraded: Upgraded) -> None:
    blocked = upgraded.given.blocked
    assert blocked
    told = json.loads(upgraded.hosts.typed("accounts", "show", blocked.uid, "--json"))
    assert told["state"] == "blocked"


def test_rights_in_an_agenda_are_those_of_before(upgraded: Upgraded) -> None:
    hosts, given = upgraded.hosts, upgraded.given
    read = {
        who.uid: hosts.sogo(who).fetch("Calendar/personal/secours.ics", owner=given.full.uid).text
        for who in (given.friend, given.stranger)
    }
    assert "Réunion d’équipe" in read[given.friend.uid]
    assert "DTSTART" in read[given.stranger.uid] and "Réunion" not in read[given.stranger.uid]


def test_roundcube_has_its_contacts_and_an_open_session_asks_for_one_log_in_at_most(upgraded: Upgraded) -> None:
    hosts, who = upgraded.hosts, upgraded.given.light
    here = Webmail(hosts.site, Web(hosts.bundle), dict(upgraded.given.cookies))
    if here.ask("/?_task=mail").status != 200:
        assert here.login(who.uid, who.password), "the cookie of before is in nobody's way"
    else:
        here.token = str(here.env(here.page(_task="mail"))["request_token"])
    assert "Zoë Lœuf" in str(here.call(_task="addressbook", _action="list", _source="0")["exec"])


def test_a_device_password_opens_and_a_revoked_one_does_not(upgraded: Upgraded) -> None:
    needs(upgraded, "devices")
    hosts, given = upgraded.hosts, upgraded.given
    assert hosts.opens(given.light, given.device) == dict.fromkeys(SCOPES, True)
    assert hosts.opens(given.light, given.revoked) == dict.fromkeys(SCOPES, False)


def test_a_room_keeps_its_booking_and_takes_no_second(upgraded: Upgraded) -> None:
    needs(upgraded, "rooms")
    hosts, given = upgraded.hosts, upgraded.given
    assert earlier.accepted(hosts.sogo(given.full), given.booking)
    other = hosts.sogo(given.friend)
    assert other.fetch(f"Calendar/personal/{earlier.book(other, given.room, 'Autre')}.ics").status == 404
    free = earlier.book(other, given.room, "Plus tard", day="20300116")
    assert earlier.accepted(other, free)


def test_a_role_is_held(upgraded: Upgraded) -> None:
    needs(upgraded, "roles")
    rows = upgraded.hosts.typed("accounts", "role", "list", "--json")
    assert upgraded.given.full.uid in rows and earlier.SCHOOL in rows


def test_a_second_factor_is_asked_for_and_its_codes_are_taken(upgraded: Upgraded) -> None:
    needs(upgraded, "factors")
    hosts, given = upgraded.hosts, upgraded.given
    assert given.guarded and given.factor
    who = Person(given.guarded, "", None, keyring(hosts.site))  # type: ignore[arg-type]
    page = Agent(hosts.site, Web(hosts.bundle))
    assert page.prove(who, given.factor.code()).status in (302, 303)


def restore(hosts: Hosts, *words: str) -> None:
    """Restore by a command of this tree, typed on the controller."""
    done = Cli(hosts.site).typed("restore", *words, group="backup", timeout=900)
    assert done.returncode == 0, done


def lose(box: Box, upgraded: Upgraded) -> None:
    """Lose an inbox."""
    with upgraded.hosts.mail() as mail:
        session = mail.imap(upgraded.given.light)
        session.select("INBOX")
        session.store("1:*", "+FLAGS", "\\Deleted")
        session.expunge()
    assert box.folders["INBOX"].letters


def test_the_archives_of_before_bring_boxes_agendas_entries_and_a_database_back(upgraded: Upgraded) -> None:
    hosts, given = upgraded.hosts, upgraded.given
    uid = given.light.uid
    lose(given.boxes[uid], upgraded)
    restore(hosts, "mailbox", uid)
    with hosts.mail() as mail:
        now = boxes.look(mail, given.light)
    assert now.folders["INBOX"].letters == given.boxes[uid].folders["INBOX"].letters
    for who in (given.light, given.full):
        device = hosts.device(who)
        for path in given.paths[who.uid]:
            assert device.ask("DELETE", path).status in (200, 204)
        restore(hosts, "dav", who.uid)
        found = [device.ask("GET", path).status for path in given.paths[who.uid]]
        assert found == [200] * len(found), (who.profile, found)
    with directory(hosts.site) as bound:
        bound.modify(f"uid={uid},ou=people,{bound.suffix}", {"sn": ["Perdu"]})
    restore(hosts, "directory", "--entry", uid)
    with directory(hosts.site) as bound:
        (entry,) = bound.search("people", ["sn"], {"uid": uid})
    assert entry.attributes["sn"] == [uid]
    words = "runuser -u postgres -- psql -XqAt roundcube"
    hosts.on("database", words, given="DELETE FROM contacts;")
    restore(hosts, "database", "roundcube")
    assert "Zoë Lœuf" in hosts.on("database", words, given="SELECT name FROM contacts;")
    with hosts.mail() as mail:
        assert opens(mail, given.light)
