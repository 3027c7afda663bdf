"""Mailboxes, webmails and the directory on different hosts: each act reaches the host that holds it, and tells by
host what it could not do."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from malleposte.accounts import here
from malleposte.accounts.acts import Tools
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.model import AGENDAS
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import nightly, removal
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.check import run
from malleposte.check.findings import Level
from malleposte.commands.accounts import archive, boxes, context, edit, search, states
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes
from malleposte.fleet.site import Site
from malleposte.fleet.stores import store_of
from malleposte.platform import profiles

from tests.support.classes import CLASSES
from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeHost, NoPasswords

ROOT = Path(__file__).resolve().parents[4]
DOMAIN = "ac-exemple.test"
NIGHT = datetime(2026, 9, 1, 2, tzinfo=UTC)


@dataclass
class Fleet:
    """Two stores, a host of webmails; who opens the box; and what is typed on the directory's host."""

    mail1: FakeHost
    mail2: FakeHost
    web1: FakeHost
    directory: MemoryDirectory
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def typed(self, command: Any, *arguments: str) -> tuple[int, str, str]:
        """Exit code and output."""
        code = command.main(list(arguments), standalone_mode=False)
        return (code, *self.capsys.readouterr())

    def entry(self, uid: str, branch: str = "people") -> dict[str, list[str]]:
        """An entry's attributes."""
        return self.directory.entries[f"uid={uid},ou={branch},dc=ac-exemple,dc=test"].attributes


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fleet:
    directory = MemoryDirectory()
    for uid, state, host in (("mdupond", State.ACTIVE, "mail1"), ("parti", State.SUSPENDED, "mail2.ac-exemple.test")):
        one = Agent(
            uid, "Marie", "Dupond", f"{uid}@{DOMAIN}", "convergence", state, opens=("vie-scolaire",), mail_host=host
        )
        directory.add(one.dn(directory.suffix), agent_attributes(one) | {"mpStateChanged": ["20200101000000Z"]})
    box = FunctionalBox("vie-scolaire", "Vie scolaire", f"vie-scolaire@{DOMAIN}", delegates=("mdupond", "parti"))
    directory.add(box.dn(directory.suffix), box_attributes(box) | {"mailHost": ["mail2"]})
    mail = frozenset(("store", "queue", "dovecot"))
    made = Fleet(
        FakeHost("mail1", mail), FakeHost("mail2", mail), FakeHost("web1", AGENDAS), directory, tmp_path, capsys,
    )  # fmt: skip

    @dataclass
    class Settings:
        journal: Path = tmp_path / "journal.jsonl"
        life: Any = None

        @classmethod
        def read(cls) -> Settings:
            return cls()

    @contextmanager
    def tools(_settings: object) -> Iterator[Tools]:
        hosts = Hosts(directory, [made.mail1, made.mail2, made.web1])
        with Journal(tmp_path / "journal.jsonl", "essai") as journal:
            yield Tools(directory, journal, hosts.channels(), NoPasswords(), hosts)

    @contextmanager
    def nothing(*_of: object) -> Iterator[None]:
        yield

    monkeypatch.setattr(paths, "HOSTED", True)
    for place in (context, archive, boxes):
        monkeypatch.setattr(place, "Settings", Settings)
    for place in (archive, boxes):
        monkeypatch.setattr(place, "one_writer", nothing)
    monkeypatch.setattr(here, "tools", tools)
    monkeypatch.setattr(here, "rules_of", lambda _settings: LifeRules(archive_folder=tmp_path / "archives"))
    monkeypatch.setattr(removal, "PENDING", tmp_path / "pending")
    for act in (removal.purge, removal.remove):
        monkeypatch.setattr(act, "__kwdefaults__", {**act.__kwdefaults__, "pending": tmp_path / "pending"})
    monkeypatch.setattr(profiles, "read", lambda: CLASSES)
    return made


