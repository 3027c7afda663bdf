"""`malleposte reports`: the host of mail is asked; on it, the daemon's answer in lines or as JSON."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from malleposte import cli
from malleposte.core import paths
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.fleet import remote
from malleposte.reports import ask
from malleposte.reports.summary import Source, Summary

SHOWN = Summary(
    days=7,
    reports={"dmarc": 2},
    last={"dmarc": 1_795_996_000},
    sources=(Source("192.0.2.10", "ours", "mail1", 100, 90, 90, 20, 0, 10, 2, 1_795_996_000),),
)


def test_on_the_controller_each_host_of_mail_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(_place: remote.Place, words: Sequence[str]) -> tuple[int, Any]:
        assert list(words) == ["reports", "--days", "7", "--source", "192.0.2.7", "--json"]
        return 0, {"days": 7}

    listing = {"_meta": {"hostvars": {}}, "mail": {"hosts": ["mail1"]}, "web": {"hosts": ["web1"]}}
    monkeypatch.setattr(remote, "listing", lambda _inventory: listing)
    monkeypatch.setattr(remote.Place, "answer", answer)
    assert cli.main(["reports", "--days", "7", "--source", "192.0.2.7", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"hosts": {"mail1": {"days": 7}}}


def test_on_a_host_the_daemon_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    questions = []
    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(ask, "summary", lambda days, source: questions.append((days, source)) or SHOWN)
    assert cli.main(["reports"]) == ExitCode.DONE
    assert "192.0.2.10" in capsys.readouterr().out
    assert cli.main(["reports", "--days", "7", "--source", "2001:DB8::1", "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["reports"], told["sources"][0]["kind"], told["outcomes"]) == ({"dmarc": 2}, "ours", {})
    assert questions == [(30, ""), (7, "2001:db8::1")]


def test_bad_words_are_refused_and_a_host_without_reports_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "HOSTED", True)

    def absent(_days: int, _source: str) -> Summary:
        raise MallepostError("no reports are read here")

    monkeypatch.setattr(ask, "summary", absent)
    assert cli.main(["reports", "--source", "moi"]) == ExitCode.BAD_INPUT
    assert "'moi' is no address" in capsys.readouterr().err
    assert cli.main(["reports", "--days", "0"]) == ExitCode.BAD_INPUT
    assert cli.main(["reports"]) == ExitCode.FAILURE
    assert "no reports are read here" in capsys.readouterr().err
