"""One cell: its canonical form, or why it is refused. Facts: docs/fr and the sources named at each check."""

from __future__ import annotations

import datetime
import functools
import re
import unicodedata

from malleposte.accounts import names
from malleposte.platform.classes import Classes
from malleposte.policy.rules import fold

LONGEST = 200
"""Characters of a cell. What is longer is not a name, a code nor an address."""
_NUMEN = re.compile(r"[0-9]{2}[A-Z][0-9]{7}[A-Z]{3}")
_UAI = re.compile(r"[0-9]{7}[A-Z]")
_UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_REGIONS = ("FR", "GP", "MQ", "GF", "RE", "YT")
"""Parts of France by their telephone numbers: all write them with 0, and no number is of two of them."""
_FRANCE = 33
_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
_NAME_SIGNS = " -'’ʼ.()"
_LETTERS = "A-Za-zÀ-ÖØ-öø-ÿŒœŸ"
"""Letters of French and its neighbours, each one sign: a log-in can be made of any of them."""
_USUAL = re.compile(rf"[ -~’{_LETTERS}]*")
_USUAL_NAME = re.compile(rf"[ .()'’-]*[{_LETTERS}][ .()'’{_LETTERS}-]*")
_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
"""The usual local part of an address: only its length remains to be judged."""
_MOST_LOCAL, _MOST_ADDRESS = 64, 254
"""Characters of a local part and of an address (RFC 5321, 4.5.3.1)."""
_USUAL_PHONE = re.compile(r"0[1-9](?:[ .-]?[0-9]{2}){4}")
_FORMULA = ("=", "+", "@", "|", "%", "＝", "＋", "－", "＠")
_MOST_MARKS = 2
_DEPARTMENT = re.compile(r"[0-9]{2}|2[AB]|97[1-8]|98[678]")
_YES = frozenset(("oui", "o", "vrai", "x", "1", "yes", "true"))
_NO = frozenset(("non", "n", "faux", "0", "no", "false"))
_POSTAL = re.compile(r"[0-9]{5}")


class BadValueError(ValueError):
    """A cell that cannot be used: why, in English for the operator's terminal, in French for the sender of the file."""

    def __init__(self, why: str, french: str) -> None:
        super().__init__(why)
        self.french = french