def test_a_block_reaches_every_host_and_each_host_only_for_what_it_holds(fleet: Fleet) -> None:
    code, out, _err = fleet.typed(states.block_command, "mdupond", "--json")
    told = json.loads(out)
    assert (code, told["failures"], told["held"]) == (ExitCode.DONE, [], ["4ABC", "4ABC"])
    assert fleet.mail1.acts() == ["close", "hold", "look", "traces"], "its box is here"
    assert fleet.mail2.acts() == ["close", "hold", "traces"]
    assert fleet.web1.acts() == ["close", "traces"]
    assert told["forwards"] == ["ami@lointain.test"]


def test_a_block_with_a_host_down_is_done_on_the_others_and_names_it(fleet: Fleet) -> None:
    fleet.mail2.down = True
    code, _out, err = fleet.typed(states.block_command, "mdupond")
    assert code == ExitCode.PARTLY
    assert "not done: mail2: no route to host" in err and "not done: queue: on mail2: no route to host" in err
    assert fleet.entry("mdupond")["mpState"] == ["blocked"]
    assert "close" in fleet.mail1.acts() and "hold" in fleet.mail1.acts() and fleet.web1.acts() == ["close", "traces"]
    until = fleet.entry("mdupond")["mpBlockedUntil"]
    fleet.mail2.down = False
    assert fleet.typed(states.block_command, "mdupond")[0] == ExitCode.DONE, "it can be run again"
    assert fleet.entry("mdupond")["mpBlockedUntil"] == until
    assert fleet.mail2.acts() == ["close", "hold", "traces"]


@pytest.mark.parametrize(
    ("down", "line"),
    [
        ((), "  2 messages held in the queue\n"),
        (("mail2",), "  1 messages held in the queue of the hosts that answered\n"),
        (("mail1", "mail2"), ""),
    ],
)
def test_no_number_of_held_messages_is_said_where_no_queue_answered(
    fleet: Fleet, down: tuple[str, ...], line: str
) -> None:
    for name in down:
        getattr(fleet, name).down = True
    code, out, err = fleet.typed(states.block_command, "mdupond")
    assert code == (ExitCode.PARTLY if down else ExitCode.DONE)
    assert "".join(one + "\n" for one in out.splitlines() if "held" in one) == line
    assert [name for name in down if f"not done: queue: on {name}" in err] == list(down)


