"""The table of acts on hosts, beside its kept copy: none vanishes or appears unseen."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts import acts as declared
from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.hostd import Hostd
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.methods import ForRoot
from malleposte.accounts.hosts.table import ACTS, EVERY_HOST, Act, act, all_answer, only
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.traces.model import Trace
from malleposte.adapters import lemonldap
from malleposte.adapters.lemonldap import Session
from malleposte.core.errors import InputError
from malleposte.reports import ask as reports_of
from malleposte.reports.summary import Summary

KEPT = Path(__file__).parent / "acts.txt"


def test_the_acts_are_those_of_the_kept_copy() -> None:
    lines = "".join(f"{one}\n" for _name, one in sorted(ACTS.items()))
    assert lines == KEPT.read_text("utf-8"), f"a change that is meant goes into {KEPT.name} too"


def test_accountd_has_a_method_for_each_act_that_it_may_ask_for_and_root_for_each() -> None:
    def methods(owner: type) -> set[str]:
        return {one.name for name in dir(owner) if isinstance(one := getattr(owner, name), Act)}

    own = {name for name in ("close", "forget") if callable(getattr(Hostd, name))}
    assert methods(Hostd) | own == {name for name, one in ACTS.items() if one.accountd}
    assert methods(ForRoot) | own == set(ACTS)


def test_the_answer_of_all_hosts_has_its_type_by_the_merge() -> None:
    assert declared.traces.traces.merged == tuple[list[Trace], list[Failure]]
    assert declared.mailbox.carry.merged is str
    assert declared.log_ins.end_log_in.merged == tuple[str, ...] | None
    assert declared.upkeep.ping.merged is type(None)
    assert declared.contents.files.streams and not declared.contents.empty.streams


def test_two_acts_of_one_name_are_refused() -> None:
    def ping(_host: Any) -> None:
        """As the one that exists."""

    with pytest.raises(ValueError, match="two acts ping"):
        act(on=EVERY_HOST, merge=all_answer)(ping)
    assert ACTS["ping"] is declared.upkeep.ping and ACTS["carry"].merge is only


def test_the_key_that_opens_a_log_in_leaves_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
    sessions = [Session("d1gest", "192.0.2.7", since, 2, key="0p3n")]
    monkeypatch.setattr(lemonldap, "sessions", lambda _uid: sessions)
    answer = declared.log_ins.log_ins(LocalHost(LifeRules(channels=("sso",))), "mdupond")
    assert answer == sessions and b"0p3n" not in wire.encoded(answer)
    assert b"0p3n" in wire.encoded(sessions), "it would go with the rest"


def test_a_host_that_reads_no_reports_has_none_and_another_says_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(reports_of, "summary", lambda *words: asked.append(words) or Summary(7))
    host = LocalHost(LifeRules(), reports_socket=tmp_path / "asked.sock")
    assert declared.reports.reports(host, 7) == []
    (tmp_path / "asked.sock").touch()
    assert declared.reports.reports(host, 7, "192.0.2.7") == [Summary(7)]
    assert asked == [(7, "192.0.2.7", tmp_path / "asked.sock")]
    read = declared.reports.reports.read
    assert read(b'{"days": 7, "source": "2001:db8::1"}') == {"days": 7, "source": "2001:db8::1"}
    for wrong in (b'{"days": 0}', b'{"days": 9999}', b'{"days": 7, "source": "x; y"}', b"{}"):
        with pytest.raises(InputError):
            read(wrong)
