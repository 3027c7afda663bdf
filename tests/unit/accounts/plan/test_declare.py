"""One account as it is declared: made, changed, suspended, resumed; a second declaration changes nothing."""

import datetime
import json

import pytest
from malleposte.accounts.acts import make
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.base import ASKED
from malleposte.accounts.plan import declare
from malleposte.accounts.used_names import UsedNames
from malleposte.core.errors import InputError

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
KEYS = Keyring("k1", {"k1": b"1" * 32})
FULL = {
    "uid": "mdupond", "given_name": "Marie", "surname": "Dupond", "profile": "convergence", "quota_mb": 8000,
    "schools": ["9990001X", "9990002Y"], "corps": "Attaché", "function": "Secrétaire", "hidden": True,
    "recovery_mail": "marie@exemple.test", "recovery_phone": "06 12 34 56 78", "numen": "01E9500001ABC",
}  # fmt: skip


class House:
    def __init__(self, folder):
        self.directory, self.folder = MemoryDirectory(), folder

    def held(self, uid="mdupond"):
        return next(iter(self.directory.search("people", ASKED, {"uid": uid})), None)

    def todo(self, **document):
        wanted = declare.Declared.parse(json.loads(json.dumps(document)))
        house = declare.House(
            self.directory.suffix,
            "ac-exemple.test",
            ("convergence", "roundcube"),
            "roundcube",
            UsedNames(self.directory),
            lambda numen: KEYS.digest("numen", numen),
        )
        return declare.changes(wanted, self.held(wanted.uid), house, NOW)

    def say(self, **document):
        with Journal(self.folder / "journal.jsonl", "essai@poste") as journal:
            todo = self.todo(**document)
            make(self.directory, journal, todo)
            return todo


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_an_account_is_made_once_with_all_that_is_said(house):
    assert [str(change.kind) for change in house.say(**FULL)] == ["create"]
    held = house.held().attributes
    assert held["mail"] == ["marie.dupond@ac-exemple.test"]
    assert held["mpState"] == ["pending"]
    assert held["mpQuota"] == ["8000"]
    assert held["mpRecoveryPhone"] == ["+33612345678"]
    entry = house.directory.entries["uid=mdupond,ou=people,dc=ac-exemple,dc=test"].attributes
    assert entry["mpNumenDigest"] == [KEYS.digest("numen", "01E9500001ABC")]
    assert "userPassword" not in entry
    assert house.say(**FULL) == []


def test_only_what_is_named_changes(house):
    house.say(**FULL)
    todo = house.say(uid="mdupond", function="Principale")
    assert declare.difference(todo) == {
        "before": {"mpFunction": ["Secrétaire"]},
        "after": {"mpFunction": ["Principale"]},
    }
    assert house.held().attributes["mpCorps"] == ["Attaché"]


@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        ({"schools": ["9990003Z"]}, "mpEstablishment", ["9990003Z"]),
        ({"schools": []}, "mpEstablishment", None),
        ({"quota_mb": 0}, "mpQuota", None),
        ({"profile": "roundcube"}, "mpProfile", ["roundcube"]),
        ({"hidden": False}, "mpHidden", None),
        ({"corps": ""}, "mpCorps", None),
        ({"recovery_mail": ""}, "mpRecoveryMail", None),
        ({"mail": "m.dupond@ac-exemple.test"}, "mail", ["m.dupond@ac-exemple.test"]),
        ({"surname": "Martin"}, "mail", ["marie.martin@ac-exemple.test"]),
    ],
)
def test_each_fact_is_brought_in_line_once(house, said, name, value):
    house.say(**FULL)
    assert house.say(uid="mdupond", **said)
    assert house.held().attributes.get(name) == value
    assert house.say(uid="mdupond", **said) == []


def test_another_name_keeps_the_old_address(house):
    house.say(**FULL)
    house.say(uid="mdupond", surname="Martin")
    assert set(house.held().attributes["mailLocalAddress"]) == {
        "marie.dupond@ac-exemple.test", "marie.martin@ac-exemple.test",
    }  # fmt: skip


def test_suspended_and_back(house):
    house.say(**FULL)
    for state in ("suspended", "absent"):
        house.say(uid="mdupond", state=state)
        assert house.held().attributes["mpState"] == ["suspended"]
        assert house.say(uid="mdupond", state=state) == []
        house.say(**FULL)
        assert house.held().attributes["mpState"] == ["pending"]


def test_absent_of_nobody_is_done_already_and_suspended_is_not(house):
    assert house.say(uid="personne", state="absent") == []
    with pytest.raises(InputError, match="no such account"):
        house.say(uid="personne", state="suspended")


def test_a_log_in_of_the_past_is_not_given_again(house):
    house.directory.add("uid=mdupond,ou=tombstones,dc=ac-exemple,dc=test", {"uid": ["mdupond"], "mpRemoved": ["x"]})
    with pytest.raises(InputError, match="never given again"):
        house.say(**FULL)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "JSON object"),
        ({}, "uid: missing"),
        ({"uid": "x", "state": "gone"}, "is none of"),
        ({"uid": "x", "password": "y"}, "'password' is nothing that can be declared"),
        ({"uid": "x", "userPassword": "y"}, "nothing that can be declared"),
        ({"uid": "x", "surname": ["y"]}, "surname: not a text"),
        ({"uid": "x", "surname": "=cmd"}, "surname: "),
        ({"uid": "x", "schools": ["9990001A"]}, "schools: 9990001A has a wrong check letter"),
        ({"uid": "x", "schools": "9990001X"}, "schools: not a list"),
        ({"uid": "x", "quota_mb": -1}, "quota_mb: "),
        ({"uid": "x", "quota_mb": True}, "quota_mb: "),
        ({"uid": "x", "hidden": "yes"}, "hidden: "),
        ({"uid": "x", "numen": "y"}, "numen: "),
        ({"uid": "x", "recovery_phone": "12"}, "recovery_phone: "),
    ],
)
def test_what_cannot_be_is_named(document, said):
    with pytest.raises(InputError) as error:
        declare.Declared.parse(document)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"uid": "x"}, "no given_name"),
        ({"uid": "X Y", "given_name": "A", "surname": "B"}, "no log-in name"),
        ({"uid": "*)(uid=*", "given_name": "A", "surname": "B"}, "no log-in name"),
        ({"uid": "x", "given_name": "A", "surname": "B", "mail": "x@ailleurs.test"}, "no address of"),
    ],
)
def test_what_cannot_be_made_is_named(house, document, said):
    with pytest.raises(InputError, match=said):
        house.say(**document)
    assert house.directory.entries == {}


def test_a_difference_shows_no_digest_and_no_means_of_recovery(house):
    text = json.dumps(declare.difference(house.todo(**FULL)))
    for secret in ("k1:", "marie@exemple.test", "+336", "01E95"):
        assert secret not in text
    assert "Secr" in text
