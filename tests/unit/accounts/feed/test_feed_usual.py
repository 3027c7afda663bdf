"""Cells of the usual forms are judged the short way: it takes and writes what the long way does."""

import itertools
import unicodedata
from typing import Any

import email_validator
import phonenumbers
import pytest
from malleposte.accounts import names
from malleposte.accounts.feed import values

LOCALS = (
    *("jean.dupont", "J_D+x-1", "a", "1", "a" * 64, "a" * 65, "a.b" * 20, ".a", "a.", "a..b", "", "a b", "a'b", "a!b"),
    *('"a"', "é", "a@b", "a#b", "a%b", "postmaster", "A.b-C", "a\\", "a,b", "a;b", "a<b", "a(b)"),
)
DOMAINS = (
    *("exemple.test", "Exemple.TEST", "gmail.com", "a.b.c.fr", "localhost", "x.local", "x.invalid", "x.onion", "a"),
    *("example", "-a.fr", "a-.fr", "a--b.fr", "ab--c.fr", "xn--bcher-kva.fr", "bücher.fr", "[192.0.2.1]", "a..fr"),
    *(".fr", "a.fr.", "", "a_b.fr", "a b.fr", "a." * 60 + "fr", "bc." * 60 + "fr", "x" * 63 + ".fr", "x" * 64 + ".fr"),
    *("1.2", "a.123", "a>.fr", "<a.fr", "a.fr>"),
)


def long_way(words: str) -> str:
    """An address as the library alone judges it; empty where it refuses."""
    try:
        found = email_validator.validate_email(
            values.plain(words, 10_000), check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except email_validator.EmailNotValidError:
        return ""
    return f"{found.local_part}@{found.ascii_domain}".lower()


def short_way(words: str) -> str:
    try:
        return values.address(words)
    except values.BadValueError:
        return ""


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_address_is_judged_as_the_library_does(domain: str) -> None:
    typed = [f"{local}@{domain}" for local in LOCALS]
    judged = [one for one in typed if len(one) <= values.LONGEST]
    assert judged
    assert [short_way(one) for one in judged] == [long_way(one) for one in judged]


def test_a_domain_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked, real = list[str](), email_validator.validate_email

    def validate(words: str, **more: Any) -> Any:
        checked.append(words)
        return real(words, **more)

    monkeypatch.setattr(email_validator, "validate_email", validate)
    assert [values.address(f"agent{number}@une-fois.test") for number in range(3)][2] == "agent2@une-fois.test"
    assert len(checked) == 1


def parsed(typed: str) -> str:
    """A number of any part of France as the library alone judges it; empty where it refuses."""
    try:
        numbers = (phonenumbers.parse(typed, region) for region in ("FR", "GP", "MQ", "GF", "RE", "YT"))
        number = next((one for one in numbers if phonenumbers.is_valid_number(one)), None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else ""


def number_of(typed: str) -> str:
    try:
        return values.phone(typed)
    except values.BadValueError:
        return ""


def test_a_usual_telephone_number_is_that_which_a_parse_gives() -> None:
    for first, second, sign in itertools.product(range(10), range(100), ("", " ", ".", "-")):
        typed = sign.join((f"0{first}", f"{second:02d}", "12", "34", "56"))
        assert number_of(typed) == parsed(typed), typed


def test_a_usual_sign_is_composed_and_a_log_in_is_made_of_every_letter() -> None:
    for number in range(0x20, 0x250):
        sign = chr(number)
        try:
            assert values.plain(f"a{sign}b") == " ".join(unicodedata.normalize("NFC", f"a{sign}b").split())
            assert values.person_name(sign) == sign
        except values.BadValueError:
            continue
        assert unicodedata.name(sign).startswith("LATIN ") and names.slug(sign)


@pytest.mark.parametrize("name", ["O'Brien", "Le Goff", "Saint-Martin (de)", "J.", "L’Héritier", "Élodie"])
def test_a_name_is_taken(name: str) -> None:
    assert values.person_name(f"  {name.replace(' ', '  ')} ") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        "'()",
        "Martin1",
        "Martin@",
        "Ma_rtin",
        "Martin\n;",
        "Mаrtin",
        "×",
        "÷",
        "’",
        "ª",
        "Ma\u200drtin",
        "\x7f",
        "\xa0",
    ],
)
def test_a_name_is_refused(name: str) -> None:
    with pytest.raises(values.BadValueError):
        values.person_name(name)
