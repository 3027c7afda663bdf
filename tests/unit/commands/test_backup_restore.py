"""`backup restore`: requests from a controller to a host, refusals, the choice of an archive."""

import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from malleposte.accounts import actor, settings
from malleposte.accounts.disclosure import terms as disclosure
from malleposte.backup.archive import archives as vaults
from malleposte.backup.archive import config
from malleposte.backup.archive.borg import BorgError, Done
from malleposte.backup.restore import database as restore_database
from malleposte.backup.restore.model import Copy, Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.cli import main
from malleposte.commands import away, backup_job, backup_options, backup_restore
from malleposte.core import paths
from malleposte.core.errors import InputError, MallepostError
from malleposte.fleet import remote
from malleposte.runtime.settings import convert

BY = "claire@dsi"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Words that reached a host."""
    found: list[list[str]] = []

    class Place(remote.Place):
        def answer(self, words):
            assert words[:2] == ["accounts", "show"]
            known = {"anne": ("sogo", "mail2"), "bruno": ("radicale", "")}
            if words[-1] not in known:
                return 2, {"error": "no account", "exit_code": 2}
            agenda, mail_host = known[words[-1]]
            return 0, {"uid": words[-1], "profile": "x", "agenda": agenda, "mail_host": mail_host}

    def run(place, words, **_given):
        found.append([place.name, *words])
        return 0

    hosts = {
        "mail": ["mail1"], "web": ["web1", "web2"], "database": ["db1"], "directory": ["mail1"],
        "malleposte": ["mail1", "db1"],
    }  # fmt: skip
    monkeypatch.setattr(
        remote,
        "places",
        lambda _inventory, group, but="", only=(): [Place(name, ()) for name in only or hosts[group]],
    )
    monkeypatch.setattr(remote, "listing", lambda _inventory: {})
    monkeypatch.setattr(away, "run", run)
    monkeypatch.setattr(away, "person", lambda: BY)
    monkeypatch.setattr(paths, "HOSTED", False)
    return found


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mailbox anne --discard", "mail1 backup restore mailbox --by=claire@dsi anne --discard"),
        (
            "mailbox anne --vault v2 --dry-run --json",
            "mail1 backup restore mailbox --by=claire@dsi anne --vault v2 --dry-run --json",
        ),
        ("folder anne Cours --beside", "mail1 backup restore folder --by=claire@dsi anne Cours --beside"),
        (
            "message --uid 4 --folder INBOX -- anne",
            "mail1 backup restore message --by=claire@dsi --uid 4 --folder INBOX -- anne",
        ),
        (
            "dav anne --service radicale --host web2 --as-of 2026-03-14",
            "web2 backup restore dav --by=claire@dsi anne --service radicale --as-of 2026-03-14",
        ),
        (
            "dav anne Calendar/personal --service sogo",
            "db1 backup restore dav --by=claire@dsi anne Calendar/personal --service sogo",
        ),
        ("dav anne", "db1 backup restore dav --by=claire@dsi --service=sogo anne"),
        ("dav --host=web1 -- bruno", "web1 backup restore dav --by=claire@dsi --service=radicale -- bruno"),
        ("database roundcube --beside", "db1 backup restore database roundcube --beside"),
        ("directory --entry anne", "mail1 backup restore directory --entry anne"),
        ("undo anne 20260314-091500", "mail1 backup restore undo --by=claire@dsi anne 20260314-091500"),
        ("--all --host db1 --vault v1", "db1 backup restore --all --vault v1"),
    ],
)
def test_the_same_runs_on_the_host(sent, typed, words):
    assert main(["backup", "restore", *typed.split()]) == 0
    assert sent[0] == words.split()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("mailbox anne", ["mailbox", "anne", ""]),
        ("mailbox anne --reason urgent", ["--reason=urgent", "mailbox", "anne", ""]),
        ("folder anne Cours", ["folder", "anne", "Cours"]),
        ("message anne --uid 4 --folder INBOX", ["message", "anne", "INBOX"]),
        ("dav anne Calendar/personal", ["dav", "anne", "Calendar/personal"]),
        ("undo anne 20260314-091500", ["undo", "anne", ""]),
        ("folder anne Cours --dry-run", None),
        ("message anne --list", None),
    ],
)
def test_the_journal_on_another_host_tells_a_restore(sent, monkeypatch, typed, told):
    found = remote.places
    monkeypatch.setattr(
        remote, "places", lambda i, group, **g: found(i, "database" if group == "directory" else group, **g)
    )
    store = "web1" if typed.startswith("dav") else "mail1"
    assert (
        main(["backup", "restore", *typed.split(), *(["--service=radicale", "--host=web1"] if store == "web1" else [])])
        == 0
    )
    assert [words[0] for words in sent] == [store, *(["db1"] if told else [])]
    if told:
        options = [one for one in told if one.startswith("--")]
        assert sent[1][1:] == ["accounts", "--by", BY, "restored", *options, "--", *told[len(options) :]]


def test_the_store_that_has_the_journal_itself_is_told_nothing_more(sent):
    assert main(["backup", "restore", "folder", "anne", "Cours"]) == 0
    assert [words[0] for words in sent] == ["mail1"]


def test_a_restore_that_the_journal_does_not_tell_is_named(sent, monkeypatch, capsys):
    found, reached = remote.places, away.run
    monkeypatch.setattr(
        remote, "places", lambda i, group, **g: found(i, "database" if group == "directory" else group, **g)
    )
    monkeypatch.setattr(away, "run", lambda place, words, **g: reached(place, words, **g) or place.name == "db1")
    assert main(["backup", "restore", "folder", "anne", "Cours"]) == 4
    assert "type: malleposte accounts restored -- folder anne Cours" in capsys.readouterr().err
    assert len(sent) == 2


@pytest.fixture
def on_host(tmp_path, monkeypatch):
    """The directory's host, which has the journal; a restore of a folder there ends well."""
    keys = {"uri": "", "suffix": "", "domain": "", "bind_dn": "", "keys_file": "", "most_departures": 5}
    held = {**keys, "password_file": str(tmp_path / "none"), "journal": str(tmp_path / "accounts.jsonl")}
    (tmp_path / "accounts.json").write_text(json.dumps(held))
    monkeypatch.setattr(settings, "FILE", tmp_path / "accounts.json")
    monkeypatch.setattr(backup_job, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(backup_restore, "opener", lambda _uid, closed=False: Box())
    monkeypatch.setattr(backup_job.Job, "archives", lambda _self: None)
    monkeypatch.setattr(backup_restore.messages, "restore", lambda *_a, **_k: Outcome("messages of anne"))
    monkeypatch.setattr(backup_restore.messages, "listing", lambda *_a, **_k: Outcome("messages of anne"))
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.delenv(actor.BY, raising=False)
    return tmp_path / "accounts.jsonl"


def test_a_restore_is_in_the_journal_of_accounts_and_a_listing_is_not(on_host, monkeypatch):
    assert main(["backup", "restore", "message", "anne", "--list"]) == 0
    assert not on_host.exists()
    words = ["folder", f"--by={BY}", "anne", "Cours", "--reason", "demande 4711"]
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert main(["backup", "restore", *words]) == 0
    (line,) = map(json.loads, on_host.read_text().splitlines())
    assert (line["action"], line["account"], line["what"]) == ("restore-folder", "anne", "Cours")
    assert line["note"] == "demande 4711" and line["who"].endswith(f"for {BY}")
    assert json.loads(disclosure.line(json.dumps(line))) == {
        "date": line["time"], "opération": "dossier restauré depuis une sauvegarde", "motif": "demande 4711",
    }  # fmt: skip


def test_a_restore_that_could_not_be_written_is_named(on_host, capsys):
    on_host.mkdir()
    assert main(["backup", "restore", "folder", "anne", "Cours"]) == 4
    assert "NOT DONE: the journal of accounts does not tell it" in capsys.readouterr().out


def test_where_no_journal_is_who_typed_it_there_is_told_what_to_type(on_host, monkeypatch, capsys):
    monkeypatch.setattr(settings, "FILE", on_host)
    assert main(["backup", "restore", "folder", "anne", "Cours"]) == 0
    assert "type on the controller: malleposte accounts restored folder anne Cours" in capsys.readouterr().out
    assert main(["backup", "restore", "folder", "--by=claire", "anne", "Cours"]) == 0
    assert "accounts restored" not in capsys.readouterr().out


APART = {"database": {"hosts": ["db1"]}, "web": {"hosts": ["web1", "web2"]}}
TOGETHER = {"database": {"hosts": ["mail1"]}, "web": {"hosts": ["mail1"]}}


@pytest.mark.parametrize(
    ("listed", "typed", "told"),
    [
        (APART, "database sogo", ["db1", "web1", "web2"]),
        (APART, "--all --host db1", ["db1", "web1", "web2"]),
        (APART, "--all --host mail1", ["mail1"]),
        (APART, "database sogo --beside", ["db1"]),
        (APART, "database sogo --dry-run", ["db1"]),
        (APART, "database roundcube", ["db1", "web1", "web2"]),
        (TOGETHER, "--all --host mail1", ["mail1"]),
    ],
)
def test_after_a_database_the_other_hosts_of_the_web_forget_it(sent, monkeypatch, listed, typed, told):
    monkeypatch.setattr(remote, "listing", lambda _inventory: listed)
    assert main(["backup", "restore", *typed.split()]) == 0
    assert [words[0] for words in sent] == told
    named = [typed.split()[1]] if typed.startswith("database") else []
    assert all(words[1:] == ["backup", "restore", "refresh", *named] for words in sent[1:])


def test_a_host_of_the_web_that_could_not_be_told_is_named(sent, monkeypatch, capsys):
    reached = away.run

    def run(place, words, **given):
        if place.name == "web1":
            raise MallepostError("web1 cannot be reached over ssh")
        return reached(place, words, **given)

    monkeypatch.setattr(remote, "listing", lambda _inventory: APART)
    monkeypatch.setattr(away, "run", run)
    assert main(["backup", "restore", "database", "sogo"]) == 4
    assert [words[0] for words in sent] == ["db1", "web2"]
    assert (
        "web1 cannot be reached over ssh; type: malleposte backup restore refresh sogo --host web1"
        in capsys.readouterr().err
    )


def test_a_restore_that_failed_lets_nobody_forget(sent, monkeypatch):
    reached = away.run
    monkeypatch.setattr(remote, "listing", lambda _inventory: APART)
    monkeypatch.setattr(away, "run", lambda *words, **given: reached(*words, **given) or 1)
    assert main(["backup", "restore", "database", "sogo"]) == 1
    assert [words[0] for words in sent] == ["db1"]


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (restore_database.NO_UNIT, 0), (1, 1)])
def test_the_services_that_cache_a_database_are_restarted(monkeypatch, capsys, code, ends):
    ran = []

    def run(words, **_given):
        ran.append(words)
        return subprocess.CompletedProcess(words, code)

    known = SimpleNamespace(restore=config.Restore(restart={"sogo": ("memcached.service", "sogo.service")}))
    monkeypatch.setattr(config, "read", lambda: known)
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(restore_database.subprocess, "run", run)
    assert main(["backup", "restore", "refresh", "roundcube"]) == 0
    assert ran == []
    assert main(["backup", "restore", "refresh", "sogo"]) == main(["backup", "restore", "refresh"]) == ends
    assert ran == [["systemctl", "try-restart", unit] for unit in ("memcached.service", "sogo.service")] * 2
    assert ("not restarted: memcached.service, sogo.service" in capsys.readouterr().err) == bool(ends)