def test_without_the_directory_a_block_names_what_can_be_done(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command on the directory's host, where slapd is down."""

    def away(_settings: object) -> Any:
        raise DirectoryError("the directory cannot be reached: down")

    monkeypatch.setattr(here, "tools", away)
    for who, word in (("mdupond", "mdupond"), (f"marie.dupond@{DOMAIN}", "LOG-IN")):
        with pytest.raises(MallepostError) as failed:
            fleet.typed(states.block_command, who)
        assert failed.value.message == "the directory cannot be reached: down"
        assert failed.value.hint == (
            f"once it answers, type this again; meanwhile: malleposte accounts end-sessions {word}"
        )


def test_a_block_names_what_others_opened_to_the_account(fleet: Fleet) -> None:
    books, room = Trace("their-agenda", "Contacts/9990001x", "malleposte-annuaires"), "salle-a"
    fleet.web1.left = [Trace("their-agenda", "Calendar/personal", "parti"), Trace("forward", who="a@b.test"), books,
                       Trace("their-agenda", "Calendar/personal", room)]  # fmt: skip
    code, out, _err = fleet.typed(states.block_command, "mdupond", "--json")
    assert code == ExitCode.DONE
    assert json.loads(out)["others"] == [
        {"kind": "box", "what": f"vie-scolaire@{DOMAIN}", "who": "Vie scolaire"},
        {"kind": "their-agenda", "what": "Calendar/personal", "who": "Marie Dupond"},
    ]
    out = fleet.typed(states.block_command, "mdupond")[1]
    assert f"it opens the functional box vie-scolaire@{DOMAIN} (Vie scolaire): warn" in out
    assert "it opens Calendar/personal of Marie Dupond in SOGo: warn" in out and "a@b.test" not in out


@pytest.mark.parametrize("command", [states.suspend_command, states.expire_command])
def test_sessions_end_on_every_host_or_the_host_is_named(fleet: Fleet, command: Any) -> None:
    fleet.web1.down = True
    code, _out, err = fleet.typed(command, "mdupond")
    assert (code, "not done: web1: no route" in err) == (ExitCode.PARTLY, True)
    assert fleet.mail1.acts() == fleet.mail2.acts() == ["close"]
    assert ("close", "mdupond", ("mdupond", f"mdupond@{DOMAIN}")) in fleet.mail1.done, "every name goes along"


def test_an_unblock_releases_what_each_queue_holds(fleet: Fleet) -> None:
    fleet.typed(states.block_command, "mdupond")
    fleet.mail2.down = True
    words_ = ("mdupond", "--override", "seen with the head", "--queued", "release", "--json")
    code, out, err = fleet.typed(states.unblock_command, *words_)
    assert (code, "on mail2" in err) == (ExitCode.PARTLY, True)
    assert ("queue", "mdupond", "release") in fleet.mail1.done
    assert [one["id"] for one in json.loads(out)["messages"]] == ["4ABC"]


def test_a_change_of_class_goes_to_the_store_and_to_the_agendas(fleet: Fleet) -> None:
    code, out, _ = fleet.typed(edit.profile_command, "mdupond", "roundcube", "--json")
    assert (code, json.loads(out)["carried"]) == (ExitCode.DONE, "sogo")
    assert ("carry", "mdupond", "roundcube") in fleet.mail1.done
    assert ("settle", "mdupond", "roundcube") in fleet.web1.done
    assert "carry" not in fleet.mail2.acts() + fleet.web1.acts()
    assert "settle" not in fleet.mail1.acts() + fleet.mail2.acts()
    fleet.web1.down = True
    code, _out, err = fleet.typed(edit.profile_command, "mdupond", "convergence")
    assert (code, "agendas: on web1: no route" in err) == (ExitCode.PARTLY, True)


def test_a_change_that_did_not_reach_a_host_reaches_it_when_typed_again(fleet: Fleet) -> None:
    fleet.mail1.down = True
    code, _out, err = fleet.typed(edit.quota_command, "mdupond", "7000")
    assert (code, "not done: mail1: no route" in err) == (ExitCode.PARTLY, True)
    fleet.mail1.down = False
    assert fleet.typed(edit.quota_command, "mdupond", "7000")[0] == ExitCode.DONE
    assert fleet.mail1.acts() == ["forget"], "what it remembered of the old one"


def test_filters_are_shown_from_the_store_or_not_at_all(fleet: Fleet) -> None:
    code, out, _err = fleet.typed(search.show_command, "mdupond", "--json")
    assert (code, json.loads(out)["forwards"]) == (ExitCode.DONE, ["ami@lointain.test"])
    assert json.loads(out)["last_log_in"] == "2023-11-14T22:13:20+00:00"
    assert json.loads(out)["last_log_in_by"] == "imap 192.0.2.7 mail1"
    fleet.mail1.down = True
    code, out, err = fleet.typed(search.show_command, "mdupond", "--json")
    assert "not shown: record: on mail1: no route" in err and json.loads(out)["last_log_in"], "the other host knows one"
    assert (code, "not shown: filters: on mail1: no route" in err) == (ExitCode.PARTLY, True)
    assert "forwards" not in json.loads(out), "none is not the same as not known"
    assert json.loads(out)["mail"] == f"mdupond@{DOMAIN}"


def test_an_export_takes_from_every_host_and_names_the_one_that_is_missing(fleet: Fleet) -> None:
    path = fleet.folder / "a.zip"
    assert fleet.typed(archive.export_command, "mdupond", "--out", str(path))[0] == ExitCode.DONE
    with zipfile.ZipFile(path) as made:
        assert {f"courrier/{name}.eml" for name in ("mail1", "mail2", "web1")} <= set(made.namelist())
    fleet.web1.down = True
    code, _out, err = fleet.typed(archive.export_command, "mdupond", "--out", str(path))
    assert (code, "not exported: on web1: no route" in err) == (ExitCode.PARTLY, True)
    with zipfile.ZipFile(path) as made:
        assert "on web1" in made.read("MANQUE.txt").decode()


def test_an_archive_that_would_not_be_whole_is_none(fleet: Fleet) -> None:
    fleet.mail1.down = True
    with pytest.raises(MallepostError, match="not be whole: on mail1: no route"):
        fleet.typed(archive.archive_command, "parti")
    assert list((fleet.folder / "archives").glob("*")) == []
    fleet.mail1.down = False
    assert fleet.typed(archive.archive_command, "parti")[0] == ExitCode.DONE
    assert len(list((fleet.folder / "archives").glob("*.zip"))) == 1


def test_a_purge_empties_every_host_or_none(fleet: Fleet) -> None:
    fleet.web1.down = True
    with pytest.raises(MallepostError, match="on web1: no route"):
        fleet.typed(archive.purge_command, "parti", "--yes")
    assert "empty" not in fleet.mail1.acts() + fleet.mail2.acts() and fleet.entry("parti")
    fleet.web1.down = False
    code, out, _ = fleet.typed(archive.purge_command, "parti", "--yes", "--json")
    assert code == ExitCode.DONE
    assert json.loads(out)["stores"] == [f"on {name}: store/parti" for name in ("mail1", "mail2", "web1")]


def test_a_right_that_ends_ends_on_every_host(fleet: Fleet) -> None:
    fleet.mail2.down = True
    code, out, err = fleet.typed(boxes.undelegate_command, "vie-scolaire", "mdupond")
    assert (code, "no longer opened by mdupond" in out, "mail2: no route" in err) == (ExitCode.PARTLY, True, True)
    assert fleet.mail1.acts() == ["close"]
    assert fleet.entry("vie-scolaire", "functional")["mpDelegate"] == ["parti"]


def test_a_box_ends_on_every_host(fleet: Fleet) -> None:
    assert fleet.typed(boxes.end_command, "vie-scolaire", "--yes")[0] == ExitCode.DONE
    assert all("empty" in host.acts() for host in (fleet.mail1, fleet.mail2, fleet.web1))


def test_a_night_says_once_which_host_it_lacks(fleet: Fleet) -> None:
    fleet.mail2.down = True
    [archived, purged] = nightly.run(None, context.now(), ["archive", "purge"])  # type: ignore[arg-type]
    assert archived.done == purged.done == []
    assert "1 accounts are due: on mail2: no route to host" in archived.failures[0]
    fleet.mail2.down = False
    [archived, agendas] = nightly.run(archive.Settings.read(), context.now(), ["archive", "agendas"])
    assert (archived.done, archived.failures) == (["parti"], [])
    assert agendas.done == ["mdupond"], "what lies with Radicale goes home"
    assert ("settle", "mdupond", "convergence") in fleet.web1.done


@pytest.mark.parametrize(
    ("mail_host", "stores", "found"),
    [
        ("", ["mail1"], "mail1"),
        ("", [""], ""),
        ("magasin.test", [""], ""),
        ("mail2", ["mail1", "mail2"], "mail2"),
        ("mail2.ac-exemple.test", ["mail1", "mail2"], "mail2"),
        ("MAIL2", ["mail1.ac-exemple.test", "mail2.ac-exemple.test"], "mail2.ac-exemple.test"),
    ],
)
def test_the_store_of_a_box_is_found(mail_host: str, stores: list[str], found: str) -> None:
    assert store_of(mail_host, stores) == found


@pytest.mark.parametrize(
    ("mail_host", "stores", "word"),
    [
        ("", [], "no host holds"),
        ("", ["mail1", "mail2"], "no mailHost"),
        ("mail3", ["mail1", "mail2"], "mail3 is none"),
    ],
)
def test_a_store_that_is_not_known_is_refused(mail_host: str, stores: list[str], word: str) -> None:
    with pytest.raises(MallepostError, match=word):
        store_of(mail_host, stores)


# --- what cannot work ---


def inventory(folder: Path, groups: dict[str, list[str]]) -> run.Report:
    hosts = sorted({host for members in groups.values() for host in members})
    tree = {name: {"hosts": dict.fromkeys(members)} for name, members in groups.items()}
    tree["malleposte"] = {"hosts": {host: {"ansible_host": f"192.0.2.{n}"} for n, host in enumerate(hosts, 10)}}
    folder.mkdir()
    (folder / "hosts.yml").write_text(yaml.safe_dump(tree), "utf-8")
    facts = folder / "group_vars" / "malleposte"
    facts.mkdir(parents=True)
    source = ROOT / "inventories" / "standalone" / "group_vars" / "malleposte" / "platform.yml"
    (facts / "platform.yml").write_text(source.read_text("utf-8"), "utf-8")
    return run.check(folder, online=False)


def said(report: run.Report) -> str:
    return "\n".join(str(finding) for finding in report.findings)


GOOD = {"directory": ["dir1"], "database": ["db1"], "mail": ["mail1"], "web": ["mail1"], "portal": ["pia1"],
        "vault": ["vault1", "vault2"]}  # fmt: skip


@pytest.mark.full
def test_check_refuses_hosts_that_cannot_work_together_and_the_directory_opens_to_those_that_ask_it(
    tmp_path: Path,
) -> None:
    text = said(inventory(tmp_path / "good", GOOD))
    assert "leave one" not in text and "but not in mail" not in text
    site = Site(tmp_path / "good")
    ldaps = [rule for rule in site.template("dir1", "{{ nftables_rules }}") if rule["port"] == 636]
    asked_by = {source for rule in ldaps for source in rule["sources"]}
    assert site.template("mail1", "{{ ansible_host }}") in asked_by
    assert site.template("vault1", "{{ ansible_host }}") not in asked_by
    assert not [rule for rule in site.template("mail1", "{{ nftables_rules }}") if rule["port"] == 636]
    hosts = site.template("dir1", "{{ hostd_hosts }}")
    assert [(one["name"], one["address"]) for one in hosts] == [
        ("mail1", "tls://mail1.ac-exemple.test:7444"),
        ("pia1", "tls://pia1.ac-exemple.test:7444"),
    ]
    assert hosts[1]["holds"] == ["sso"]
    assert {"store", "queue", "dovecot", "sogo", "roundcube", "radicale"} == set(hosts[0]["holds"])
    (rule,) = [rule for rule in site.template("mail1", "{{ nftables_rules }}") if rule["port"] == 7444]
    assert rule["sources"] == [site.template("dir1", "{{ ansible_host }}")]
    assert not [rule for rule in site.template("dir1", "{{ nftables_rules }}") if rule["port"] == 7444]
    assert site.template("mail1", "{{ hostd_listen }}") == site.template("mail1", "{{ ansible_host }}")
    assert site.template("mail1", "{{ hostd_hosts + hostd_secrets.keys() | list }}") == []
    bad = {"directory": ["dir1", "dir2"], "database": ["db1", "db2"], "mail": ["mail1", "mail2"], "web": ["w1", "w2"]}
    text = said(inventory(tmp_path / "bad", GOOD | bad))
    for hosts in ("dir1, dir2", "db1, db2", "mail1, mail2", "w1, w2"):
        assert f"2 hosts ({hosts})" in text
    assert text.count("leave one") == 4


@pytest.mark.full
def test_the_web_and_the_directory_ask_the_mail_host_by_tunnels_and_nobody_else_does(tmp_path: Path) -> None:
    report = inventory(tmp_path / "apart", GOOD | {"web": ["web1"]})
    assert [str(finding) for finding in report.findings if finding.level is Level.WRONG] == []
    site = Site(tmp_path / "apart")

    def of(host: str, expression: str) -> Any:
        return site.template(host, "{{ " + expression + " }}")

    address = {host: of(host, "ansible_host") for host in ("mail1", "web1", "dir1", "pia1")}
    ldaps = {source for rule in of("dir1", "nftables_rules") if rule["port"] == 636 for source in rule["sources"]}
    assert {address["mail1"], address["web1"], address["pia1"]} <= ldaps
    called = {one["name"]: one for one in of("mail1", "stunnel_tunnels")}
    assert set(called) == {"auth", "reminders", "alarms", "throttle", "guesses"}
    callings: dict[str, set[str]] = {
        "web1": {"auth", "reminders", "alarms", "guesses"}, "dir1": {"throttle"}, "pia1": {"guesses"}, "vault1": set(),
    }  # fmt: skip
    for host, names in callings.items():
        callers = {one["name"]: one for one in of(host, "stunnel_tunnels")}
        assert set(callers) == names
        for name, one in callers.items():
            assert (one["connect"], one["identity"]) == (called[name]["listen"], host)
            assert called[name]["keys"][host] == one["keys"][host]
            port = int(called[name]["listen"].rpartition(":")[2])
            (rule,) = [rule["sources"] for rule in of("mail1", "nftables_rules") if rule["port"] == port]
            assert set(rule) == {address[other] for other, tunnels in callings.items() if name in tunnels}
    units = {f"malleposte-tunnel-{name}.service" for name in called}
    assert set(of("mail1", "__wiring_tunnel_units")) == units
    assert of("pia1", "__wiring_tunnel_units") == ["malleposte-tunnel-guesses.service"]
    assert of("vault1", "__wiring_tunnel_units") == []
    keys = [key for one in called.values() for key in one["keys"].values()]
    assert len(set(keys)) == len(keys)
    # Each daemon finds the end of its tunnel.
    mine = {one["name"]: one for one in of("web1", "stunnel_tunnels")}
    assert (of("web1", "dav_auth_socket"), of("web1", "dav_auth_group")) == (
        mine["auth"]["listen"],
        mine["auth"]["listen_group"],
    )
    assert of("web1", "sogo_reminder_smtp_url") == f"smtp://{mine['reminders']['listen']}"
    assert of("web1", "nftables_local_ports") == [
        {"name": "reminders", "port": 10029, "users": ["sogo"]},
        {"name": "alarms", "port": 10031, "users": ["radicale"]},
        {"name": "sogo", "port": 20000, "users": ["www-data"]},
    ]
    # SOGo fetches what agents name, and messages are told to tools: their hosts hold both to the outer web.
    held = {host: [row["user"] for row in of(host, "nftables_local_users")] for host in ("web1", "mail1")}
    assert held == {"web1": ["sogo"], "mail1": ["malleposte-tools"]}
    local = {row["name"]: row["users"] for row in of("mail1", "nftables_local_ports")}
    assert local["reminders"] == local["alarms"] == ["stunnel4"]
    assert {"reminders", "alarms"} <= {one["name"] for one in of("mail1", "postfix_services")}
    # The webmails submit at a port of their own, which opens to their host alone.
    port = of("mail1", "postfix_webmail_port")
    assert [rule["sources"] for rule in of("mail1", "nftables_rules") if rule["port"] == port] == [[address["web1"]]]
    assert port == 10465 == of("web1", "sogo_smtp_port") and of("web1", "roundcube_smtp").endswith(f":{port}")
    assert set(address.values()) <= set(of("mail1", "nftables_uncounted_networks"))
    # A redirection keeps its author; a reminder has the platform's, whoever it says that it is from.
    ways = of("mail1", "rspamd_sender_ways")
    assert ways["way-sieve"] == ["*"] and ways["way-reminders"] == ways["way-alarms"] != ["*"]
    (guesses,) = of("pia1", "stunnel_tunnels")
    assert of("pia1", "fail2ban_guesses_server") == f"unix://{guesses['listen']}"
    assert of("pia1", "fail2ban_guesses_groups") == [guesses["listen_group"]]
    assert {host: "guesses" in of(host, "fail2ban_jails") for host in ("mail1", "web1", "pia1", "dir1")} == {
        "mail1": True, "web1": True, "pia1": True, "dir1": False,
    }  # fmt: skip
    (throttle,) = of("dir1", "stunnel_tunnels")
    assert of("dir1", "accountd_throttle.server") == f"unix://{throttle['listen']}"
    assert throttle["listen_group"] in of("dir1", "accountd_groups")


def test_services_of_one_host_need_no_tunnel(tmp_path: Path) -> None:
    inventory(tmp_path / "one", {group: ["mail1"] for group in ("directory", "database", "mail", "web", "portal")})
    site = Site(tmp_path / "one")
    assert site.template("mail1", "{{ stunnel_tunnels + __wiring_tunnel_ports }}") == []
    assert site.template("mail1", "{{ dav_auth_socket }}") == "/run/dovecot/auth-client"
    assert site.template("mail1", "{{ accountd_throttle.server }}") == "unix:///run/valkey-throttle/valkey.sock"


def test_a_log_in_is_ended_where_it_is_kept() -> None:
    old, new = Session("a", "", NIGHT, 2), Session("b", "", NIGHT + timedelta(hours=1), 2)
    page, other = (FakeHost(name, frozenset(("sso",)), open=[one]) for name, one in (("pia1", old), ("pia2", new)))
    hosts = Hosts(MemoryDirectory(), [page, other, FakeHost("mail1", frozenset(("store",)), open=[old])])
    assert hosts.log_ins("mdupond") == [new, old]
    assert (hosts.end_log_in("mdupond", "b"), hosts.end_log_in("mdupond", "b")) == ((), None)
    assert hosts.log_ins("mdupond") == [old]
    other.down = True
    with pytest.raises(MallepostError, match="on pia2: no route"):
        hosts.log_ins("mdupond")


def test_factors_are_those_of_every_log_in_page_and_one_goes_where_it_is_kept() -> None:
    phone, key = Factor("dG90cA==", "totp", "Téléphone", None), Factor("a2V5", "webauthn", "Clé", None)
    first, second = (FakeHost(name, frozenset(("sso",)), held=[one]) for name, one in (("pia1", phone), ("pia2", key)))
    mail = FakeHost("mail1", frozenset(("store",)), held=[Factor("x", "totp", "", None)])
    hosts = Hosts(MemoryDirectory(), [mail, first, second])
    assert hosts.factors("mdupond") == [phone, key]
    assert hosts.unfactor("mdupond", "a2V5") == key
    assert (hosts.factors("mdupond"), mail.acts()) == ([phone], [])
    with pytest.raises(InputError, match="mdupond has no factor a2V5"):
        hosts.unfactor("mdupond", "a2V5")
    second.down = True
    with pytest.raises(MallepostError, match="pia2"):
        hosts.factors("mdupond")


def test_what_to_do_about_a_failure_is_said_once() -> None:
    class Refusing(FakeHost):
        def drop(self, uid: str) -> bool:
            raise MallepostError("no such thing", "make it")

    with pytest.raises(MallepostError) as caught:
        Hosts(MemoryDirectory(), [Refusing("mail1", frozenset(("store",)))]).drop("mdupond")
    assert str(caught.value) == "on mail1: no such thing; make it"
