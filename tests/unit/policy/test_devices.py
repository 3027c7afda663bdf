"""Device passwords: their form, and what is none."""

import re

import pytest
from malleposte.policy import devices, salted


def test_every_password_has_the_form_and_is_another() -> None:
    made = {devices.generate() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        assert devices.is_device_password(one) and devices.is_identifier(devices.identifier(one))
        assert one.startswith(devices.identifier(one) + "-") and len(one.replace("-", "")) == 24


@pytest.mark.parametrize(
    "text",
    ["", "abcdefgh", "Abcdefgh-abcd-abcd-abcd-abcd", "abcdefgh-abcd-abcd-abcd-abcd ", "abcdefgh-abcd-abcd-abcd",
     "abcdefg*-abcd-abcd-abcd-abcd", "abcdefgh-abcd-abcd-abcd-abcd-abcd", "Essai-Passage7!"],
)  # fmt: skip
def test_what_is_no_device_password(text: str) -> None:
    assert not devices.is_device_password(text)
    assert devices.is_device_password("abcdefgh-abcd-abcd-abcd-abcd")


def test_the_signs_hold_no_pair_that_is_taken_for_another() -> None:
    assert len(devices.ALPHABET) == len(set(devices.ALPHABET)) == 32
    assert not set(devices.ALPHABET) & set("01lo")
    assert re.fullmatch("[a-z2-9]+", devices.ALPHABET)


def test_the_secret_part_has_eighty_bits() -> None:
    assert len(devices.ALPHABET) ** sum(devices.GROUPS[1:]) == 2**80


def test_a_digest_is_salted_and_proves_one_password() -> None:
    password = devices.generate()
    stored = salted.make(password).encode()
    assert stored != salted.make(password).encode()
    assert salted.verify(password, stored) and not salted.verify(password[:-1] + "a2"[password.endswith("a")], stored)