def test_of_several_stores_the_directory_says_which_holds_the_box(sent, monkeypatch, capsys):
    stores = {"mail": ["mail1", "mail2"], "directory": ["dir1"]}
    place = type(remote.places(Path(), "mail")[0])
    monkeypatch.setattr(
        remote, "places", lambda _inventory, group, but="", only=(): [place(name, ()) for name in only or stores[group]]
    )
    assert main(["backup", "restore", "mailbox", "anne"]) == 0
    assert main(["backup", "restore", "mailbox", "bruno", "--host", "mail1"]) == 0
    assert [words[0] for words in sent if words[1] == "backup"] == ["mail2", "mail1"]
    sent.clear()
    for uid in ("bruno", "personne"):
        assert main(["backup", "restore", "mailbox", uid]) == 2
        assert "no mailHost" in capsys.readouterr().err
    assert sent == []


class Box:
    """A mailbox, so that no Dovecot is asked."""

    def home(self, uid: str) -> Path:
        return Path("/srv/mail/aa") / uid


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (["folder", "anne", "Cours", "--vault", "v2", "--dry-run"], ("messages of anne", "v2", "")),
        (["folder", "--as-of", "2026-03-14", "--dry-run", "--", "anne", "-Cours"],
         ("messages of anne", None, "2026-03-14")),
        (["dav", "bruno", "agenda", "--vault", "v2", "--dry-run"], ("agendas and contacts of bruno", "v2", "")),
        (["dav", "anne", "--as-of", "2026-03-14 09:00", "--dry-run"],
         ("agendas and contacts of anne", None, "2026-03-14 09:00")),
        (["mailbox", "anne", "--vault", "v2", "--dry-run"], ("mailbox anne", "v2", "")),
    ],
)  # fmt: skip
def test_what_a_controller_sends_the_host_understands(sent, monkeypatch, typed, understood):
    """The words that arrive, read by the host's own command line: no option has become a name."""
    assert main(["backup", "restore", typed[0], "--host", "web1", *typed[1:]]) == 0
    seen = []
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(backup_restore, "opener", lambda _uid, closed=False: Box())
    monkeypatch.setattr(backup_restore, "entry_here", lambda _uid: ("", False))
    monkeypatch.setattr(backup_job.Job, "archives", lambda _self: None)
    monkeypatch.setattr(
        backup_job.Job,
        "foreseen",
        lambda self, what, *_wanted: seen.append((what, self.vault, self.as_of.text if self.as_of else "")) or 0,
    )
    assert main(sent[0][1:]) == 0
    assert seen == [understood]


