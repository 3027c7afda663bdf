"""A run of the backups: one failure hides no other, and says its name."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from malleposte.backup.archive import archives, borg, config, run, state
from malleposte.backup.vault import check
from malleposte.core.errors import MallepostError
from malleposte.runtime.settings import convert


@pytest.fixture
def known(tmp_path: Path) -> config.Config:
    (tmp_path / "files").mkdir()
    return convert(
        {
            "client": "mail1",
            "vaults": [
                {"name": name, "url": f"ssh://{name}/srv/borg/mail1", "passphrase_file": "/x"}
                for name in ("vault1", "vault2")
            ],
            "ssh_config": "/x",
            "base": str(tmp_path / "borg"),
            "state": str(tmp_path),
            "mail_root": "/srv/mail",
            "sources": [
                {"name": "ldap", "repository": "system", "command": ["slapcat"], "file": "ldap.ldif"},
                {"name": "system", "repository": "system", "paths": [str(tmp_path / "files")], "exclude": ["*/x"]},
                {"name": "mail-00-ff", "repository": "mail-00-ff", "paths": ["/nowhere"]},
            ],
        },
        config.Config,
    )


class Pretend(borg.Borg):
    """borg that makes archives of nothing; the calls are kept, those that hold `fails` fail."""

    calls: list[tuple[str, ...]]
    fails: str = "\0"

    def run(self, *words: str, **_rest: Any) -> borg.Done:
        self.calls.append(words)
        if any(self.fails in word for word in words):
            raise borg.BorgError("Command 'slapcat' exited with status 1", 2)
        stats = {"original_size": 3, "deduplicated_size": 2, "nfiles": 1}
        made = {
            "name": "n",
            "id": f"i{len(self.calls)}",
            "start": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.0"),
            "end": "2015-01-01T00:00:01.0",
            "stats": stats,
        }
        return borg.Done(json.dumps({"archive": made}))


def pretend(vault: archives.Vault, fails: str = "\0") -> Pretend:
    made = Pretend({})
    object.__setattr__(made, "calls", [])
    object.__setattr__(made, "fails", fails)
    vault.borg = made
    return made


def test_every_source_goes_to_every_vault(known: config.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "reach", lambda vault: "cannot be reached: gone" if vault.name == "vault2" else "")
    vaults = archives.vaults(known)
    made = pretend(vaults[0])
    said: list[str] = []
    outcomes = run.Run(known, state.State(known.state), said.append).all(vaults, known.sources)
    assert [(one.vault, one.source, one.state) for one in outcomes] == [
        ("vault1", "ldap", "ok"),
        ("vault1", "system", "ok"),
        ("vault1", "mail-00-ff", "empty"),
        ("vault1", "made", "ok"),
        ("vault2", "ldap", "error"),
        ("vault2", "system", "error"),
    ]
    assert run.failures(outcomes) == ["vault2 lacks ldap, system: cannot be reached: gone"]
    assert [words[0] for words in made.calls] == ["init", "create", "create", "create"]
    told = json.loads((known.state / "made-vault1.json").read_text())
    assert [one["repository"] for one in told.values()] == ["system", "system"], "what the vault is told was made"
    read = state.State(known.state).read()["vaults"]
    assert read["vault1"]["sources"]["ldap"]["success"]["bytes"] == 3
    assert read["vault2"]["sources"]["ldap"]["attempt"]["error"] == "cannot be reached: gone"


def test_a_dump_that_fails_stops_no_file(known: config.Config) -> None:
    vault = archives.vaults(known, ["vault1"])[0]
    pretend(vault, fails="slapcat")
    work = run.Run(known, state.State(known.state), print)
    with ThreadPoolExecutor(1) as pool:
        assert pool  # the repositories' own pool is not needed here
        outcomes = work.repository(vault, known.sources[:2])
    assert [one.state for one in outcomes] == ["error", "ok"]
    assert run.failures(outcomes) == ["vault1 lacks ldap: Command 'slapcat' exited with status 1"]


def test_a_repository_that_this_host_had_is_not_begun_anew(known: config.Config) -> None:
    vault = archives.vaults(known, ["vault1"])[0]
    kept = state.State(known.state)
    kept.record("vault1", "ldap", {"success": {}, "attempt": {"state": "ok", "end": "2026-03-14T09:00:00Z"}})
    made = pretend(vault)
    run.Run(known, kept, print).repository(vault, known.sources[:1])
    assert [words[0] for words in made.calls] == ["create"]


def test_a_dump_is_streamed_and_a_pattern_passed_on(known: config.Config) -> None:
    dump = run.words(known.sources[0], "repo::a", "lz4")
    assert dump[-5:] == ["ldap.ldif", "--content-from-command", "repo::a", "--", "slapcat"]
    files = run.words(known.sources[1], "repo::a", "lz4")
    assert files[files.index("--exclude") + 1] == "*/x"
    assert run.database("sogo").command[-3:] == ("--format=custom", "--compress=none", "--dbname=sogo")


def test_an_unknown_source_is_refused(known: config.Config) -> None:
    assert [one.name for one in run.chosen(known, ["system"])] == ["system"]
    with pytest.raises(MallepostError, match="no source 'x'; known are ldap, system, mail-00-ff"):
        run.chosen(known, ["x"])


def test_two_runs_never_meet(tmp_path: Path) -> None:
    with state.only_one(tmp_path), pytest.raises(MallepostError, match="another run"), state.only_one(tmp_path):
        pass


class GivesBack(archives.Vault):
    """A vault that gives back what `content` says."""

    content = b""

    def extract(self, archive: archives.Archive, paths: Any, destination: Path) -> None:
        for path in paths:
            copy = destination / path.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(self.content)


def test_a_restore_that_differs_is_a_fault(known: config.Config, tmp_path: Path) -> None:
    (tmp_path / "files" / "a").write_bytes(b"as it was")
    moment = run.now().replace(year=9999)
    archive = archives.Archive(moment, "vault1", "system", "system", "system@x")
    vault = GivesBack(known, known.vaults[0])
    vault.content = b"as it was"
    assert check.compare(vault, archive, [tmp_path / "files" / "a"]) == 1
    vault.content = b"tampered!"
    with pytest.raises(MallepostError, match="came back different"):
        check.compare(vault, archive, [tmp_path / "files" / "a"])


def test_databases_that_cannot_be_listed_stop_nothing_else(known: config.Config) -> None:
    def down() -> list[config.Source]:
        raise MallepostError("the databases cannot be listed")

    having = replace(known, databases=True)
    names = [one.name for one in run.chosen(having, [], down, ["postgresql-sogo", "ldap"])]
    assert names == ["postgresql-sogo", "ldap", "system", "mail-00-ff"]
    with pytest.raises(MallepostError, match="cannot be listed"):
        run.chosen(having, [], down)


def test_what_a_restore_put_aside_is_in_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "roundcube\nsogo\nsogo_aside_20260314_091500\nsogo_restore\n"
    monkeypatch.setattr(run.postgresql, "sql", lambda _database, _text: names)
    assert [one.name for one in run.databases()] == ["postgresql-roundcube", "postgresql-sogo"]
