"""The channel of the log-in page, and its turn among the others. What they do: tests/stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.accounts.channels import close_all, sogo, sso
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.life.rules import LifeRules
from malleposte.directory.memory import MemoryDirectory
from malleposte.errors import InputError, MallepostError


def test_the_log_ins_of_one_agent_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr("malleposte.adapters.lemonldap.end", ended.append)
    sso.Sso().forget("mdupond")
    assert ended == []
    sso.Sso().close("mdupond")
    assert ended == ["mdupond"]
    with pytest.raises(InputError):
        sso.Sso().close("x _session_kind=SSO")
    assert ended == ["mdupond"]


def test_a_fault_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(uid: str) -> int:
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
    assert LocalHost(LifeRules(channels=("dovecot",))).empty("mdupond").stores == []
    assert forgotten == []
    page = LocalHost(LifeRules(channels=("sso",)), name="pia1")
    assert page.empty("mdupond").stores == ["second factors"]
    assert forgotten == ["mdupond"]
    assert page.empty("away").failures == ["second factors: no answer"]


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
    monkeypatch.setattr(sogo, "delete", lambda path, keys: forgotten.extend(keys))
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
