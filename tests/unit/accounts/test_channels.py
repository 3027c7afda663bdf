"""The channel of the log-in page, and its turn among the others. What they do: tests/stack."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any, cast

import pytest
from malleposte.accounts.channels import close_all, portal, sogo, sso
from malleposte.accounts.channels.dovecot import Dovecot
from malleposte.accounts.hosts.acts import contents
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.life.rules import LifeRules
from malleposte.adapters import lemonldap
from malleposte.adapters.sogo import memcached
from malleposte.adapters.valkey import Unavailable
from malleposte.core.errors import InputError, MallepostError
from malleposte_portal.log_in.sessions import Sessions

from tests.support.directory import MemoryDirectory


def test_the_log_ins_of_one_agent_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def end(uid: str, tell: Any) -> lemonldap.Ended:
        ended.append(uid)
        return lemonldap.Ended(1, tell(()) if tell else ())

    monkeypatch.setattr("malleposte.adapters.lemonldap.end", end)
    sso.Sso().forget("mdupond")
    assert ended == []
    sso.Sso().close("mdupond")
    assert ended == ["mdupond"]
    with pytest.raises(InputError):
        sso.Sso().close("x _session_kind=SSO")
    assert ended == ["mdupond"]
    with pytest.raises(MallepostError, match="portal gave no answer"):
        sso.Sso(lambda _services: ("portal",)).close("mdupond")


def test_a_fault_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(uid: str, tell: Any) -> lemonldap.Ended:
        raise MallepostError(f"{uid}: away")

    monkeypatch.setattr("malleposte.adapters.lemonldap.end", away)
    assert [str(one) for one in close_all([sso.Sso()], "mdupond")] == ["sso: mdupond: away"]


def test_a_purge_removes_second_factors_where_the_log_in_page_is(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []

    def forget(uid: str) -> bool:
        if uid == "away":
            raise MallepostError("no answer")
        forgotten.append(uid)
        return True

    monkeypatch.setattr("malleposte.adapters.lemonldap.forget", forget)
    assert contents.empty(LocalHost(LifeRules(channels=("dovecot",))), "mdupond").stores == []
    assert forgotten == []
    page = LocalHost(LifeRules(channels=("sso",)), name="pia1")
    assert contents.empty(page, "mdupond").stores == ["second factors"]
    assert forgotten == ["mdupond"]
    assert contents.empty(page, "away").failures == ["second factors: no answer"]


@pytest.mark.parametrize("device", ["", "abcdefgh"], ids=["all", "one-device"])
@pytest.mark.parametrize("away", [False, True], ids=["there", "away"])
def test_what_dovecot_has_proved_ends_in_submission_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, away: bool
) -> None:
    ended: list[str] = []

    def kick(uid: str, **named: Any) -> None:
        ended.append(f"kick {uid} {named['device']}")
        if away:
            raise MallepostError("doveadm: away")

    monkeypatch.setattr("malleposte.adapters.dovecot.forget", lambda names, **_named: ended.append("forget"))
    monkeypatch.setattr("malleposte.adapters.dovecot.kick", kick)
    monkeypatch.setattr("malleposte.throttle.record.ask.end", lambda uid, path: ended.append(f"end {uid} {path.name}"))
    channel = Dovecot(lambda _uid: (), tmp_path / "asked")
    with pytest.raises(MallepostError, match="away") if away else contextlib.nullcontext():
        channel.cut("mdupond", device) if device else channel.close("mdupond")
    assert ended == ["forget", f"kick mdupond {device}", "end mdupond asked"]


def test_the_log_in_page_is_closed_before_what_would_ask_it_anew() -> None:
    mail = LocalHost(LifeRules(channels=("dovecot", "sogo")), name="mail1")
    page = LocalHost(LifeRules(channels=("sso",)), name="pia1")
    assert [one.name for one in Hosts(MemoryDirectory("dc=test"), [mail, page]).channels()] == [
        "sso",
        "dovecot",
        "sogo",
    ]
    both = LocalHost(LifeRules(channels=("dovecot", "sso")))
    assert [one.name for one in Hosts(MemoryDirectory("dc=test"), [both]).channels()] == ["sso", "dovecot"]


def test_the_sessions_of_one_agent_at_sogo_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names of their files: no other agent's, and none that only begins alike."""
    forgotten: list[str] = []
    monkeypatch.setattr(memcached, "delete", lambda path, keys: forgotten.extend(keys))
    digest = "0a" * 32
    names = [f"mdupond.{digest}", f"mdupond.{'1b' * 32}", f"mdupond.x.{digest}", f"mdupond2.{digest}", "mdupond.x"]
    for name in names:
        (tmp_path / name).touch()
    channel = sogo.Sogo(lambda uid: [f"{uid}@ac-exemple.test"], Path("/nowhere"), tmp_path)
    channel.forget("mdupond")
    assert len(list(tmp_path.iterdir())) == len(names), "sessions go on"
    channel.close("mdupond")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(names[2:])
    assert "mdupond" in forgotten and "mdupond@ac-exemple.test+attributes" in forgotten
    with pytest.raises(InputError):
        channel.close("../x")


class Store:
    """A Valkey that a test reads."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.way: tuple[str, ...] = ()

    def __call__(self, *way: str) -> Store:
        self.way = way
        return self

    def keep(self, key: str, value: str, seconds: int) -> None:
        if self.way[2] != "right":
            raise Unavailable("Valkey: refused")
        self.held[key] = f"{value} {seconds}"

    def get(self, name: str) -> str | None:
        return self.held[name].partition(" ")[0] if name in self.held else None

    def close(self) -> None:
        self.way = ()


def settings(folder: Path, password: str = "right") -> Path:
    path = folder / "portal-sign-on.json"
    held = {"socket": "/run/valkey-portal/valkey.sock", "username": "portal", "password": password}
    path.write_text(json.dumps({"valkey": held, "hours": 10}))
    return path


def test_the_portal_reads_what_ends_its_log_ins(tmp_path: Path) -> None:
    store = Store()
    before = time.time()
    portal.Portal(settings(tmp_path), store).close("mdupond")
    (kept,) = store.held.values()
    assert kept.endswith(" 36000")
    sessions = Sessions(cast("Any", store), ValueError)
    assert before <= sessions.ended("mdupond") <= time.time()
    assert sessions.ended("autre") == 0


def test_a_portal_whose_store_is_away_is_named(tmp_path: Path) -> None:
    failures = close_all([portal.Portal(settings(tmp_path, "faux"), Store())], "mdupond")
    assert [str(one) for one in failures] == ["portal: Valkey: refused; is valkey-server@portal running?"]
    (failure,) = close_all([portal.Portal(tmp_path / "none.json", Store())], "mdupond")
    assert "none.json" in str(failure)


def test_the_portal_s_log_ins_have_a_channel_where_the_log_in_page_is_not_ours() -> None:
    there = LocalHost(LifeRules(channels=("portal",)), name="pia1")
    assert [one.name for one in Hosts(MemoryDirectory("dc=test"), [there]).channels()] == ["portal"]
    assert contents.empty(there, "mdupond").stores == [], "it keeps no factor"
