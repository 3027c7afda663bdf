"""Sessions of many accounts that end at once."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.channels import MANY, Failure, close_many, roundcube
from malleposte.accounts.channels.dovecot import Dovecot
from malleposte.accounts.channels.sogo import Sogo
from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.every import HostChannels
from malleposte.adapters import dovecot, lemonldap
from malleposte.adapters.sogo import memcached
from malleposte.core.errors import InputError, MallepostError

from tests.support.hosts import FakeChannel


def test_they_go_in_turns_and_the_progress_is_told() -> None:
    channel, told = FakeChannel(), list[int]()
    uids = [f"a{number}" for number in range(MANY + 3)]
    assert close_many([channel], uids, told.append) == []
    assert (channel.closed, told) == (uids, [MANY, 3])


def test_a_channel_that_fails_is_named_once_and_not_waited_for_again() -> None:
    away, well = FakeChannel("no route to host"), FakeChannel()
    away.name = "mail2"
    uids = [f"a{number}" for number in range(3 * MANY)]
    assert close_many([away, well], uids) == [Failure("mail2", "no route to host")]
    assert (len(away.closed), len(well.closed)) == (MANY, 3 * MANY)


def test_the_names_of_many_fit_requests_to_another_host() -> None:
    asked: list[dict[str, tuple[str, ...]]] = []

    class Host:
        name = "mail2"

        def ask(self, _act: object, accounts: dict[str, tuple[str, ...]]) -> list[Failure]:
            asked.append(accounts)
            return []

    names = {f"a{number}": tuple(f"{'x' * 200}{number}@{part}.test" for part in range(20)) for number in range(MANY)}
    host: Any = Host()
    HostChannels(host, lambda uid: names[uid]).close_many(list(names))
    assert len(asked) > 10 and {uid: own for part in asked for uid, own in part.items()} == names
    assert all(len(json.dumps(part)) < wire.LONGEST for part in asked)


def test_no_strange_name_goes_anywhere() -> None:
    channel = FakeChannel()
    with pytest.raises(InputError):
        close_many([channel], ["mdupond", "x'; DROP TABLE session; --"])
    assert channel.closed == []


class Page:
    """The log-in page's program: its sessions, and those that it does not delete."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = {str(row["_session_id"]): row for row in rows}
        self.calls: list[str] = []
        self.stuck: set[str] = set()

    def __call__(self, words: Sequence[str]) -> str:
        self.calls.append(words[0])
        if words[0] == "delete":
            for key in set(words[1:]) - self.stuck:
                self.rows.pop(key, None)
            return ""
        assert words[1:3] == ["--where", "_session_kind=SSO"]
        return json.dumps(list(self.rows.values()))


@pytest.fixture
def page() -> Page:
    return Page(
        {"_session_id": "k1", "_whatToTrace": "anne"},
        {"_session_id": "k2", "_whatToTrace": "anne"},
        {"_session_id": "k3", "_whatToTrace": "bruno"},
        {"_session_id": "t1", "_session_uid": "anne", "_connectedSince": "1"},
        {"_session_id": "t2", "_session_uid": "bruno", "_connectedSince": "1"},
        {"_session_id": "odd"},
    )


def test_log_ins_and_trusted_browsers_end_by_one_look_and_those_of_others_stay(page: Page) -> None:
    lemonldap.end_many(["anne", "carla"], page)
    assert set(page.rows) == {"k3", "t2", "odd"}
    assert page.calls == ["search", "delete", "search"]
    page.calls.clear()
    lemonldap.end_many(["carla"], page)
    assert page.calls == ["search"], "nothing is deleted, nothing looked at again"


def test_a_log_in_that_stays_open_is_said(page: Page) -> None:
    page.stuck = {"k2"}
    with pytest.raises(MallepostError, match="1 log-ins are still open"):
        lemonldap.end_many(["anne"], page)


def test_dovecot_ends_the_sessions_of_those_who_have_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    class Done:
        stderr = ""
        stdout = "username\tservice\tpid\nanne\timap\t7\nbruno\timap\t8\n"

    def doveadm(*words: str, **_more: Any) -> Any:
        asked.append(words)
        return Done

    monkeypatch.setattr(dovecot, "doveadm", doveadm)
    monkeypatch.setattr(dovecot, "kick", lambda uid, **_more: asked.append(("kick", uid)))
    Dovecot(lambda uid: [f"{uid}@x.test"], tmp_path / "none").close_many(["anne", "carla"])
    assert asked == [
        ("auth", "cache", "flush", "anne", "anne@x.test", "carla", "carla@x.test"),
        ("-f", "tab", "who", "-1"),
        ("kick", "anne"),
    ]


def test_sogo_loses_their_sessions_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forgotten: list[str] = []
    monkeypatch.setattr(memcached, "delete", lambda _path, keys: forgotten.extend(keys))
    for name in ("anne", "anne.b", "bruno"):
        (tmp_path / f"{name}.{'0' * 64}").touch()
    Sogo(lambda _uid: [], tmp_path / "socket", tmp_path).close_many(["anne", "carla"])
    assert sorted(path.name.partition(".0")[0] for path in tmp_path.iterdir()) == ["anne.b", "bruno"]
    assert "anne+settings" in forgotten and "bruno+settings" not in forgotten


def test_roundcube_s_sessions_are_found_by_any_mark_in_them() -> None:
    text = roundcube.statement("anne", "bruno")
    assert "'username|s:4:\"anne\";'" in text and "'username|s:5:\"bruno\";'" in text
    with pytest.raises(InputError):
        roundcube.statement("anne", "a' OR 'a")
