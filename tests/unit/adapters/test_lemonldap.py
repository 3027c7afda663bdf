"""An agent's log-ins and second factors, as the provider's own program tells them."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from malleposte.adapters import lemonldap
from malleposte.adapters.log_outs import Opened
from malleposte.core.errors import InputError, MallepostError

IDENT = "MTc5MDAwMDAwMDo6VE9UUDo6VGVsZXBob25l"
FACTORS = {IDENT: {"type": "TOTP", "name": "Telephone", "epoch": 1790000000, "_secret": "{llngcrypt}S3CRET"}}
NAMED = hashlib.sha256(b"s3ss10n").hexdigest()
SSO = {"_session_id": NAMED, "_session_kind": "SSO", "ipAddr": "192.0.2.7", "_utime": 1790000000,
       "authenticationLevel": 4, "_browser": "Firefox", "_browserDigest": "ab12", "_entered": 1790000000}  # fmt: skip
HALF = {"_session_id": "ha1f", "_session_kind": "SSO", "ipAddr": "192.0.2.66", "_utime": 1790000000}
EARLIER = {**HALF, "_session_id": "earl1er", "_oidcConnectedRP": "portail"}
TRUSTED = {"_session_id": "tru5ted", "_session_kind": "SSO", "_session_uid": "mdupond", "_connectedSince": 1790000000,
           "_utime": 1792592000}  # fmt: skip
TOKEN = {"_session_id": "t0ken", "_session_kind": "OIDCI", "_type": "refresh_token", "_session_uid": "mdupond",
         "client_id": "sogo", "_oidc_sid": "s1d", "user_session_id": "s3ss10n"}  # fmt: skip
KEPT = {"_session_id": "fact0rs", "_session_kind": "Persistent", "_session_uid": "mdupond"}


class Program:
    """Answers as the provider's program does, and forgets what it is told to delete."""

    def __init__(self, stubborn: bool = False) -> None:
        self.factors: dict[str, Any] = dict(FACTORS)
        self.kept: dict[str, list[dict[str, Any]]] = {"_whatToTrace": [SSO], "_session_uid": [TRUSTED, TOKEN, KEPT]}
        self.stubborn, self.deleted = stubborn, list[str]()
        self.calls = 0

    def __call__(self, words: Sequence[str]) -> str:
        self.calls += 1
        match list(words):
            case ["secondfactors", "get", "mdupond"]:
                return json.dumps(self.factors)
            case ["secondfactors", "get", _]:
                return ""
            case ["secondfactors", "delete", "mdupond", ident]:
                if not self.stubborn:
                    del self.factors[ident]
                return ""
            case ["search", "--where", where]:
                field, _, uid = where.partition("=")
                found = [one for one in self.kept[field] if one["_session_id"] not in self.deleted]
                return json.dumps(found if uid == "mdupond" else [])
            case ["delete", ident]:
                if not self.stubborn:
                    self.deleted.append(ident)
                return ""
        raise AssertionError(words)


def test_factors_are_named_and_their_secrets_are_not() -> None:
    (one,) = lemonldap.factors("mdupond", Program())
    assert (one.ident, one.kind, one.name) == (IDENT, "totp", "Telephone")
    assert one.as_dict()["made"] == "2026-09-21T14:13:20+00:00" and "S3CRET" not in repr(one)
    assert lemonldap.factors("autre", Program()) == []


def test_a_password_that_waits_for_its_factor_is_no_log_in_and_ends_with_the_others() -> None:
    program = Program()
    program.kept["_whatToTrace"] = [SSO, HALF, EARLIER]
    keys = [one.key for one in lemonldap.sessions("mdupond", program)]
    assert keys == [NAMED, "earl1er", "tru5ted"], "one from before the mark has opened a service"
    assert lemonldap.end_one("mdupond", hashlib.sha256(b"ha1f").hexdigest(), program) is None
    assert lemonldap.end("mdupond", program).many == 3
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
        lemonldap.remove("mdupond", "autre", program)
    gone, left = lemonldap.remove("mdupond", IDENT, program)
    assert (gone.name, left) == ("Telephone", [])
    with pytest.raises(MallepostError, match="still there"):
        lemonldap.remove("mdupond", IDENT, Program(stubborn=True))


