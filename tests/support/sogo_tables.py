"""SOGo's tables, as far as statements go of jobs giving agents a folder of another's: rights, subscriptions, offers."""

import hashlib
import json
import plistlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from malleposte.adapters.sogo.rights import ANYBODY, NOTHING
from malleposte.core.errors import MallepostError


def lists(text: str) -> list[Any]:
    """The lists that stand in a statement as JSON."""
    return [json.loads(one.replace("''", "'")) for one in re.findall(r"[(]'(\[(?:[^']|'')*\])'[)]", text)]


def number(text: str) -> int:
    """The number of the folder that a statement names."""
    return int(re.findall(r"c_folder_id = (\d+)", text)[-1])


class Tables:
    """Rights by number of a folder, settings of agents, offers; what was written, what memcached was told.

    `fails` cuts off at a statement that holds it, or at the tool (`put`). Who inherits says what more statements do, by
    a mark (`marks`), and what the tool does with a folder of a file (`made`).
    """

    module = "Calendar"

    def __init__(self, table: str) -> None:
        """`table`: that of the job's offers."""
        self.table = table
        self.rights: dict[int, set[tuple[str, str]]] = {}
        self.settings: dict[str, str] = {}
        self.offered: dict[tuple[str, str], dict[str, Any]] = {}
        self.forgot: list[str] = []
        self.wrote: list[str] = []
        self.deaf, self.fails = False, ""
        self.marks: dict[str, Callable[[str], Iterable[Any] | None]] = {
            "CREATE TABLE": lambda _text: (),
            f"colour, since FROM {table}": lambda _text: (
                {"ident": ident, "uid": uid, **row} for (ident, uid), row in self.offered.items()
            ),
            "LEFT JOIN sogo_user_profile": lambda text: (
                {"uid": uid, "text": self.settings.get(uid), "there": uid in self.settings} for uid in lists(text)[0]
            ),
            "WITH told": self._write,
            "INSERT INTO sogo_acl": self._grant,
            "c_folder_id AS id, c_uid AS uid": lambda text: (
                {"id": one, "uid": uid, "role": role} for one in lists(text)[0] for uid, role in self.rights[one]
            ),
        }  # fmt: skip

    def put(self, uid: str, content: bytes) -> None:
        """SOGo's tool."""
        if self.fails == "put":
            raise MallepostError("cut off")
        self.wrote.append("put")
        for path, table in plistlib.loads(content)["tables"].items():
            if not self.deaf:
                given = {(who, role) for who, roles in table["acl"].items() for role in roles}
                self.rights[self.made(uid, path, table)] = given

    def made(self, uid: str, path: str, table: dict[str, Any]) -> int:
        """Keep a folder of the tool's file; its number."""
        raise NotImplementedError

    def forget(self, keys: Iterable[str]) -> None:
        """Remember what memcached was told."""
        self.forgot += keys

    def sql(self, text: str) -> str:
        """Return the words that a statement prints."""
        if self.fails and self.fails in text:
            raise MallepostError("cut off")
        act = next(act for mark, act in self.marks.items() if mark in text)
        return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in act(text) or ())

    def _grant(self, text: str) -> None:
        self.wrote.append("rights")
        wrong, right = lists(text)
        kept = {pair for pair in self.rights[number(text)] if pair[0] not in wrong}
        new = {(one["uid"], one["role"]) for one in right}
        assert not new & kept, "there already"
        self.rights[number(text)] = kept | new

    def _write(self, text: str) -> list[str]:
        self.wrote.append("settings")
        done = []
        for one in lists(text)[0]:
            held = self.settings.get(one["uid"])
            digest = None if held is None else hashlib.sha256(held.encode()).hexdigest()
            if one["after"] is None or digest == one["before"]:
                done.append(one["uid"])
                self.settings |= {} if one["after"] is None else {one["uid"]: one["after"]}
        if f"DELETE FROM {self.table}" in text:
            ident = re.findall(r"m.ident = '(.*?)'", text)[0]
            for uid in done:
                self.offered.pop((ident, uid), None)
        else:
            ((ident, colour, since),) = re.findall(r"SELECT '(.*?)', c_uid, '(.*?)', (\d+)", text)
            for uid in done:
                self.offered.setdefault((ident, uid), {"since": int(since)})["colour"] = colour
        return done

    def seen(self, uid: str) -> list[str]:
        """Return the subscriptions of an agent."""
        return list(json.loads(self.settings.get(uid, "{}")).get(self.module, {}).get("SubscribedFolders", []))


class Agendas(Tables):
    """The agendas (or address books) of owners who are no agents, one each, which the tool makes closed."""

    def __init__(self, table: str = "", module: str = "Calendar") -> None:
        """See Tables."""
        super().__init__(table)
        self.module = module
        self.folders: dict[str, int] = {}
        self.marks["FROM sogo_folder_info"] = lambda text: (
            {"id": self.folders[uid], "owner": uid, "name": "personal", "module": self.module, "title": "Agenda"}
            for uid in lists(text)[0]
            if uid in self.folders and f"c_path3 = '{self.module}'" in text
        )

    def made(self, uid: str, path: str, table: dict[str, Any]) -> int:
        """See Tables."""
        assert path == f"/Users/{uid}/{self.module}/personal"
        assert table["acl"] == {ANYBODY: [NOTHING]}, "anybody may look or book"
        return self.folders.setdefault(uid, len(self.folders) + 1)

    def _grant(self, text: str) -> None:
        owner = next(uid for uid, one in self.folders.items() if one == number(text))
        assert f"'/{owner}/{self.module}/personal'" in text
        super()._grant(text)

    def of(self, uid: str) -> set[tuple[str, str]]:
        """Return the rights on the agenda of an owner."""
        return self.rights[self.folders[uid]]


def shared(owner: str, friend: str) -> str:
    """Return the statement by which SOGo lets another agent read somebody's own agenda."""
    return (
        "INSERT INTO sogo_acl (c_folder_id, c_object, c_uid, c_role)"
        f" SELECT c_folder_id, '/{owner}/Calendar/personal', '{friend}', 'PublicViewer' FROM sogo_folder_info"
        f" WHERE c_path2 = '{owner}' AND c_path3 = 'Calendar' AND c_path4 = 'personal';"
    )
