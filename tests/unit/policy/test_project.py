"""The password policy in the forms for slapd, for a browser and for people."""

import re

import pytest
from malleposte.policy.model import SPECIAL, Policy, PolicyError
from malleposte.policy.project import html_constraints, ppm_conf, ppolicy_attributes, sentences, service_attributes
from malleposte.policy.rules import generate

from tests.support.passwords import ROWS, Row


def test_facts_become_a_policy() -> None:
    policy = Policy.from_mapping({"min_length": "14", "warning_days": [1, 30]})
    assert (policy.min_length, policy.warning_days, policy.history) == (14, (30, 1), 12)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"min_lenght": 12}, "unknown key of the password policy: min_lenght"),
        ({"min_length": "douze"}, "min_length is not a number: douze"),
        ({"min_length": 0}, "min_length is not between 1 and max_length"),
        ({"history": -1}, "history is negative"),
        ({"min_upper": 70, "min_lower": 70}, "the classes ask for more characters"),
        ({"renewal_days": 20}, "a warning is not within the life of a password"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(facts: dict[str, object], message: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(message)):
        Policy.from_mapping(facts)


def test_ppolicy_says_what_the_policy_says() -> None:
    attributes = {name: values[0].decode("latin-1") for name, values in ppolicy_attributes(Policy()).items()}
    expected = {
        "pwdMinLength": "12",
        "pwdMaxLength": "128",
        "pwdInHistory": "12",
        "pwdMaxAge": "31536000",
        "pwdExpireWarning": "2592000",
        "pwdGraceAuthnLimit": "0",
        "pwdMustChange": "TRUE",
        "pwdSafeModify": "FALSE",
        "pwdMaxFailure": "100",
        "pwdLockoutDuration": "300",
        "pwdFailureCountInterval": "300",
        "pwdCheckQuality": "2",
    }
    assert expected.items() <= attributes.items()


def test_no_renewal_means_no_warning() -> None:
    attributes = ppolicy_attributes(Policy(renewal_days=0))
    assert (attributes["pwdMaxAge"], attributes["pwdExpireWarning"]) == ([b"0"], [b"0"])


def test_the_checker_counts_only_the_classes_asked_for() -> None:
    lines = ppm_conf(Policy(min_special=0)).split(b"\n")
    assert b"minQuality 3" in lines
    assert not any(line.startswith(b"class-special") for line in lines)


def test_the_checker_is_told_every_byte_beyond_ascii() -> None:
    forbidden = next(line for line in ppm_conf(Policy()).split(b"\n") if line.startswith(b"forbiddenChars "))
    assert set(range(127, 256)) <= set(forbidden)
    assert not set(b"\t\r\v\f") & set(forbidden)
    assert b"class-special " + SPECIAL.encode() + b" 1 1 0" in ppm_conf(Policy())


def test_machines_are_never_locked_out() -> None:
    assert service_attributes()["pwdLockout"] == [b"FALSE"]


def test_the_browser_takes_what_the_rules_take() -> None:
    constraints = html_constraints(Policy())
    pattern = re.compile(constraints["pattern"])
    assert all(pattern.fullmatch(generate()) for _i in range(50))
    for wrong in ("tulipe-verte-47", "TULIPE-VERTE-47", "Tulipe-Verte", "TulipeVerte47", "Tulipe-Dorée-47"):
        assert not pattern.fullmatch(wrong)
    assert constraints["minlength"] == "12"


# Rules that a browser cannot check: names, words, keys, repetitions, and the directory's reading of braces.
UNSEEN = {"contains_login", "contains_name", "common_word", "keyboard_walk", "repetition", "digest_form"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row.password)[:40])
def test_the_browser_and_the_rules_agree_on_the_table(row: Row) -> None:
    constraints = html_constraints(Policy())
    fits = int(constraints["minlength"]) <= len(row.password) <= int(constraints["maxlength"])
    seen = bool(fits and re.fullmatch(constraints["pattern"], row.password))
    assert seen is not bool(set(row.violations) - UNSEEN)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_sentences_agree_in_number(language: str) -> None:
    one, many = (list(sentences(rules, language).values()) for rules in (Policy(), Policy(min_digit=2)))
    assert len(one) == len(many) == 10
    assert ("chiffre." if language == "fr" else "digit.") in one[3]
    assert ("2 chiffres." if language == "fr" else "2 digits.") in many[3]
    assert "12" in one[0]


def test_unknown_languages_are_told_in_english() -> None:
    assert sentences(Policy(), "br") == sentences(Policy(), "en")
