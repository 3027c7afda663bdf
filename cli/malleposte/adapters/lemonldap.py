"""LemonLDAP::NG on its host: sessions and second factors of an agent.

Those of one agent are read from its store, since the portal shows them on a page and a start of the provider's own
program takes a fifth of a second of processor. That program deletes, and looks at all agents, as its own user.

What an operator changes is told to accountd through the daemon of the log-in page, so that the journal of accounts has
it and the agent is told.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import itertools
import json
import re
import socket
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.adapters import log_outs
from malleposte.adapters.log_outs import CONFIGURATION
from malleposte.adapters.valkey import Unavailable, Valkey
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform import identity

PROGRAM = "/usr/share/lemonldap-ng/bin/lemonldap-ng-sessions"
SETTINGS = CONFIGURATION.with_name("lemonldap-ng.ini")
AS_ITS_USER = (
    "runuser", "-u", "lemonldap", "-g", "lemonldap", "-G", "valkey", "--", "env", f"LLNG_DEFAULTCONFFILE={SETTINGS}",
)  # fmt: skip
SOCKET = Path("/run/sso-prove.sock")
PATIENCE = 60.0  # seconds
DELETED = 100
"""Sessions that one call of the program deletes."""
HERE = "127.0.0.1"
"""The address under which an operator's acts are told: they are made on the host itself."""
ENTERED = ("_entered", "_oidcConnectedRP")
"""Fields that only a finished log-in has in the store: the mark of the log-in page, or a service that it opened."""
_IDENT = re.compile(r"[0-9A-Za-z+/][0-9A-Za-z+/=]{0,255}")
PERSISTENT = "Persistent"
"""The kind of session that keeps the second factors of an agent between log-ins."""
type Run = Callable[[Sequence[str]], str]
INDEXES = ("_whatToTrace", "_session_uid")
"""The fields that name an agent in the store: of a log-in; of a trusted browser, a token, second factors."""
type Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Sessions as they lie in the store, by the field that names the agent there."""
type Look = Callable[[str], Rows]
"""Reads those of an agent."""
ABSENT = (
    "this host has no log-in page of the platform's",
    "with malleposte_sso, the academy's own provider shows its log-ins and factors",
)


@dataclass(frozen=True)
class Factor:
    """A second factor. `kind` is `totp` or `webauthn`, `made` when it was enrolled."""

    ident: str
    kind: str
    name: str
    made: datetime.datetime | None

    def as_dict(self) -> dict[str, str]:
        """As programs are told of it."""
        return {"id": self.ident, "kind": self.kind, "name": self.name, "made": _text(self.made)}


@dataclass(frozen=True)
class Session:
    """A log-in that is open, or (`trusted`) a browser that is asked for no code `until` then.

    `ident` is a digest, `key` the provider's own identifier, which would open it; `level` is the provider's. One that
    is not `whole` waits for its second factor: the password was right, and it opens nothing. `digest` is that of the
    cookie by which the page knows the browser again, empty without one.
    """

    ident: str
    address: str
    since: datetime.datetime | None
    level: int
    trusted: bool = False
    until: datetime.datetime | None = None
    browser: str = ""
    key: str = field(default="", repr=False, compare=False)
    whole: bool = field(default=True, compare=False)
    digest: str = field(default="", repr=False)

    def as_dict(self) -> dict[str, Any]:
        """As programs are told of it: without the provider's own identifier."""
        return {
            "id": self.ident, "address": self.address, "since": _text(self.since), "level": self.level,
            "trusted_browser": self.trusted, "until": _text(self.until), "browser": self.browser,
        }  # fmt: skip


def program(words: Sequence[str]) -> str:
    """The output of the provider's own program. Raises MallepostError."""
    if not CONFIGURATION.exists():
        raise MallepostError(*ABSENT)
    argv = [*AS_ITS_USER, PROGRAM, *words]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MallepostError(f"the log-in page's program gives no answer ({type(error).__name__})") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise MallepostError(f"the log-in page's program failed: {last[:200]}", "is valkey-server@sso running?")
    return done.stdout


def stored(uid: str) -> Rows:
    """The sessions of all kinds that the store has of an agent, as the provider's program prints them.

    An index is a set of identifiers, and a session is JSON (Apache::Session::Browseable::Redis). Raises InputError on
    what is no uid, MallepostError.
    """
    keys = {index: f"{index}_{_checked_uid(uid)}" for index in INDEXES}
    store = _store()
    try:
        values = {index: store.named(key).values() for index, key in keys.items()}
    except Unavailable as error:
        raise MallepostError(f"{uid}: no log-in can be read ({error})", "is valkey-server@sso running?") from error
    finally:
        store.close()
    return {index: [one for one in map(_session_of, several) if one] for index, several in values.items()}


