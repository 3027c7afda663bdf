"""Each act of an operator reaches the hosts that hold something of the account, and says which it could not reach."""

import imaplib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.protection import EndSessions
from malleposte.accountd.message import Done
from malleposte.adapters import lemonldap
from malleposte.directory.model import State
from malleposte.platform import mailstore

from tests.fleet.conftest import without
from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.dav import Device, events, first, put_event
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail, compose, ended, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

NOWHERE = "personne@[192.0.2.1]"
"""An address to which mail never arrives: it waits in the queue."""
FORWARD = 'require "copy";\nredirect :copy "ami@lointain.test";\n'
BACK = 180
"""Seconds in which a host that came back must answer."""


@pytest.fixture
def cli(site: Site) -> Cli:
    return Cli(site)


def idle(session: imaplib.IMAP4) -> imaplib.IMAP4:
    """Let a session wait for news."""
    session.send(b"a1 IDLE\r\n")
    assert session.readline().startswith(b"+")
    return session


def queued(site: Site, who: Account) -> dict[str, str]:
    """The account's mail in the queue of the mail host: id and place."""
    found = map(json.loads, site.run("mail1", "postqueue -j").splitlines())
    return {one["queue_id"]: one["queue_name"] for one in found if one["sender"] == who.mail}


def waits(mail: Mail, who: Account) -> None:
    """Something of the account's waits to leave."""
    assert mail.submit(who, who.mail, NOWHERE, compose(who.mail, NOWHERE, token())).accepted


def enters(mail: Mail, who: Account) -> bool:
    try:
        return bool(mail.imap(who))
    except imaplib.IMAP4.error:
        return False


def filters(mail: Mail, who: Account, name: str) -> None:
    """The script of a webmail, in force."""
    mail.set_filter(who, name, FORWARD)


def inside(visitor: Webmail) -> bool:
    """Whether a visitor of Roundcube needs no log-in."""
    return visitor.inside


def within(visitor: Groupware) -> bool:
    """Whether a visitor of SOGo needs no log-in."""
    return visitor.inside


@dataclass
class Open:
    """An agent with something open or kept on every host."""

    who: Account
    imap: imaplib.IMAP4
    web: Webmail | Groupware
    dav: Device

    def alive(self) -> bool:
        """Whether the webmail's session is open."""
        return inside(self.web) if isinstance(self.web, Webmail) else within(self.web)


@pytest.fixture
def opened(
    mail: Mail,
    people: People,
    webmail: Callable[[], Webmail],
    groupware: Callable[[Account], Groupware],
    device: Callable[[Account], Device],
) -> Callable[[str], Open]:
    """An agent of a class who has entered by each channel, with filters and an event."""

    def make(profile: str) -> Open:
        who = people.agent(profile=profile)
        filters(mail, who, "sogo" if profile == "convergence" else "roundcube")
        dav = device(who)
        put_event(dav, first(dav.discover()[1]), "conseil", "Conseil")
        web: Webmail | Groupware
        if profile == "convergence":
            web = groupware(who).login()
        else:
            web = webmail()
            assert web.login(who.uid, who.password)
        made = Open(who, idle(mail.imap(who)), web, dav)
        assert made.alive()
        return made

    return make


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_a_block_closes_every_channel_and_holds_what_waits(
    site: Site, mail: Mail, cli: Cli, opened: Callable[[str], Open], profile: str
) -> None:
    one, bystander = opened(profile), opened(profile)
    waits(mail, one.who)
    told = document(cli.typed("block", one.who.uid, "--reason", "essai", "--json"))
    assert (told["failures"], told["forwards"]) == ([], ["ami@lointain.test"])
    assert dict.fromkeys(told["held"], "hold") == queued(site, one.who) != {}
    assert ended(one.imap)
    assert not one.alive()
    assert one.dav.ask("PROPFIND", "/", Depth="0").status == 401
    assert not enters(mail, one.who)
    assert bystander.alive()
    assert bystander.dav.ask("PROPFIND", "/", Depth="0").status == 207
    told = cli.json("unblock", one.who.uid, "--override", "essai", "--queued", "delete")
    assert (told["failures"], len(told["messages"]), queued(site, one.who)) == ([], 1, {})


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_who_is_suspended_or_expired_is_out_everywhere_and_comes_back(
    mail: Mail, cli: Cli, opened: Callable[[str], Open], profile: str
) -> None:
    one = opened(profile)
    for act in ("suspend", "expire"):
        assert cli.json(act, one.who.uid)["failures"] == []
        assert ended(one.imap)
        assert not enters(mail, one.who)
        assert one.dav.ask("PROPFIND", "/", Depth="0").status == 401
        assert cli.json("resume", one.who.uid)["failures"] == []
        one.imap = idle(mail.imap(one.who))
        assert one.dav.ask("PROPFIND", "/", Depth="0").status == 207


