"""An agent's log-ins and second factors, as the provider's own program tells them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from malleposte.adapters import lemonldap
from malleposte.adapters.log_outs import Opened, Tell
from malleposte.adapters.valkey import Unavailable
from malleposte.core.errors import InputError, MallepostError

IDENT = "MTc5MDAwMDAwMDo6VE9UUDo6VGVsZXBob25l"
FACTOR = {"type": "TOTP", "name": "Telephone", "epoch": 1790000000, "_secret": "{llngcrypt}S3CRET"}
NAMED = hashlib.sha256(b"s3ss10n").hexdigest()
SSO = {"_session_id": NAMED, "_session_kind": "SSO", "ipAddr": "192.0.2.7", "_utime": 1790000000,
       "authenticationLevel": 4, "_browser": "Firefox", "_browserDigest": "ab12", "_entered": 1790000000}  # fmt: skip
HALF = {"_session_id": "ha1f", "_session_kind": "SSO", "ipAddr": "192.0.2.66", "_utime": 1790000000}
EARLIER = {**HALF, "_session_id": "earl1er", "_oidcConnectedRP": "portail"}
TRUSTED = {"_session_id": "tru5ted", "_session_kind": "SSO", "_session_uid": "mdupond", "_connectedSince": 1790000000,
           "_utime": 1792592000}  # fmt: skip
TOKEN = {"_session_id": "t0ken", "_session_kind": "OIDCI", "_type": "refresh_token", "_session_uid": "mdupond",
         "client_id": "sogo", "_oidc_sid": "s1d", "user_session_id": "s3ss10n"}  # fmt: skip
KEPT = {"_session_id": "fact0rs", "_session_kind": "Persistent", "_session_uid": "mdupond",
        "_2fDevices": json.dumps([FACTOR])}  # fmt: skip


class Program:
    """Answers as the provider's program does, and forgets what it is told to delete."""

    def __init__(self, stubborn: bool = False) -> None:
        self.kept: dict[str, list[dict[str, Any]]] = {"_whatToTrace": [SSO], "_session_uid": [TRUSTED, TOKEN, KEPT]}
        self.stubborn, self.deleted = stubborn, list[str]()
        self.calls = 0

    def __call__(self, words: Sequence[str]) -> str:
        self.calls += 1
        match list(words):
            case ["secondfactors", "delete", "mdupond", ident]:
                assert ident == IDENT
                if not self.stubborn:
                    self.kept["_session_uid"][2] = {**KEPT, "_2fDevices": "[]"}
                return ""
            case ["delete", ident]:
                if not self.stubborn:
                    self.deleted.append(ident)
                return ""
        raise AssertionError(words)

    def look(self, uid: str) -> lemonldap.Rows:
        """As the store has them."""
        return {
            index: [one for one in rows if uid == "mdupond" and one["_session_id"] not in self.deleted]
            for index, rows in self.kept.items()
        }


def end(program: Program, tell: Tell | None = None) -> lemonldap.Ended:
    return lemonldap.end("mdupond", program, tell, program.look)


def end_one(program: Program, ident: str, tell: Tell, uid: str = "mdupond") -> lemonldap.Ended | None:
    return lemonldap.end_one(uid, ident, program, tell, program.look)


def nobody(found: Sequence[Opened]) -> tuple[str, ...]:
    """In the place of services: there is none."""
    assert not found, "a log-in that goes on is told to nobody"
    return ()


def test_factors_are_named_and_their_secrets_are_not() -> None:
    (one,) = lemonldap.factors("mdupond", Program().look)
    assert (one.ident, one.kind, one.name) == (IDENT, "totp", "Telephone")
    assert one.as_dict()["made"] == "2026-09-21T14:13:20+00:00" and "S3CRET" not in repr(one)
    assert lemonldap.factors("autre", Program().look) == []
    named = json.dumps([FACTOR | {"name": "Clé d’ici"}])
    (one,) = lemonldap.factors("mdupond", lambda _uid: {"_session_uid": [KEPT | {"_2fDevices": named}]})
    assert one.name == "Clé d’ici"
    assert lemonldap.factors("mdupond", lambda _uid: {"_session_uid": [{"_session_kind": "Persistent"}]}) == []


def test_a_password_that_waits_for_its_factor_is_no_log_in_and_ends_with_the_others() -> None:
    program = Program()
    program.kept["_whatToTrace"] = [SSO, HALF, EARLIER]
    keys = [one.key for one in lemonldap.sessions("mdupond", program.look)]
    assert keys == [NAMED, "earl1er", "tru5ted"], "one from before the mark has opened a service"
    assert end_one(program, hashlib.sha256(b"ha1f").hexdigest(), nobody) is None
    assert end(program).many == 3
    assert set(program.deleted) == {NAMED, "ha1f", "earl1er", "tru5ted"}


def test_kinds_are_told_of_all_who_have_a_factor() -> None:
    rows = [
        {
            "_session_uid": "mdupond",
            "_2fDevices": json.dumps([{"type": "WebAuthn"}, {"type": "TOTP"}, {"type": "TOTP"}]),
        },
        {"_session_uid": "sans", "_2fDevices": "[]"},
        {"_session_uid": "jamais", "_2fDevices": None},
    ]
    assert lemonldap.enrolled(lambda words: json.dumps(rows)) == {"mdupond": ["totp", "webauthn"]}
    assert lemonldap.enrolled(lambda words: "[]") == {}


def test_a_factor_is_removed_and_an_unknown_one_is_said() -> None:
    program = Program()
    with pytest.raises(InputError, match="no factor"):
        lemonldap.remove("mdupond", "autre", program, program.look)
    gone, left = lemonldap.remove("mdupond", IDENT, program, program.look)
    assert (gone.name, left) == ("Telephone", [])
    stubborn = Program(stubborn=True)
    with pytest.raises(MallepostError, match="still there"):
        lemonldap.remove("mdupond", IDENT, stubborn, stubborn.look)