def _session_of(value: bytes) -> dict[str, Any]:
    """Return a session; empty for a broken one, which opens nothing."""
    try:
        document = json.loads(value)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _store() -> Valkey:
    try:
        options = json.loads(CONFIGURATION.read_text("utf-8"))["globalStorageOptions"]
        return Valkey(f"unix://{options['sock']}", options["username"], options["password"], PATIENCE)
    except FileNotFoundError as error:
        raise MallepostError(*ABSENT) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MallepostError(f"{CONFIGURATION}: {error or type(error).__name__}", "deploy this host again") from error


def factors(uid: str, look: Look = stored) -> list[Factor]:
    """The second factors of an agent. Raises InputError on what is no uid, MallepostError."""
    devices = [_read(str(one.get("_2fDevices") or "")) for one in _persistent(uid, look)]
    return [
        Factor(_ident(one), str(one.get("type", "")).lower(), str(one.get("name", "")), _moment(one.get("epoch")))
        for several in devices
        for one in several or ()
        if isinstance(one, dict)
    ]


def _ident(device: Mapping[str, Any]) -> str:
    """The identifier by which the provider's program deletes a factor (Lemonldap::NG::Common::Util, genId2F)."""
    text = "::".join(str(device.get(name, "")) for name in ("epoch", "type", "name"))
    return base64.b64encode(text.encode("latin-1", "replace")).decode()


def enrolled(run: Run = program) -> dict[str, list[str]]:
    """The kinds of factors of every agent who has one, by uid. Raises MallepostError."""
    words = ["search", "--where", f"_session_kind={PERSISTENT}", "--select", "_session_uid", "--select", "_2fDevices"]
    answer = _read(run(words))
    kinds: dict[str, list[str]] = {}
    for one in answer if isinstance(answer, list) else []:
        devices = _read(one.get("_2fDevices") or "")
        if devices:
            kinds[str(one["_session_uid"])] = sorted({str(each["type"]).lower() for each in devices})
    return kinds


def remove(uid: str, ident: str, run: Run = program, look: Look = stored) -> tuple[Factor, list[Factor]]:
    """Remove a factor; it, and those that are left. Raises InputError when there is none of that name."""
    before = factors(uid, look)
    gone = next((one for one in before if one.ident == ident), None)
    if gone is None or not _IDENT.fullmatch(ident):
        raise InputError(f"{uid} has no factor {ident}", f"`malleposte sso factors list {uid}` names them")
    run(["secondfactors", "delete", _checked_uid(uid), ident])
    left = factors(uid, look)
    if any(one.ident == ident for one in left):
        raise MallepostError(f"{uid}: the factor {ident} is still there", "see journalctl -t LLNG")
    return gone, left


def sessions(uid: str, look: Look = stored) -> list[Session]:
    """The open log-ins of an agent, and the browsers that he or she trusts; nothing that waits for a second factor."""
    return [one for one in _open(look(uid)) if one.whole]


def _open(rows: Rows) -> list[Session]:
    sessions = []
    for index, group in rows.items():
        for one in group:
            trusted = "_connectedSince" in one
            # Factors and tokens lie in the same store, in sessions of other kinds: those stay.
            if one.get("_session_kind") == "SSO" and trusted == (index == "_session_uid"):
                sessions.append(_session(one, trusted))
    return sessions


def _session(one: Mapping[str, Any], trusted: bool) -> Session:
    key = str(one["_session_id"])
    return Session(
        ident=hashlib.sha256(key.encode()).hexdigest(),
        address=str(one.get("ipAddr", "")),
        since=_moment(one.get("_connectedSince") or one.get("_utime")),
        level=int(one.get("authenticationLevel") or 0),
        trusted=trusted,
        # The provider keeps the end of the trust where a log-in has its beginning.
        until=_moment(one.get("_utime")) if trusted else None,
        browser=str(one.get("_browser") or ""),
        key=key,
        whole=trusted or any(mark in one for mark in ENTERED),
        digest=str(one.get("_browserDigest") or ""),
    )