def shown(text: str, most: int = 40) -> str:
    """The start of a text from a file, fit for a terminal: what does not print is written as its number."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text.strip()[:most])


def plain(text: str, most: int = LONGEST) -> str:
    """Composed (NFC), blanks made single. Raises BadValueError on what no cell of a feed holds."""
    if len(text) > most:
        raise BadValueError(f"{len(text)} characters, {most} at most", f"{len(text)} caractères, {most} au plus")
    if _USUAL.fullmatch(text):
        return " ".join(text.split())
    marks = 0
    composed = unicodedata.normalize("NFC", text)
    for sign in composed:
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn") and sign not in "\t\n\r":
            code = f"U+{ord(sign):04X}"
            raise BadValueError(f"invisible or unknown character {code}", f"caractère invisible ou inconnu {code}")
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks > _MOST_MARKS:
            raise BadValueError(
                "a letter with more marks than any language gives it",
                "une lettre porte plus de signes que dans aucune langue",
            )
    return " ".join(composed.split())


def person_name(text: str) -> str:
    """A surname or a first name: Latin letters, blanks, hyphens, apostrophes; a log-in can be made of it.

    Letters of another alphabet are refused even beside Latin ones: they look alike and are none.
    """
    name = plain(text)
    if not name:
        raise BadValueError("empty", "vide")
    if _USUAL_NAME.fullmatch(name):
        return name
    for sign in name:
        if sign.isalpha() and sign not in _NAME_SIGNS:
            if not (sign.isascii() or unicodedata.name(sign, "").startswith("LATIN ")):
                raise BadValueError(
                    f"{sign!r} is no letter of the Latin alphabet", f"{sign!r} n’est pas une lettre de l’alphabet latin"
                )
        elif sign not in _NAME_SIGNS and not unicodedata.combining(sign):
            raise BadValueError(f"{sign!r} is not part of a name", f"{sign!r} n’a pas sa place dans un nom")
    try:
        names.slug(name)
    except names.UnusableName as error:
        raise BadValueError("no letter of the Latin alphabet", "aucune lettre de l’alphabet latin") from error
    return name


@functools.lru_cache(4096)
def label(text: str) -> str:
    """Free words (corps, discipline, function, name of a school). A sign that starts a formula is refused."""
    words = plain(text)
    if words.startswith(_FORMULA) or (words.startswith("-") and words[1:2].isalnum()):
        raise BadValueError(f"begins like a formula: {words[:20]!r}", f"commence comme une formule : {words[:20]!r}")
    if words and not any(sign.isalnum() for sign in words):
        raise BadValueError("neither letter nor digit", "ni lettre ni chiffre")
    return words


def numen(text: str) -> str:
    """A NUMEN: 2 digits, a letter, 7 digits, 3 letters. It has no check key."""
    code = plain(text).replace(" ", "").upper()
    if not code:
        raise BadValueError("empty", "vide")
    if not _NUMEN.fullmatch(code):
        # The value is confidential: never repeated.
        raise BadValueError(
            "not a NUMEN (2 digits, a letter, 7 digits, 3 letters)",
            "n’est pas un NUMEN (2 chiffres, une lettre, 7 chiffres, 3 lettres)",
        )
    return code


@functools.lru_cache(4096)
def uai(text: str) -> str:
    """An UAI code: 7 digits and the letter that checks them (remainder by 23)."""
    code = plain(text).replace(" ", "").upper()
    if not _UAI.fullmatch(code):
        raise BadValueError(
            f"{code[:20]!r} is not an UAI code (7 digits and a letter)",
            f"{code[:20]!r} n’est pas un code UAI (7 chiffres et une lettre)",
        )
    right = _UAI_LETTERS[int(code[:7]) % 23]
    if code[7] != right:
        raise BadValueError(
            f"{code} has a wrong check letter ({right} is right for {code[:7]})",
            f"la lettre de contrôle de {code} est fausse ({right} pour {code[:7]})",
        )
    return code


@functools.lru_cache(4096)
def uais(text: str) -> tuple[str, ...]:
    """Several UAI codes, separated by anything that is no letter nor digit; each once, in their order."""
    return tuple(dict.fromkeys(uai(code) for code in re.split(r"[^0-9A-Za-z]+", plain(text)) if code))


@functools.lru_cache(4096)
def date(text: str) -> str:
    """A date as YYYY-MM-DD, from that or from DD/MM/YYYY."""
    words = plain(text)
    for form in _DATES:
        try:
            day = datetime.datetime.strptime(words, form).replace(tzinfo=datetime.UTC).date()
        except ValueError:
            continue
        if not 1900 <= day.year <= 2200:
            raise BadValueError(f"{words}: the year is not likely", f"{words} : année peu vraisemblable")
        return day.isoformat()
    raise BadValueError(
        f"{words[:20]!r} is not a date (31/12/2026 or 2026-12-31)",
        f"{words[:20]!r} n’est pas une date (31/12/2026 ou 2026-12-31)",
    )


def phone(text: str) -> str:
    """A telephone number in E.164; national ones are French, of the mainland or of a department overseas."""
    import phonenumbers

    words = plain(text)
    if _USUAL_PHONE.fullmatch(words):
        # All that a parse would find in it, at a third of the cost: nearly all numbers of a feed are written so.
        usual = phonenumbers.PhoneNumber(_FRANCE, int("".join(filter(str.isdigit, words))))
        if phonenumbers.is_valid_number(usual):
            return f"+{_FRANCE}{usual.national_number}"
    try:
        # One region after the other: nearly all are of the first, and a parse is dear in a feed of thousands.
        numbers = (phonenumbers.parse(words, region) for region in _REGIONS)
        number = next((one for one in numbers if phonenumbers.is_valid_number(one)), None)
    except phonenumbers.NumberParseException as error:
        raise BadValueError(
            f"{words[:20]!r} is not a telephone number", f"{words[:20]!r} n’est pas un numéro de téléphone"
        ) from error
    if number is None:
        raise BadValueError(
            f"{words[:20]!r} is not a telephone number in use",
            f"{words[:20]!r} n’est pas un numéro de téléphone attribué",
        )
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def address(text: str) -> str:
    """An address outside the academy, ASCII or with an internationalised domain (RFC 5321, RFC 6531)."""
    words = plain(text)
    local, _at, domain = words.rpartition("@")
    whole = ""
    if len(local) > _MOST_LOCAL or len(words) > _MOST_ADDRESS or not (words.isascii() and _LOCAL.fullmatch(local)):
        whole = _checked(words)
    elif usual := _usual_domain(domain):
        # The domains of a feed are few, and the check of an address spends its time on them.
        whole = f"{local}@{usual}"
    if not whole:
        raise BadValueError(f"{words[:60]!r} is not an address", f"{words[:60]!r} n’est pas une adresse de messagerie")
    return whole.lower()


@functools.lru_cache(4096)
def _usual_domain(domain: str) -> str:
    """The domain as `_checked` writes it beside a usual local part; empty where that refuses it."""
    return _checked(f"a@{domain}").removeprefix("a@")


def _checked(words: str) -> str:
    """An address with its domain in ASCII; empty where it is none."""
    import email_validator

    try:
        # test_environment lets the reserved domain `.test` through (RFC 6761): no mail ever reaches it.
        validated = email_validator.validate_email(
            words, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except email_validator.EmailNotValidError:
        return ""
    return f"{validated.local_part}@{validated.ascii_domain}"


def profile(text: str, classes: Classes) -> str:
    """A class of service, by its name or by another word that the platform gives it."""
    words = plain(text)
    meant = classes.meant(words)
    if meant is None:
        raise BadValueError(
            f"{words[:20]!r} is no class of service ({' or '.join(sorted(classes))})",
            f"{words[:20]!r} n’est pas une classe de service ({' ou '.join(sorted(classes))})",
        )
    return meant.name


def department(text: str) -> str:
    """The number of a département: 21, 2A, 974; HR systems write three characters (021, 02A)."""
    code = plain(text).upper()
    code = code[1:] if len(code) == 3 and code.startswith("0") else code.zfill(2)
    if not _DEPARTMENT.fullmatch(code):
        raise BadValueError(
            f"{code[:20]!r} is not the number of a département", f"{code[:20]!r} n’est pas un numéro de département"
        )
    return code


def postal_code(text: str) -> str:
    """A French postal code; the zero that a spreadsheet ate is put back."""
    code = plain(text).zfill(5)
    if not _POSTAL.fullmatch(code):
        raise BadValueError(f"{code[:20]!r} is not a postal code", f"{code[:20]!r} n’est pas un code postal")
    return code


def list_name(text: str) -> str:
    """The name of a distribution list, or its address: what stands before the @, in small letters."""
    name = plain(text).lower().partition("@")[0]
    if not name:
        raise BadValueError("empty", "vide")
    return name


def words(text: str) -> tuple[str, ...]:
    """Log-ins, addresses and the like, separated by blanks, commas or bars; each once, in their order.

    `@members` begins like a formula, and comes back from the file of refused rows with an apostrophe before it.
    """
    return tuple(dict.fromkeys(plain(word.lstrip("'")) for word in re.split(r"[\s,;|]+", text) if word.strip("'")))


def rules(text: str) -> tuple[str, ...]:
    """Rules of lists, separated by bars."""
    return tuple(plain(rule) for rule in text.split("|") if rule.strip())


def number(text: str) -> int:
    """A whole number from 1 to a million."""
    digits = plain(text).replace(" ", "")
    if not re.fullmatch(r"[0-9]{1,7}", digits) or not 1 <= int(digits) <= 1_000_000:
        raise BadValueError(
            f"{digits[:20]!r} is not a number from 1 to 1000000", f"{digits[:20]!r} n’est pas un nombre de 1 à 1000000"
        )
    return int(digits)


def flag(text: str) -> bool:
    """Oui or non, and what spreadsheets make of it."""
    word = plain(text).lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise BadValueError(f"{word[:20]!r} is neither oui nor non", f"{word[:20]!r} n’est ni oui ni non")


_ROOMS, _EQUIPMENT = ("salle", "salles", "lieu"), ("materiel", "equipement", "vehicule")


def equipment(text: str) -> bool:
    """Salle or matériel: whether it is the latter."""
    word = fold(plain(text))
    if word in _ROOMS or word in _EQUIPMENT:
        return word in _EQUIPMENT
    raise BadValueError(
        f"{word[:20]!r} is neither salle nor matériel", f"{word[:20]!r} : écrivez « salle » ou « matériel »"
    )


MOST_BOOKINGS = 999


def bookings(text: str) -> int:
    """The number of bookings that a resource takes at the same time."""
    count = number(text)
    if count > MOST_BOOKINGS:
        raise BadValueError(f"{count} is more than {MOST_BOOKINGS}", f"{count} : {MOST_BOOKINGS} au plus")
    return count


def bookers(text: str) -> tuple[str, ...]:
    """Agents who may book: rules between bars, and words such as `tous`, `école` or log-ins."""
    parts = [part for part in text.split("|") if part.strip()]
    return tuple(dict.fromkeys(word for part in parts for word in ((plain(part),) if "=" in part else words(part))))