def test_log_ins_end_and_factors_stay() -> None:
    program = Program()
    found = lemonldap.sessions("mdupond", program)
    assert [(one.level, one.trusted) for one in found] == [(4, False), (0, True)]
    assert not any(NAMED in str(one.as_dict()) for one in found), "its identifier would open it"
    assert lemonldap.end("mdupond", program) == lemonldap.Ended(2)
    assert program.deleted == [NAMED, "tru5ted"]
    assert lemonldap.end("mdupond", program) == lemonldap.Ended(0)
    with pytest.raises(MallepostError, match="still open"):
        lemonldap.end("mdupond", Program(stubborn=True))


def test_one_log_in_is_told_without_what_opens_it_and_ends_alone() -> None:
    program = Program()
    here, trusted = lemonldap.sessions("mdupond", program)
    assert (here.browser, here.address, here.until) == ("Firefox", "192.0.2.7", None)
    assert (here.digest, trusted.digest) == ("ab12", "") and "ab12" not in repr(here) + str(here.as_dict())
    assert trusted.until and trusted.since and (trusted.until - trusted.since).days == 30
    for one in (here, trusted):
        assert one.key and one.key not in repr(one) + str(one.as_dict())
    assert not lemonldap.end_one("mdupond", NAMED, program, nobody), "what opens it is no name of it"
    assert not lemonldap.end_one("autre", trusted.ident, program, nobody)
    assert lemonldap.end_one("mdupond", trusted.ident, program, nobody)
    assert program.deleted == ["tru5ted"]
    assert not lemonldap.end_one("mdupond", trusted.ident, program, nobody)
    with pytest.raises(MallepostError, match="still open"):
        lemonldap.end_one("mdupond", here.ident, Program(stubborn=True), nobody)


def nobody(found: Sequence[Opened]) -> tuple[str, ...]:
    """In the place of services: there is none."""
    assert not found, "a log-in that goes on is told to nobody"
    return ()


def test_services_are_told_once_the_log_in_is_over_and_named_where_they_were_not() -> None:
    program, told = Program(), list[Opened]()

    def tell(found: Sequence[Opened]) -> tuple[str, ...]:
        assert program.deleted, "else a webmail that is told would be logged in again"
        told.extend(found)
        return ("sogo",)

    here, _trusted = lemonldap.sessions("mdupond", program)
    assert lemonldap.end_one("mdupond", here.ident, program, tell) == lemonldap.Ended(1, ("sogo",))
    assert told == [Opened("sogo", "mdupond", "s1d")]
    program.deleted.clear()
    assert lemonldap.end("mdupond", program, tell) == lemonldap.Ended(2, ("sogo",))


def test_without_log_ins_the_program_is_started_no_oftener_than_it_takes_to_know() -> None:
    program = Program()
    assert lemonldap.end("mdupond", program).many == 2
    assert program.calls == 6, "two searches, two log-ins, and two searches for what is left"
    program.calls = 0
    assert lemonldap.end("mdupond", program).many == 0
    assert program.calls == 2


def test_what_is_kept_of_an_agent_is_removed_and_log_ins_are_another_matter() -> None:
    program = Program()
    assert lemonldap.forget("mdupond", program)
    assert program.deleted == ["fact0rs"]
    assert not lemonldap.forget("mdupond", program)
    assert not lemonldap.forget("autre", program)
    with pytest.raises(MallepostError, match="still there"):
        lemonldap.forget("mdupond", Program(stubborn=True))


@pytest.mark.parametrize("uid", ["", "a b", "x --all", "a=b;c", "É"])
def test_what_is_no_uid_reaches_no_program(uid: str) -> None:
    for call in (lemonldap.factors, lemonldap.sessions, lemonldap.end):
        with pytest.raises(InputError, match="no uid"):
            call(uid, Program())