def test_the_portal_ends_the_sessions_of_every_host(site: Site, mail: Mail, opened: Callable[[str], Open]) -> None:
    portal = Portal(site)
    for one in (opened("convergence"), opened("roundcube")):
        uid = one.who.uid
        assert portal.one(EndSessions(portal.source, uid, portal.token(uid))) == Done(uid, "active")
        assert ended(one.imap)
        if isinstance(one.web, Webmail):
            assert not one.alive()
        assert enters(mail, one.who), "the password stays"


def test_a_quota_holds_at_once_on_the_store(site: Site, mail: Mail, people: People, cli: Cli) -> None:
    who = people.agent()
    assert mail.imap(who)
    cli.json("quota", who.uid, "7000")
    assert "Limit=7168000" in site.run("mail1", f"doveadm -f flow quota get -u {who.uid}")


@pytest.mark.parametrize(("old", "new"), [("convergence", "roundcube"), ("roundcube", "convergence")])
def test_a_change_of_class_carries_filters_and_moves_agendas(
    cli: Cli, opened: Callable[[str], Open], old: str, new: str
) -> None:
    one = opened(old)
    told = cli.json("profile", one.who.uid, new)
    assert (told["failures"], told["moved"]) == ([], {"agenda": 1, "contacts": 0, "left": 0})
    assert ended(one.imap)
    assert ["Conseil"] in events(one.dav).values()
    shown = cli.json("show", one.who.uid)
    assert (shown["carried_filters"], shown["forwards"]) == (True, ["ami@lointain.test"])
    assert cli.json("profile", one.who.uid, "--forget-filters")["changed"]
    assert cli.json("show", one.who.uid)["forwards"] == []


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_an_export_holds_what_each_host_has(
    cli: Cli, mail: Mail, opened: Callable[[str], Open], tmp_path: Path, profile: str
) -> None:
    one, subject = opened(profile), token()
    mail.imap(one.who).append("Archives", "", None, compose("a@lointain.test", one.who.mail, subject))
    out = tmp_path / "export.zip"
    done = cli.typed("export", one.who.uid, "--out", out)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
        assert subject.encode() in archive.read("courrier/Archives/000001.eml")
    kept = "sogo" if profile == "convergence" else "radicale"
    assert [name for name in names if name.startswith(f"agendas-et-contacts/{kept}/")]
    assert [name for name in names if name.startswith("filtres/")]
    assert [name for name in names if name.startswith("webmail/")]


def traces(site: Site, uid: str) -> str:
    """Anything of an account on the hosts of its mail, its agendas and its settings."""
    found = site.run("mail1", f"find {mailstore.STORE} -maxdepth 2 -name {uid}")
    found += site.run("web1", f"find /var/lib/radicale /var/cache/radicale -name {uid}")
    for database, question in (
        ("roundcube", f"SELECT username FROM users WHERE username = '{uid}'"),
        ("sogo", f"SELECT DISTINCT c_path2 FROM sogo_folder_info WHERE c_path2 = '{uid}'"),
    ):
        found += site.run("db1", "psql", "-U postgres -AtX -d", database, "-c", f'"{question}"')
    words = f"/usr/share/lemonldap-ng/bin/lemonldap-ng-sessions search --where _session_uid={uid}"
    told = json.loads(site.run("pia1", f"{' '.join(lemonldap.AS_ITS_USER)} {words}") or "[]")
    found += "".join(str(one) for one in told if one["_session_kind"] == "Persistent")
    return found.strip()


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_what_is_purged_is_archived_and_leaves_nothing_on_any_host(
    site: Site, cli: Cli, people: People, opened: Callable[[str], Open], profile: str
) -> None:
    uid = opened(profile).who.uid
    assert traces(site, uid)
    assert cli.json("suspend", uid)["failures"] == []
    kept = cli.json("archive", uid, "--override", "essai")
    assert site.run("dir1", f"stat -c %a:%U {kept['file']}").strip() == "600:root"
    assert kept["counts"]["agenda and contacts"]
    people.forget(uid)
    done = cli.json("purge", uid, "--override", "essai", "--yes")
    assert any(store.startswith("on mail1: ") for store in done["stores"])
    assert any(store.startswith("on web1: ") for store in done["stores"])
    assert "on pia1: second factors" in done["stores"]
    assert traces(site, uid) == ""
    assert cli("show", uid).returncode == 2


def opens(session: imaplib.IMAP4, box: Any) -> bool:
    return session.select(quoted(f"Partages/{box.uid}"), readonly=True)[0] == "OK"


def test_a_delegation_begins_and_ends_at_once(mail: Mail, people: People, cli: Cli) -> None:
    agent, box = people.agent(), people.box()
    assert not opens(mail.imap(agent), box)
    assert cli("box", "delegate", box.uid, agent.uid).returncode == 0
    session = mail.imap(agent)
    assert opens(session, box)
    session.close()
    idle(session)
    assert cli("box", "undelegate", box.uid, agent.uid).returncode == 0
    assert ended(session)
    assert not opens(mail.imap(agent), box)


