"""Recovery codes: the right one of the right account is recognised, and nothing else."""

import base64
import json

import pytest
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.factors import recovery

OLD = {"k1": base64.b64encode(b"k" * 32).decode()}
KEYS = Keyring.parse(json.dumps({"current": "k1", "keys": OLD}), "essai")
NEXT = Keyring.parse(json.dumps({"current": "k2", "keys": OLD | {"k2": base64.b64encode(b"q" * 32).decode()}}), "essai")


def test_ten_codes_and_no_trace_of_them_in_what_is_kept() -> None:
    made = recovery.make(KEYS, "mdupond")
    assert len(set(made.shown)) == len(set(made.values)) == 10
    assert not any(code.replace("-", "") in value for code in made.shown for value in made.values)
    assert made.shown[0] not in repr(made) and made.values[0] not in repr(made)


@pytest.mark.parametrize("keys", [KEYS, NEXT], ids=["same-key", "newer-key"])
def test_a_code_is_known_as_people_type_it(keys: Keyring) -> None:
    made = recovery.make(KEYS, "mdupond")
    held = {recovery.ATTRIBUTE: made.values}
    for code in made.shown:
        for typed in (code, code.lower(), code.replace("-", " "), code.replace("-", "")):
            assert recovery.matching(keys, "mdupond", typed, held) in made.values
    assert len({recovery.matching(keys, "mdupond", code, held) for code in made.shown}) == 10


def test_no_other_code_and_no_other_account() -> None:
    made, other = recovery.make(KEYS, "mdupond"), recovery.make(KEYS, "autre")
    held = {recovery.ATTRIBUTE: made.values}
    assert recovery.matching(KEYS, "mdupond", made.shown[0], held)
    assert recovery.matching(KEYS, "autre", made.shown[0], held) == ""
    assert recovery.matching(KEYS, "mdupond", other.shown[0], held) == ""
    for typed in ("", "-", "x" * 5000, made.shown[0][:-1], made.values[0]):
        assert recovery.matching(KEYS, "mdupond", typed, held) == ""
    assert recovery.matching(KEYS, "mdupond", made.shown[0], {}) == ""
