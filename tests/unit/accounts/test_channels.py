"""The channel of the log-in page, and its turn among the others. What they do: tests/stack."""

from __future__ import annotations

import pytest
from malleposte.accounts.channels import close_all, sso
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
