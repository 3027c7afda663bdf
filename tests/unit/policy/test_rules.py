"""The password rules, by the one table of passwords (slapd: tests/stack/shared/directory/test_password_policy.py)."""

import random

import pytest
from malleposte.policy.model import Policy
from malleposte.policy.rules import Context, Violation, check, fold, generate

from tests.support.passwords import OWNER, ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row.password)[:40])
def test_the_table(row: Row) -> None:
    assert [violation.code for violation in check(row.password, OWNER)] == list(row.violations)


def test_what_slapd_refuses_is_refused_here_first() -> None:
    assert [row.password for row in ROWS if not row.slapd and not row.violations] == []


def test_nobody_s_names_without_a_context() -> None:
    assert check("Vert-Dupont-4712") == []


@pytest.mark.parametrize(
    ("names", "password"),
    [
        (("Élodie", "Lefèvre"), "Vert-Lefevre-47"),
        (("Jean-François", "Le Goff"), "Goff-Tulipe-4712"),
        (("Jean-François", "Le Goff"), "Tulipe-Francois-47"),
        (("Anaïs", "D’Hérouville"), "Dherouville-x47"),
        (("Noël", "Bœuf"), "Tulipe-Boeuf-47"),
    ],
)
def test_names_are_found_without_accents_and_in_parts(names: tuple[str, ...], password: str) -> None:
    assert "contains_name" in [violation.code for violation in check(password, Context("zz-top", names=names))]


def test_short_names_do_not_forbid_every_password() -> None:
    assert check("Tulipe-Verte-47", Context("lya", names=("Ly", "Ia"))) == []


def test_the_rules_follow_the_policy() -> None:
    strict = Policy(min_length=16, min_digit=3)
    assert [v.code for v in check("Tulipe-Verte-47", policy=strict)] == ["too_short", "missing_digit"]
    assert check("lampe douce bleue", policy=Policy(min_upper=0, min_digit=0, min_special=0)) == []


def test_a_very_long_text_is_judged_at_once() -> None:
    assert [v.code for v in check("aA1!" * 1_000_000)] == ["too_long"]


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_each_violation_has_a_sentence(language: str) -> None:
    codes = {code for row in ROWS for code in row.violations}
    for code in codes:
        message = Violation(code, {"least": 12, "most": 128}).message(language)
        assert message.endswith(".")
        assert "{" not in message


def test_the_sentence_gives_the_length_asked_for() -> None:
    assert check("Aa1!", policy=Policy(min_length=14))[0].message() == "Trop court : 14 caractères au moins."


def test_generated_passwords_keep_the_rules_and_differ() -> None:
    made = {generate(OWNER) for _i in range(200)}
    assert len(made) == 200
    assert all(check(password, OWNER) == [] and len(password) == 16 for password in made)


def test_generated_passwords_have_no_character_that_is_read_for_another() -> None:
    assert not set("".join(generate() for _i in range(100))) & set("0O1lIo|`'\"")


def test_a_generated_password_is_as_long_as_the_policy_asks() -> None:
    chooser = random.Random(7)
    assert len(generate(policy=Policy(min_length=20), chooser=chooser)) == 20


def test_fold() -> None:
    assert fold("Bœuf ÇÉÏ Æ".replace("Æ", "æ")) == "boeuf cei ae"
