"""Judge a password: every rule that it breaks, by name.

Knows more than slapd's checker: common and academic words, runs of neighbouring keys, repetitions. Whatever slapd
refuses by its rules is refused here first, save what only it can know (the history).
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from . import dictionary
from .model import DIGITS, LOWER, UPPER, Policy

WALK = 5  # neighbouring keys, at least, that make a walk
REPEAT = 4  # times the same character, at least, that make a repetition
_SCHEME = re.compile(r"\{[^}]*\}")
_TOKEN = 3  # letters of a name, at least, for it to count (slapd's checker counts likewise)
_LEFT_OVER = 2  # letters that may remain between common words
_LEET = str.maketrans("0134578@$!|+", "oieastbasilt")
_ROWS = (
    "1234567890",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1aqw2zsx3edc4rfv5tgb6yhn7uj",
    "aqwzsxedcrfvtgbyhnuj",
    LOWER,
)
MESSAGES = {
    "fr": {
        "too_short": "Trop court : {least} caractères au moins.",
        "too_long": "Trop long : {most} caractères au plus.",
        "missing_upper": "Il manque une lettre majuscule sans accent.",
        "missing_lower": "Il manque une lettre minuscule sans accent.",
        "missing_digit": "Il manque un chiffre.",
        "missing_special": "Il manque un caractère spécial (par exemple - ! ? ; : @).",
        "forbidden_character": "Caractère refusé : ni accent, ni signe invisible, que chaque appareil écrit autrement.",
        "digest_form": "Ne peut commencer par un mot entre accolades.",
        "contains_login": "Contient votre identifiant.",
        "contains_name": "Contient votre nom, votre prénom ou votre adresse.",
        "common_word": "Formé de mots trop courants.",
        "keyboard_walk": "Contient une suite de touches ou de caractères voisins.",
        "repetition": "Répète trop le même caractère.",
        "in_history": "Déjà utilisé : choisissez un mot de passe que vous n’avez jamais eu.",
        "refused": "Refusé par les règles de l’annuaire.",
    },
    "en": {
        "too_short": "Too short: {least} characters at least.",
        "too_long": "Too long: {most} characters at most.",
        "missing_upper": "An unaccented capital letter is missing.",
        "missing_lower": "An unaccented small letter is missing.",
        "missing_digit": "A digit is missing.",
        "missing_special": "A special character is missing (such as - ! ? ; : @).",
        "forbidden_character": "Character refused: no accents, no invisible signs; devices write them differently.",
        "digest_form": "May not begin with a word in braces.",
        "contains_login": "Contains your log-in.",
        "contains_name": "Contains your surname, your first name or your address.",
        "common_word": "Made of words that are too common.",
        "keyboard_walk": "Contains a run of neighbouring keys or characters.",
        "repetition": "Repeats the same character too often.",
        "in_history": "Used before: choose a password that you never had.",
        "refused": "Refused by the rules of the directory.",
    },
}


@dataclass(frozen=True)
class Context:
    """The owner of the password: log-in and its aliases, names, addresses."""

    login: str = ""
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    """One broken rule. `code` is stable; `values` fill the sentence."""

    code: str
    values: Mapping[str, int] = field(default_factory=dict)

    def message(self, language: str = "fr") -> str:
        """The rule as a sentence; unknown languages get English."""
        return MESSAGES.get(language, MESSAGES["en"])[self.code].format(**self.values)


def check(password: str, context: Context | None = None, policy: Policy | None = None) -> list[Violation]:
    """All rules that a password breaks, in a fixed order; an empty list means that it is accepted."""
    policy = policy or Policy()
    context = context or Context()
    if len(password) > policy.max_length:
        # A text of any length is judged in bounded time: what is too long is refused for that alone.
        return [Violation("too_long", {"most": policy.max_length})]
    violations = _classes(password, policy)
    if len(password) < policy.min_length:
        violations.insert(0, Violation("too_short", {"least": policy.min_length}))
    if any(not 32 <= ord(character) <= 126 for character in password):
        violations.append(Violation("forbidden_character"))
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        # The directory would read the name of a digest's scheme, and refuse or, worse, believe it.
        ("digest_form", lambda: _SCHEME.match(password) is not None),
        ("contains_login", lambda: _contains(password, _login_tokens(context))),
        ("contains_name", lambda: _contains(password, _name_tokens(context))),
        ("common_word", lambda: bool(common_words(password))),
        ("keyboard_walk", lambda: _has_walk(password)),
        ("repetition", lambda: _has_repetition(password)),
    )
    return violations + [Violation(code) for code, test in tests if test()]


def _classes(password: str, policy: Policy) -> list[Violation]:
    return [
        Violation(f"missing_{name}")
        for name, characters, least in policy.classes
        if sum(character in characters for character in password) < least
    ]


def limits(policy: Policy) -> dict[str, object]:
    """All that a browser needs to judge a password as `check` does (`portal/malleposte_portal/static/rules.js`)."""
    return {
        "min": policy.min_length,
        "max": policy.max_length,
        "classes": [[name, characters, least] for name, characters, least in policy.classes],
        "words": sorted(dictionary.ALL),
        "rows": list(_ROWS),
        "walk": WALK,
        "repeat": REPEAT,
        "token": _TOKEN,
        "left": _LEFT_OVER,
        "leet": {chr(sign): chr(letter) for sign, letter in _LEET.items() if isinstance(letter, int)},
    }


def fold(text: str) -> str:
    """Small letters without accents."""
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae"))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _tokens(texts: Iterable[str]) -> set[str]:
    """Words of at least _TOKEN characters, and each text as a whole."""
    tokens: set[str] = set()
    for text in texts:
        folded = fold(text)
        parts = [*re.split(r"[^a-z0-9]+", folded), re.sub(r"[^a-z0-9]+", "", folded), folded]
        tokens.update(part for part in parts if len(part) >= _TOKEN)
    return tokens


def _login_tokens(context: Context) -> set[str]:
    return _tokens((context.login, *context.aliases))


def _name_tokens(context: Context) -> set[str]:
    local = [address.partition("@")[0] for address in context.addresses]
    domains = [address.partition("@")[2].rpartition(".")[0] for address in context.addresses]
    return _tokens((*context.names, *local, *domains))


def _contains(password: str, tokens: set[str]) -> bool:
    folded = fold(password)
    return any(token in folded for token in tokens)


def _covering(letters: str) -> tuple[str, ...]:
    """Return the fewest common words that make up the letters, but for a few; none where they do not."""
    # best[i]: of the first i letters the fewest that no word takes, then the fewest words, and these.
    best: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
    longest = max(map(len, dictionary.ALL))
    for end in range(1, len(letters) + 1):
        left, count, words = best[end - 1]
        fewest = (left + 1, count, words)
        for start in range(max(0, end - longest), end - 2):
            if (word := letters[start:end]) in dictionary.ALL:
                left, count, words = best[start]
                fewest = min(fewest, (left, count + 1, (*words, word)))
        best.append(fewest)
    return best[-1][2] if best[-1][0] <= _LEFT_OVER else ()


def common_words(password: str) -> tuple[str, ...]:
    """Return the common words that a password is made of, as it stands or as digits and signs imitate letters.

    Few letters between many digits and signs are not words: at least four are asked for.
    """
    folded = fold(password)
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", folded)
    readings = (re.sub(r"[^a-z]", "", folded), re.sub(r"[^a-z]", "", core.translate(_LEET)))
    return next((words for one in readings if len(one) >= 4 and (words := _covering(one))), ())


_RUNS = frozenset(run[i : i + WALK] for line in _ROWS for run in (line, line[::-1]) for i in range(len(run) - WALK + 1))


def _has_walk(password: str) -> bool:
    folded = fold(password)
    return any(folded[i : i + WALK] in _RUNS for i in range(len(folded) - WALK + 1))


def _has_repetition(password: str) -> bool:
    return re.search(rf"(.)\1{{{REPEAT - 1}}}", password, re.DOTALL) is not None


class Chooser(Protocol):
    """The methods that the generator needs of a source of randomness."""

    def choice(self, seq: str, /) -> str:
        """One character of a text."""

    def shuffle(self, x: list[str], /) -> None:
        """Put a list in random order."""


def generate(
    context: Context | None = None, policy: Policy | None = None, length: int = 16, chooser: Chooser | None = None
) -> str:
    """A random password that keeps the rules, without characters that are easily confused (0 O, 1 l I).

    `length` is in characters and never below what the policy asks. Random from the system unless a chooser is given.
    """
    policy = policy or Policy()
    source: Chooser = chooser or secrets.SystemRandom()
    size = min(max(length, policy.min_length), policy.max_length)
    clear = {"upper": _without(UPPER, "IO"), "lower": _without(LOWER, "lo"), "digit": _without(DIGITS, "01")}
    clear["special"] = "-+=:;,.?!*@#%"
    every = "".join(clear.values())
    for _attempt in range(1000):
        characters = [source.choice(clear[name]) for name, _all, least in policy.classes for _i in range(least)]
        characters += [source.choice(every) for _i in range(size - len(characters))]
        source.shuffle(characters)
        password = "".join(characters)
        if not check(password, context, policy):
            return password
    raise ValueError("no password keeps these rules")


def _without(characters: str, dropped: str) -> str:
    return "".join(character for character in characters if character not in dropped)
