"""The passwords and codes that the tests typed are kept, and no other values."""

from pathlib import Path

import pytest
from malleposte.accountd.calls import enrolment

from tests.stack.support import leaks, typed_secrets

PASSWORD, CODE = "Lezard-Bleu-2027", "QXFHJ-7GKMN"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(typed_secrets, "FOLDER", tmp_path / "kept")
    typed_secrets._keep.cache_clear()
    return tmp_path / "kept"


def test_what_is_secret_is_kept_by_the_name_of_its_field_for_its_owner_alone(place: Path) -> None:
    typed_secrets.noted(password=PASSWORD, login="marie.durand@ac-exemple.test", code="123456", new="azertyuiop")
    assert typed_secrets.kept() == {PASSWORD: "a password that a test typed"}
    assert {path.stat().st_mode & 0o777 for path in place.rglob("*.jsonl")} == {0o600}


def test_messages_of_accountd_and_documents_are_looked_through() -> None:
    typed_secrets.hidden(enrolment.Begin("192.0.2.7", "99E1234567ESS", CODE))
    typed_secrets.document({"devices": [{"name": "Téléphone de Marie", "password": PASSWORD}], "codes": [f"{CODE}2"]})
    assert set(typed_secrets.kept()) == {"99E1234567ESS", CODE, PASSWORD, f"{CODE}2"}


def test_they_are_looked_for_in_every_form() -> None:
    typed_secrets.noted(password='Guillemet"Droit9')
    sought = leaks.given(typed_secrets.kept())
    assert sought['Guillemet\\"Droit9'] == "a password that a test typed"


def test_they_are_removed_once_searched_for(place: Path) -> None:
    typed_secrets.noted(password=PASSWORD)
    typed_secrets.forget()
    assert typed_secrets.kept() == {}
    assert not place.exists()