def test_log_ins_end_and_factors_stay() -> None:
    program = Program()
    found = lemonldap.sessions("mdupond", program.look)
    assert [(one.level, one.trusted) for one in found] == [(4, False), (0, True)]
    assert not any(NAMED in str(one.as_dict()) for one in found), "its identifier would open it"
    assert end(program) == lemonldap.Ended(2)
    assert program.deleted == [NAMED, "tru5ted"]
    assert end(program) == lemonldap.Ended(0)
    with pytest.raises(MallepostError, match="still open"):
        end(Program(stubborn=True))


def test_one_log_in_is_told_without_what_opens_it_and_ends_alone() -> None:
    program = Program()
    here, trusted = lemonldap.sessions("mdupond", program.look)
    assert (here.browser, here.address, here.until) == ("Firefox", "192.0.2.7", None)
    assert (here.digest, trusted.digest) == ("ab12", "") and "ab12" not in repr(here) + str(here.as_dict())
    assert trusted.until and trusted.since and (trusted.until - trusted.since).days == 30
    for one in (here, trusted):
        assert one.key and one.key not in repr(one) + str(one.as_dict())
    assert not end_one(program, NAMED, nobody), "what opens it is no name of it"
    assert not end_one(program, trusted.ident, nobody, "autre")
    assert end_one(program, trusted.ident, nobody)
    assert program.deleted == ["tru5ted"]
    assert not end_one(program, trusted.ident, nobody)
    with pytest.raises(MallepostError, match="still open"):
        end_one(Program(stubborn=True), here.ident, nobody)


def test_services_are_told_once_the_log_in_is_over_and_named_where_they_were_not() -> None:
    program, told = Program(), list[Opened]()

    def tell(found: Sequence[Opened]) -> tuple[str, ...]:
        assert program.deleted, "else a webmail that is told would be logged in again"
        told.extend(found)
        return ("sogo",)

    here, _trusted = lemonldap.sessions("mdupond", program.look)
    assert end_one(program, here.ident, tell) == lemonldap.Ended(1, ("sogo",))
    assert told == [Opened("sogo", "mdupond", "s1d")]
    program.deleted.clear()
    assert end(program, tell) == lemonldap.Ended(2, ("sogo",))


def test_the_program_is_started_for_what_it_ends_alone() -> None:
    program = Program()
    assert end(program).many == 2
    assert program.calls == 2, "for each log-in that ends"
    assert lemonldap.sessions("mdupond", program.look) == []
    assert end(program).many == 0
    assert program.calls == 2


def test_what_is_kept_of_an_agent_is_removed_and_log_ins_are_another_matter() -> None:
    program = Program()
    assert lemonldap.forget("mdupond", program, program.look)
    assert program.deleted == ["fact0rs"]
    assert not lemonldap.forget("mdupond", program, program.look)
    assert not lemonldap.forget("autre", program, program.look)
    stubborn = Program(stubborn=True)
    with pytest.raises(MallepostError, match="still there"):
        lemonldap.forget("mdupond", stubborn, stubborn.look)


@pytest.mark.parametrize("uid", ["", "a b", "x --all", "a=b;c", "É"])
def test_what_is_no_uid_reaches_no_program(uid: str) -> None:
    for call in (lemonldap.factors, lemonldap.sessions, lemonldap.end):
        with pytest.raises(InputError, match="no uid"):
            call(uid)
    with pytest.raises(InputError, match="no uid"):
        lemonldap.stored(uid)


class Store:
    """In the place of Valkey: a set of the store and its sessions."""

    sets: ClassVar = {"_whatToTrace_mdupond": [json.dumps(SSO).encode(), b"{broken", b"[]"]}
    away = False

    def __init__(self, server: str, username: str, password: str, _patience: float) -> None:
        assert (server, username, password) == ("unix:///run/valkey-sso/valkey.sock", "lemonldap", "s3cret")

    def named(self, key: str) -> dict[str, bytes]:
        if self.away:
            raise Unavailable("Valkey: TimeoutError")
        return {str(number): value for number, value in enumerate(self.sets.get(key, []))}

    def close(self) -> None:
        pass


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    options = {"sock": "/run/valkey-sso/valkey.sock", "username": "lemonldap", "password": "s3cret"}
    path = tmp_path / "lmConf-1.json"
    path.write_text(json.dumps({"globalStorageOptions": options}))
    monkeypatch.setattr(lemonldap, "CONFIGURATION", path)
    monkeypatch.setattr(lemonldap, "Valkey", Store)
    return path


def test_the_store_is_read_without_the_program_and_what_is_broken_there_opens_nothing(configuration: Path) -> None:
    assert configuration.exists()
    assert lemonldap.stored("mdupond") == {"_whatToTrace": [SSO], "_session_uid": []}
    assert [one.key for one in lemonldap.sessions("mdupond")] == [NAMED]


def test_a_store_that_cannot_be_read_is_said_without_its_password(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Store, "away", True)
        with pytest.raises(MallepostError, match="mdupond: no log-in can be read"):
            lemonldap.sessions("mdupond")
    configuration.write_text('{"globalStorageOptions": {"password": "s3cret"}}')
    with pytest.raises(MallepostError, match=r"lmConf-1\.json") as raised:
        lemonldap.sessions("mdupond")
    assert "s3cret" not in str(raised.value)
    configuration.unlink()
    with pytest.raises(MallepostError, match="no log-in page"):
        lemonldap.sessions("mdupond")
