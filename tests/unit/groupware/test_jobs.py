"""Common parts of the jobs of SOGo's user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from malleposte.directory.query import Present, Query, Values
from malleposte.groupware import jobs as groupware
from malleposte.programs import sogo_boxes, sogo_calendars, sogo_rooms

WORDS = ("dc=test", "cn=sogo,dc=test", "ldapi:///", "sogo", "/run/memcached.sock", "convergence,autre,")


def test_the_words_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/job")
    ways = groupware.ways(WORDS)
    assert ways is not None
    assert (ways.base, ways.profiles) == ("dc=test", ("convergence", "autre"))


@pytest.mark.parametrize("program", [sogo_boxes, sogo_calendars, sogo_rooms])
def test_other_words_are_refused(program: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(WORDS[:5]) == 2  # type: ignore[attr-defined]
    assert groupware.USAGE in capsys.readouterr().err


def test_agents_are_those_whose_class_has_sogo() -> None:
    asked: list[tuple[str, Sequence[str]]] = []

    def search(query: Query, attributes: Sequence[str]) -> Iterable[Values]:
        asked.append((query.render(), attributes))
        return [{"uid": ["anne"], "mpEstablishment": ["9990001X"]}, {"uid": ["no uid!"]}, {"cn": ["nobody"]}]

    assert groupware.agents(search, ["a", "b"], "mpEstablishment") == {
        "anne": {"uid": ["anne"], "mpEstablishment": ["9990001X"]}
    }
    assert list(groupware.agents(search, [])) == ["anne"]
    groupware.agents(search, ["a"], "mpOpens", who=Present("mpOpens"))
    assert asked == [
        ("(&(objectClass=mpAgent)(|(mpProfile=a)(mpProfile=b)))", ("uid", "mpEstablishment")),
        ("(&(objectClass=mpAgent))", ("uid",)),
        ("(&(objectClass=mpAgent)(|(mpProfile=a))(mpOpens=*))", ("uid", "mpOpens")),
    ]