def test_the_queue_is_that_of_the_mail_host(site: Site, mail: Mail, people: People, cli: Cli) -> None:
    who = people.agent()
    waits(mail, who)
    (ident,) = cli.json("block", who.uid)["held"]
    listed = document(cli.typed("held", who.uid, "--json", group="queue"))
    assert [one["ident"] for one in listed["hosts"]["mail1"]] == [ident]
    assert cli.typed("drop", who.uid, "--yes", group="queue").returncode == 0
    assert queued(site, who) == {}


# --- a host away ---


@dataclass
class Act:
    """A command, as typed while a host is away and again when it is back."""

    words: tuple[str, ...]
    code: int = 4
    """The exit code meanwhile: 1 where all is refused rather than done in part."""
    after: Callable[[], bool] = field(default=lambda: True)
    """Whether it holds at the end."""


@pytest.fixture
def acts(site: Site, mail: Mail, people: People, opened: Callable[[str], Open], tmp_path: Path) -> dict[str, Act]:
    """Every act, each on an agent of its own. SOGo's agent is the one whose class changes."""
    blocked, suspended, expired, resumed = (opened("roundcube") for _ in range(4))
    people.change(resumed.who, mpState=[State.EXPIRED.value])
    moved, exported = opened("convergence"), opened("roundcube")
    archived, purged = (opened("roundcube") for _ in range(2))
    for one in (archived, purged):
        people.change(one.who, mpState=[State.SUSPENDED.value], mpStateChanged=["20200101000000Z"])
    quota, delegate, shown = (people.agent() for _ in range(3))
    assert mail.imap(quota)
    assert mail.imap(shown)
    box = people.box()
    waits(mail, blocked.who)
    mail.close()
    out = tmp_path / "export.zip"

    def exported_whole() -> bool:
        with zipfile.ZipFile(out) as archive:
            return "MANQUE.txt" not in archive.namelist()

    def gone() -> bool:
        people.forget(purged.who.uid)
        return traces(site, purged.who.uid) == ""

    return {
        "block": Act(("block", blocked.who.uid), after=lambda: set(queued(site, blocked.who).values()) == {"hold"}),
        "suspend": Act(("suspend", suspended.who.uid), after=lambda: not enters(mail, suspended.who)),
        "expire": Act(("expire", expired.who.uid), after=lambda: not enters(mail, expired.who)),
        "resume": Act(("resume", resumed.who.uid), after=lambda: enters(mail, resumed.who)),
        "profile": Act(
            ("profile", moved.who.uid, "roundcube"), after=lambda: ["Conseil"] in events(moved.dav).values()
        ),
        "quota": Act(
            ("quota", quota.uid, "7000"),
            after=lambda: "Limit=7168000" in site.run("mail1", f"doveadm -f flow quota get -u {quota.uid}"),
        ),
        "export": Act(("export", exported.who.uid, "--out", str(out)), after=exported_whole),
        "archive": Act(("archive", archived.who.uid, "--override", "essai"), 1),
        "purge": Act(("purge", purged.who.uid, "--override", "essai", "--yes"), 1, gone),
        "delegate": Act(("box", "delegate", box.uid, delegate.uid), after=lambda: opens(mail.imap(delegate), box)),
        "undelegate": Act(
            ("box", "undelegate", box.uid, delegate.uid), after=lambda: not opens(mail.imap(delegate), box)
        ),
        "show": Act(("show", shown.uid)),
    }


CHANNELS = {
    "block",
    "suspend",
    "expire",
    "resume",
    "profile",
    "quota",
    "export",
    "archive",
    "purge",
    "delegate",
    "undelegate",
}
CONCERNED = {
    "mail1": CHANNELS | {"show"},
    "web1": CHANNELS,
    "pia1": CHANNELS,
    "db1": CHANNELS - {"resume", "quota", "delegate"},
}
"""The acts that a host has a part in. The databases hold sessions and agendas, and remember nothing of a password."""


@pytest.mark.parametrize("away", list(CONCERNED))
def test_a_host_that_is_away_is_named_and_the_same_typed_again_ends_well(
    site: Site, cli: Cli, acts: dict[str, Act], away: str
) -> None:
    with without(site, away):
        for name, act in acts.items():
            done = cli.typed(*act.words)
            concerned = name in CONCERNED[away]
            assert done.returncode == (act.code if concerned else 0), (name, done.stdout, done.stderr)
            assert (away in done.stderr) == concerned, (name, done.stderr)
    whole = acts["export"].words
    wait_for(lambda: cli.typed(*whole).returncode == 0, BACK, f"{away} does not answer for what it holds")
    for name, act in acts.items():
        done = cli.typed(*act.words)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        assert act.after(), name