@dataclass(frozen=True)
class Ended:
    """The number of log-ins that ended, and the services that were not told of it."""

    many: int
    untold: tuple[str, ...] = ()


def end(uid: str, run: Run = program, tell: log_outs.Tell | None = None, look: Look = stored) -> Ended:
    """End every log-in of an agent and forget trusted browsers. By `tell`, services hear of it."""
    open_ones = _open(look(uid))
    return _ended(uid, open_ones, run, tell, look) if open_ones else Ended(0)


def end_one(
    uid: str, ident: str, run: Run = program, tell: log_outs.Tell = log_outs.tell, look: Look = stored
) -> Ended | None:
    """End one log-in of an agent, or forget one browser; None where there is none of that name."""
    ending = [one for one in sessions(uid, look) if one.ident == ident]
    return _ended(uid, ending, run, tell, look) if ending else None


def _ended(uid: str, ending: Sequence[Session], run: Run, tell: log_outs.Tell | None, look: Look) -> Ended:
    for one in ending:
        run(["delete", one.key])
    # From here on they open nothing more, so that this is all that they had opened.
    rows = look(uid)
    keys = {one.key for one in ending}
    left = [one for one in _open(rows) if one.key in keys]
    ended = log_outs.opened(rows["_session_uid"], keys - {one.key for one in left})
    untold = tell(ended) if tell else ()
    if left:
        raise MallepostError(f"{uid}: {len(left)} log-ins are still open", "run this again")
    return Ended(sum(one.whole for one in ending), untold)


def end_many(uids: Collection[str], run: Run = program) -> None:
    """End every log-in of many agents and forget their trusted browsers, by one look at all. No service is told.

    Raises MallepostError when one is still open.
    """
    owners = {_checked_uid(uid) for uid in uids}
    keys = _keys(owners, run)
    for batch in itertools.batched(keys, DELETED, strict=False):
        run(["delete", *batch])
    if keys and (left := set(_keys(owners, run)) & set(keys)):
        raise MallepostError(f"{len(left)} log-ins are still open", "run this again")


def _keys(uids: Collection[str], run: Run) -> list[str]:
    """Return the provider's identifiers of the log-ins and trusted browsers of some agents."""
    fields = ("_session_id", "_whatToTrace", "_session_uid", "_connectedSince")
    select = (word for one in fields for word in ("--select", one))
    answer = _read(run(["search", "--where", "_session_kind=SSO", *select]))
    rows = answer if isinstance(answer, list) else []
    owners = ((one, one.get("_session_uid" if "_connectedSince" in one else "_whatToTrace")) for one in rows)
    return [str(one["_session_id"]) for one, owner in owners if owner in uids]


def forget(uid: str, run: Run = program, look: Look = stored) -> bool:
    """Remove all that is kept of an agent between log-ins, second factors included; whether there was any."""
    idents = {str(one["_session_id"]) for one in _persistent(uid, look)}
    for ident in idents:
        run(["delete", ident])
    if idents & {str(one["_session_id"]) for one in _persistent(uid, look)}:
        raise MallepostError(f"{uid}: second factors are still there", "see journalctl -t LLNG")
    return bool(idents)


def _persistent(uid: str, look: Look) -> list[Mapping[str, Any]]:
    return [one for one in look(uid)["_session_uid"] if one.get("_session_kind") == PERSISTENT]


def tell(path: str, uid: str, **words: Any) -> None:
    """Tell accountd, through the daemon of the log-in page, what an operator did. Raises MallepostError."""
    import http.client

    class Link(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(PATIENCE)
            self.sock.connect(str(SOCKET))

    link = Link("localhost")
    try:
        link.request("POST", path, json.dumps({"address": HERE, "user": uid} | words), {"Connection": "close"})
        answer = link.getresponse()
        document = json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise MallepostError(f"it is done, but accountd could not be told ({type(error).__name__})") from error
    finally:
        link.close()
    if answer.status != http.client.OK or "uid" not in document:
        raise MallepostError("it is done, but accountd did not take it down", "is the account active?")


def _checked_uid(uid: str) -> str:
    if not identity.is_uid(uid):
        raise InputError(f"{uid!r} is no uid", "accounts find looks for names and addresses")
    return uid


def _read(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError as error:
        raise MallepostError("the log-in page's program printed no JSON, or its store has none") from error


def _text(moment: datetime.datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _moment(value: Any) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromtimestamp(int(value), datetime.UTC)
    except (TypeError, ValueError, OverflowError):
        return None