def test_a_date_goes_to_the_host_as_it_was_typed_and_is_told_with_its_zone(sent, monkeypatch):
    """A controller in another zone must not move it."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert main(["backup", "restore", "mailbox", "anne", "--as-of", "2026-03-14"]) == 0
        assert sent[0][-2:] == ["--as-of", "2026-03-14"]
        monkeypatch.setenv("TZ", "Europe/Paris")
        time.tzset()
        moment = backup_options.when(None, None, "2026-03-14")
        assert str(moment) == "2026-03-14 23:59:59 CET (UTC+0100)"
        assert moment.at.isoformat() == "2026-03-14T22:59:59+00:00"
        assert str(backup_options.when(None, None, "2026-07-14 09:00+00:00")) == "2026-07-14 11:00:00 CEST (UTC+0200)"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_failure_is_json_where_json_was_asked(sent, capsys):
    assert main(["backup", "restore", "--all", "--json"]) == 2
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert (told["exit_code"], told["error"]) == (2, "2 hosts could be meant") and "--host" in told["hint"]
    assert shown.err.strip().splitlines()[-1].startswith("malleposte: 2 hosts could be meant")
    assert main(["backup", "restore", "--all"]) == 2
    assert capsys.readouterr().out == ""


def test_what_was_named_and_is_not_there_makes_the_exit_code(capsys):
    job = backup_job.Job({"vault": None, "as_of": None, "dry_run": False, "as_json": False})
    assert job.show(Outcome("messages of anne")) == 0
    assert job.show(Outcome("messages of anne", missing=["the message <x@y.test>"])) == 4
    assert "NOT DONE: the message <x@y.test>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "nothing is named"),
        ("dav bruno", "2 hosts could be meant"),
        ("--all", "2 hosts could be meant"),
        ("mailbox anne --as-of demain", "not a date: 'demain'"),
        ("--all mailbox anne", "options come after"),
        ("--host db1 mailbox anne", "options come after"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(sent, capsys, typed, said):
    assert main(["backup", "restore", *typed.split()]) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if not line.startswith("inventory: "))
    assert said in line
    assert sent == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("message anne", "no message is named"),
        ("message anne --uid 4", "--uid counts within a folder"),
        ("database Rm;x", "is no name of a database"),
    ],
)
def test_a_host_refuses_in_one_line(monkeypatch, capsys, typed, said):
    monkeypatch.setattr(paths, "HOSTED", True)
    assert main(["backup", "restore", *typed.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_one_restore_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(backup_job, "LOCK", tmp_path / "lock")
    with (
        backup_job.alone(),
        pytest.raises(MallepostError, match=r"another restore is under way \(process \d+\)"),
        backup_job.alone(),
    ):
        pass


def test_an_outcome_for_people():
    copy = Copy("mail-00-0f@1", "vault1", datetime(2026, 3, 14, 9, tzinfo=UTC))
    outcome = Outcome("mailbox anne", copy, {"messages": 3}, ["a note"], "/aside", "undo it", 2.0)
    text = "\n".join(backup_job.lines(outcome))
    assert "mailbox anne from mail-00-0f@1 of " in text and "3 messages, 2.0 s" in text
    assert "kept: /aside" in text and "to undo: undo it" in text


class Vault:
    def __init__(self, name: str, *days: int, broken: bool = False) -> None:
        self.name, self.days, self.broken = name, days, broken

    def series(self, prefix: str) -> list[str]:
        if self.broken:
            raise MallepostError(f"{self.name} cannot be reached")
        return [f"{prefix}sogo"]

    def latest(self, source: str, as_of: datetime | None) -> vaults.Archive:
        if self.broken:
            raise MallepostError(f"{self.name} cannot be reached")
        found = [datetime(2026, 3, day, tzinfo=UTC) for day in self.days]
        fit = [one for one in found if as_of is None or one <= as_of]
        if not fit:
            raise MallepostError(f"{self.name} holds no archive of {source}")
        return vaults.Archive(max(fit), self.name, "r", source, f"{source}@{max(fit):%d}")


def known(tmp_path: Path) -> config.Config:
    sources = [
        config.Source("system", "system", paths=("/etc", "/srv/mail", "/var/lib/radicale")),
        config.Source("mail-a0-af", "mail-a0-af", paths=("/srv/mail/a0", "/srv/mail/aa")),
    ]
    return config.Config("mail1", (), tuple(sources), tmp_path, tmp_path, tmp_path, "/srv/mail")


@pytest.mark.parametrize(
    ("as_of", "chosen"),
    [(None, "vault2 system@12"), (datetime(2026, 3, 11, tzinfo=UTC), "vault1 system@11")],
)
def test_the_newest_archive_of_all_vaults_is_taken(tmp_path, as_of, chosen):
    said: list[str] = []
    away = Vault("vault3", broken=True)
    found = Archives(known(tmp_path), [Vault("vault1", 3, 11), Vault("vault2", 12), away], as_of, said.append)
    copy = found.find("/var/lib/radicale/collections")
    assert f"{copy.vault} {copy.archive}" == chosen
    assert any("vault3 cannot be reached" in line for line in said)
    assert found.source_of("/srv/mail/aa/anne") == "mail-a0-af"
    assert found.source_of("/srv/mail/.shared") == "system"
    assert found.databases() == ["sogo"]
    with pytest.raises(InputError, match="/home is in no backup of mail1"):
        found.source_of("/home")


def test_no_vault_that_answers_is_an_error(tmp_path):
    found = Archives(known(tmp_path), [Vault("vault3", broken=True)], None, lambda _: None)
    with pytest.raises(MallepostError, match="vault3 cannot be reached"):
        found.latest("system")
    with pytest.raises(MallepostError, match="vault3 cannot be reached"):
        found.databases()


class Server:
    """PostgreSQL that notes what it is told; `fail` is a word of the statement that it refuses."""

    def __init__(self, fail: str = "", stuck: tuple[str, ...] = ()) -> None:
        self.fail, self.stuck, self.told = fail, stuck, []

    def sql(self, text: str, database: str = "postgres") -> str:
        self.told.append(text)
        if self.fail and self.fail in text:
            raise MallepostError("psql: refused")
        return "1" if text.startswith("SELECT") else ""

    def load(self, dump: Path, database: str) -> None:
        self.told.append(f"load {database}")

    def settle(self, database: str) -> list[str]:
        self.told.append(f"settle {database}")
        return list(self.stuck)


class Dumps:
    def dump(self, name: str, into: Path) -> Copy:
        assert name == "postgresql-roundcube"
        into.write_bytes(b"PGDMP")
        return Copy("x", "vault1", datetime(2026, 3, 14, tzinfo=UTC))


def test_a_database_is_loaded_beside_and_then_exchanged(tmp_path):
    server = Server()
    done = restore_database.restore("roundcube", Dumps(), server, tmp_path, say=lambda _: None)
    kept = done.aside.removeprefix("database ")
    order = [text for text in server.told if text.startswith(("load", "BEGIN", "settle"))]
    exchange = f'BEGIN; ALTER DATABASE "roundcube" RENAME TO "{kept}"; '
    exchange += 'ALTER DATABASE "roundcube_restore" RENAME TO "roundcube"; COMMIT'
    assert order == ["load roundcube_restore", exchange, "settle roundcube"]
    assert list(tmp_path.iterdir()) == [] and done.missing == []


def test_a_service_that_is_not_restarted_after_a_database_is_told(tmp_path, monkeypatch):
    done = restore_database.restore("roundcube", Dumps(), Server(stuck=("sogo.service",)), tmp_path, say=lambda _: None)
    assert done.aside and len(done.missing) == 1
    assert "sogo.service was not restarted" in done.missing[0] and "backup restore refresh" in done.missing[0]
    monkeypatch.setattr(
        restore_database.subprocess, "run", lambda words, **_given: subprocess.CompletedProcess(words, 1)
    )
    server = restore_database.Postgres({"sogo": ("memcached.service", "sogo.service")})
    assert server.settle("sogo") == ["memcached.service", "sogo.service"]
    assert server.settle("roundcube") == []


def test_a_database_whose_exchange_fails_takes_connections_again(tmp_path):
    server = Server("BEGIN")
    with pytest.raises(MallepostError, match="refused"):
        restore_database.restore("roundcube", Dumps(), server, tmp_path, say=lambda _: None)
    assert server.told[-1] == 'ALTER DATABASE "roundcube" WITH ALLOW_CONNECTIONS true'


SOURCES = [
    {"name": name, "repository": "mail" if name.startswith("mail") else "system", **rest}
    for name, rest in {
        "mail-00-7f": {"paths": ["/srv/mail/00"]}, "mail-80-ff": {"paths": ["/srv/mail/80"]},
        "system": {"paths": ["/var/lib/lists"]},
        "ldap": {"command": ["slapcat", "-n", "1"], "file": "ldap.ldif"},
        "ldap-config": {"command": ["slapcat", "-n", "0"], "file": "ldap-config.ldif"},
    }.items()
]  # fmt: skip
HELD = ("mail-00-7f", "system", "ldap", "ldap-config", "postgresql-roundcube", "postgresql-sogo", "postgresql-gone")


class Borg:
    """borg, as it answers about a vault that holds an archive of each of these."""

    def __init__(self, held: tuple[str, ...]) -> None:
        self.held = held

    def run(self, *words: str) -> Done:
        if not self.held:
            raise BorgError("ssh://vault1/mail1/system is not a valid repository. Check repo config.", 2)
        begins = words[words.index("--glob-archives") + 1].rstrip("*")
        names = [f"{name}@20260314T010000Z" for name in self.held]
        found = [
            {"name": name, "start": "2026-03-14T01:00:00.000000", "id": "1"}
            for name in names
            if name.startswith(begins)
        ]
        return Done(json.dumps({"archives": found}))


@pytest.fixture
def lost(tmp_path, monkeypatch):
    """A new host in place of a lost one; called with the series that its vault holds."""
    given = {
        "client": "mail1", "vaults": [{"name": "vault1", "url": "ssh://vault1", "passphrase_file": "/x"}],
        "sources": SOURCES, "ssh_config": "/x", "base": str(tmp_path), "state": str(tmp_path / "state.json"),
        "mail_root": "/srv/mail", "databases": True,
    }  # fmt: skip

    def made(*held: str) -> None:
        monkeypatch.setattr(paths, "HOSTED", True)
        monkeypatch.setattr(config, "read", lambda: convert(given, config.Config))
        monkeypatch.setattr(vaults, "Borg", lambda *_given: Borg(held))
        monkeypatch.setattr(restore_database.Postgres, "sql", lambda *_given: "postgres\nroundcube\nsogo\n")

    return made


def test_a_dry_run_names_every_archive_that_a_whole_restore_needs(lost, capsys):
    lost(*HELD)
    assert main(["backup", "restore", "--all", "--dry-run"]) == 0
    told = capsys.readouterr()
    used, notes = told.out.splitlines()[:5], told.out.splitlines()[5:]
    names = ["ldap", "postgresql-roundcube", "postgresql-sogo", "system", "mail-00-7f"]
    assert [line.split()[4].partition("@")[0] for line in used] == names
    assert notes[0].strip() == "the archives have a database gone, which is not on this host"
    assert notes[1].strip().startswith("1 of 2 shares of the mail have no archive") and "mail-80-ff" in notes[1]
    assert notes[2].strip().startswith("stays in the vault, since `deploy` writes what it holds: ldap-config@")
    steps = [line.partition("] ")[2] for line in told.err.splitlines()]
    assert len(steps) == 6 and steps[0].startswith("1 of 6: mail-00-7f@")
    assert steps[1] == "2 of 6: no archive of mail-80-ff" and steps[5].startswith("6 of 6: postgresql-sogo@")
    assert main(["backup", "restore", "--all", "--dry-run", "--json"]) == 0
    assert [name.partition("@")[0] for name in json.loads(capsys.readouterr().out)["archives"]] == names


@pytest.mark.parametrize("missing", ["ldap", "system"])
def test_a_dry_run_fails_as_the_restore_would_where_an_archive_is_missing(lost, capsys, missing):
    lost(*(name for name in HELD if name != missing))
    assert main(["backup", "restore", "--all", "--dry-run"]) == 1
    assert f"malleposte: vault1 holds no archive of {missing}; `backup list` shows" in capsys.readouterr().err


def test_a_dry_run_before_the_first_backup_says_so_in_a_sentence(lost, capsys):
    lost()
    for words in (["--all"], ["database", "sogo"]):
        assert main(["backup", "restore", *words, "--dry-run"]) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("malleposte: vault1 holds no archive of ")
        assert last.endswith("`backup run` makes the first ones")
    assert main(["backup", "list", "--source", "system"]) == 0
