"""The probe's paths of the backups: the meaning of a host's state, and its use by `up`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from malleposte.backup.archive.state import State
from malleposte.core.errors import InputError, MallepostError
from malleposte.fleet.remote import Place
from malleposte.platform.times import local
from malleposte.probe import backups
from malleposte.probe import run as probing
from malleposte.probe.model import Result, Status

NOW = datetime(2026, 3, 14, 9, tzinfo=UTC)


def ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


def vault(archive: float, check: float | None = None, ok: bool = True, since: float = 1, error: str = "") -> Any:
    attempt = {"start": ago(1), "end": ago(1), "state": "error" if error else "ok", "error": error}
    known: dict[str, Any] = {
        "since": ago(since),
        "sources": {
            "ldap": {"success": {"start": ago(archive)}, "attempt": attempt},
            "system": {"success": {"start": ago(1)}, "attempt": attempt},
            "mail-00-0f": {"attempt": {**attempt, "state": "empty", "error": ""}},
        },
    }
    return {**known, "checked": {"end": ago(check), "ok": ok}} if check is not None else known


@pytest.mark.parametrize(
    ("known", "fault"),
    [
        (vault(29, check=24), ""),
        (vault(29), ""),
        (vault(31, check=24), "ldap: last archive 31 h old (limit 30)"),
        (vault(31, error="no space"), "ldap: last archive 31 h old (limit 30); no space"),
        (vault(1, error="no space"), ""),
        (vault(1, check=9 * 24), "last check 9 days old (limit 8)"),
        (vault(1, since=9 * 24), "never checked, first archive 9 days old (limit 8)"),
        (vault(1, check=1, ok=False), f"its check of {local('2026-03-14T08:00Z')} found faults"),
        ({}, "no archive yet; type: malleposte backup run"),
        ({"sources": {"ldap": {"attempt": {"state": "error", "error": "down"}}}}, "ldap never archived: down"),
    ],
)
def test_what_a_host_s_state_means(known: dict[str, Any], fault: str) -> None:
    assert "; ".join(backups.judge(known, backups.Limits(), NOW).faults) == fault


def test_of_many_sources_a_few_are_named() -> None:
    attempt = {"attempt": {"state": "error", "error": "down"}}
    known = {"sources": {f"mail-{number}": attempt for number in range(5)}}
    assert backups.judge(known, backups.Limits(), NOW).faults == (
        "mail-0, mail-1, mail-2 and 2 more never archived: down",
    )


def test_a_time_without_a_zone_is_utc() -> None:
    assert backups.hours("2026-03-14T08:00:00.000000", NOW) == backups.hours("2026-03-14T08:00:00Z", NOW) == 1


def test_one_host_without_an_answer_is_a_fault_of_every_vault() -> None:
    good = {"vaults": {"vault1": vault(3)}}
    told = backups.result("vault1", {"mail1": good, "pia1": good}, backups.Limits(), NOW, 7)
    assert told == Result("backup-vault1", Status.OK, 7, "2 hosts, 4 archives, the oldest 3 h old")
    told = backups.result("vault1", {"mail1": good, "pia1": "pia1 cannot be reached"}, backups.Limits(), NOW, 7)
    assert (told.status, told.detail) == (Status.FAILED, "pia1 cannot be reached")
    told = backups.result("vault2", {"mail1": good}, backups.Limits(), NOW, 7)
    assert told.detail == "mail1: no archive yet; type: malleposte backup run"


def test_a_platform_without_vaults_has_no_such_path(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"malleposte": {"hosts": ["mail1"]}}
    monkeypatch.setattr(backups.remote, "listing", lambda _: listed)
    assert list(backups.walk(Path("x"))) == []
    with pytest.raises(InputError, match="none: there is no vault"):
        list(probing.walk(Path("x"), ["backup-vault1"]))


def test_the_hosts_that_are_no_vaults_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"malleposte": {"hosts": ["mail1"], "children": ["vault"]}, "vault": {"hosts": ["v1.site", "v2"]}}
    asked = []

    def answer(place: Place, words: list[str]) -> tuple[int, Any]:
        asked.append((place.name, *words))
        if place.name != "mail1":
            raise MallepostError("no")
        return 0, {"vaults": {}}

    monkeypatch.setattr(backups.remote, "listing", lambda _: listed)
    monkeypatch.setattr(Place, "answer", answer)
    assert [one.name for one in backups.walk(Path("x"))] == ["backup-v1", "backup-v2"]
    assert [one.name for one in probing.walk(Path("x"), ["backup-v2"])] == ["backup-v2"]
    assert set(asked) == {("mail1", "backup", "list", "--json")}
    with pytest.raises(InputError, match="no path 'backup-v3'"):
        list(backups.walk(Path("x"), ["backup-v3"]))


def test_the_state_forgets_what_the_host_has_no_more(tmp_path: Path) -> None:
    state = State(tmp_path)
    for name, end in (("postgresql-old", "2026-03-01T00:00:00Z"), ("ldap", "2026-03-02T00:00:00Z")):
        state.record("vault1", name, {"attempt": {"state": "ok", "end": end}})
    state.keep(["vault1", "vault2"], ["ldap"])
    known = state.read()["vaults"]
    assert list(known["vault1"]["sources"]) == ["ldap"]
    assert known["vault1"]["since"] == "2026-03-01T00:00:00Z"
    assert "vault2" not in known
