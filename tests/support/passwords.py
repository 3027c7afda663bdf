"""Passwords and what is to be said of them: one table for the policy, for `malleposte password check`, for slapd.

`violations` are the codes of policy.rules in their order; `slapd` is whether the directory takes the password too.
Where it takes what the policy refuses, only the policy knows why (words, neighbouring keys, repetitions, a tab).
"""

from dataclasses import dataclass

from malleposte.policy.rules import Context

LOGIN, GIVEN_NAME, SURNAME, MAIL = "jdupont", "Jean", "Dupont", "jean.dupont@ac-exemple.test"
OWNER = Context(LOGIN, names=(GIVEN_NAME, SURNAME), addresses=(MAIL,))

MISSING = ("missing_upper", "missing_lower", "missing_digit", "missing_special")


@dataclass(frozen=True)
class Row:
    """One password of the owner."""

    password: str
    violations: tuple[str, ...] = ()
    slapd: bool = False
    note: str = ""


def good(password: str, note: str = "") -> Row:
    """Both take it."""
    return Row(password, (), True, note)


def bad(password: str, *violations: str, note: str = "") -> Row:
    """Both refuse it."""
    return Row(password, violations, False, note)


def known(password: str, *violations: str, note: str = "") -> Row:
    """Only the policy refuses it."""
    return Row(password, violations, True, note)


def of_length(length: int) -> str:
    """A good password of that many characters."""
    return ("Tulipe-47;Renard+58:Lampe?93" * 6)[: length - 2] + "!Z"


ROWS = (
    good("Tulipe-Verte-47"),
    good("Renard;Bleu;512"),
    good("k7#Vq!2mZp$X", note="twelve characters"),
    good("Ma phrase = 7 mots !", note="spaces count for the length"),
    good(" Lampe-Douce-77 ", note="spaces at its ends belong to it"),
    good("Xy\"\\'<>&|`~{}[]7"),
    good("Lampe{Douce}-77", note="braces are only a digest's at its beginning"),
    good("-Lampe-Douce-77"),
    good("#Lampe-Douce-77"),
    good(of_length(128)),
    bad(of_length(129), "too_long"),
    bad("aA1!" * 1000, "too_long"),
    bad("", "too_short", *MISSING),
    bad("            ", *MISSING, "repetition", note="twelve spaces"),
    bad("Sh0rt-A!", "too_short"),
    bad("k7#Vq!2mZp$", "too_short", note="eleven characters"),
    bad("Lampe-Douce", "too_short", "missing_digit"),
    bad("lampe-douce-77", "missing_upper"),
    bad("LAMPE-DOUCE-77", "missing_lower"),
    bad("Lampe-Douce-Bleue", "missing_digit"),
    bad("LampeDouce77Bleue", "missing_special"),
    bad("LampeDouce77 Bleue", "missing_special", note="a space is of no class"),
    bad("tulipeverteetdouce", "missing_upper", "missing_digit", "missing_special"),
    bad("Lampe-Dorée-77", "forbidden_character"),
    bad("Lampe-Dore\u0301e-77", "forbidden_character", note="the accent apart"),
    bad("Éé1!Aaçç", "too_short", "forbidden_character", note="eight characters in twelve bytes"),
    bad("Éàçùêî1!Aaçç", "forbidden_character", note="twelve characters in twenty bytes"),
    bad("É" * 64 + "a1!", "missing_upper", "forbidden_character", "repetition", note="131 bytes, 67 characters"),
    bad("Lampe-Douce-77€", "forbidden_character"),
    bad("Lampe-Douce-7７", "forbidden_character", note="a wide digit"),
    bad("Lampe\u00a0Douce-77", "forbidden_character", note="a hard space"),
    bad("Lampe\u200bDouce-77", "forbidden_character", note="a space without width"),
    bad("Lampe-Douce-77😀", "forbidden_character"),
    bad("Lampe-Douce-77\u0007", "forbidden_character"),
    bad("Lampe-Douce-77\x7f", "forbidden_character"),
    known("Lampe\tDouce-77", "forbidden_character", note="ppm takes white space for a separator of its own"),
    known("Lampe\nDouce-77", "forbidden_character"),
    bad("{SSHA}Lampe-Douce-77", "digest_form", note="read as a digest"),
    bad("{SSHA512}Lampe-Douce-77", "digest_form"),
    bad("{ARGON2}$argon2id$v=19$m=8,t=1,p=1$Lampe", "digest_form"),
    bad("{CRYPT}Lampe-Douce-77", "digest_form"),
    known("{Lampe}Douce-77", "digest_form", note="of no scheme that slapd knows"),
    bad("jdupont-XZ-9182", "contains_login", "contains_name"),
    bad("Jdupont;Verte;47", "contains_login", "contains_name"),
    bad("Vert-Dupont-4712", "contains_name"),
    bad("VERT-dUPONt-4712", "contains_name"),
    bad("Jean;Tulipe;4712", "contains_name"),
    known("Exemple;Tulipe;47", "contains_name", note="the academy's own name"),
    bad("Düpônt-Tulipe-47", "forbidden_character", "contains_name"),
    known("Motdepasse2024!", "common_word"),
    known("M0tdep@sse2024!", "common_word"),
    known("Password1234!", "common_word"),
    known("Bordeaux2025!!", "common_word"),
    known("Professeur-College-26", "common_word"),
    known("Rentree-2026-!", "common_word"),
    known("Azertyuiop1!", "common_word", "keyboard_walk"),
    known("Wxcvb-Tulipe-47", "keyboard_walk"),
    known("Tulipe-54321-Verte", "keyboard_walk"),
    known("1Qaz2wsx-Tulipe", "keyboard_walk"),
    known("AbcdeFGHIJ1!kz", "keyboard_walk"),
    known("AAAAaaaa1111!", "repetition"),
)
