"""The states of services: up or down, and since when; two looks before a fault; an old file says nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import manifest
from malleposte.front import states
from malleposte.front.states import State, Target, Walk

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
MAIL = Target("dovecot", "imaps", "mail.test", 993)
WEB = Target("roundcube", "https", "webmail.test")


def looked(*down: str, at: datetime = NOW, before: Walk | None = None) -> Walk:
    return states.walk([MAIL, WEB], before, lambda one: one.service not in down, lambda: at)


def test_each_service_is_told_apart() -> None:
    assert looked("dovecot").states == {
        "dovecot": State(False, "2026-11-26T08:00:00+00:00"),
        "roundcube": State(True, "2026-11-26T08:00:00+00:00"),
    }


def test_since_when_is_kept_until_it_changes() -> None:
    first = looked("dovecot")
    second = looked("dovecot", at=NOW + timedelta(minutes=1), before=first)
    assert second.states == first.states
    third = looked(at=NOW + timedelta(minutes=2), before=second)
    assert third.states["dovecot"] == State(True, "2026-11-26T08:02:00+00:00")
    assert third.states["roundcube"] == first.states["roundcube"]


def test_one_look_that_fails_is_no_fault() -> None:
    looks = iter([False, True])
    assert states.walk([MAIL], None, lambda _one: next(looks), lambda: NOW).states["dovecot"].up
    looks = iter([False, False])
    assert not states.walk([MAIL], None, lambda _one: next(looks), lambda: NOW).states["dovecot"].up


def test_the_file_is_read_back_and_grows_old(tmp_path: Path) -> None:
    path, made = tmp_path / "states.json", looked("dovecot")
    states.write(path, made)
    found = states.read(path)
    assert found == made
    assert path.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["states.json"]
    assert made.current(NOW + timedelta(minutes=4)) == made.states
    assert made.current(NOW + timedelta(minutes=5)) == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"at": 1, "states": {}}', '{"at": "x", "states": {"a": 1}}'])
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "states.json").write_text(content)
    assert states.read(tmp_path / "states.json") is None
    assert states.read(tmp_path / "none.json") is None


def test_what_to_look_at_is_a_list(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('[{"service": "dovecot", "kind": "imaps", "host": "mail.test", "port": 993}]')
    assert states.targets(tmp_path / "list.json") == [MAIL]


def test_the_list_is_that_of_the_manifest(tmp_path: Path) -> None:
    status = {"title": {"fr": "Lecture", "en": "Reading"}, "kind": "imaps", "host": "mail", "port": 993}
    made = manifest.states({"dovecot": {"group": "mail", "status": status}}, {"mail": ["m1"]}, {"mail": "mail.test"})
    (tmp_path / "list.json").write_text(json.dumps(made))
    assert states.targets(tmp_path / "list.json") == [MAIL]


def test_a_list_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('[{"service": "dovecot", "shoe": 1}]')
    with pytest.raises(TypeError):
        states.targets(tmp_path / "list.json")


@pytest.mark.parametrize("kind", ["https", "imaps", "smtps"])
def test_a_host_that_does_not_answer_is_down(kind: str) -> None:
    assert not states.answers(Target("one", kind, "127.0.0.1", 1))
