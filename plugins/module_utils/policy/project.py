"""The policy told to others: to slapd (ppolicy and its checker ppm), to a browser, to people in French and English."""

from __future__ import annotations

from .model import FORBIDDEN_BYTES, SECONDS_A_DAY, Policy

# Names of ppm's classes; it takes any, these are the customary ones.
_PPM_CLASSES = {"upper": "upperCase", "lower": "lowerCase", "digit": "digit", "special": "special"}
# Attributes of the entry whose words a password must not hold.
NAME_ATTRIBUTES = ("uid", "sn", "givenName", "mail")

SENTENCE_OF = {
    "too_short": "length",
    "too_long": "length",
    "missing_upper": "upper",
    "missing_lower": "lower",
    "missing_digit": "digit",
    "missing_special": "special",
    "forbidden_character": "ascii",
    "contains_login": "names",
    "contains_name": "names",
    "digest_form": "common",
    "common_word": "common",
    "keyboard_walk": "common",
    "repetition": "common",
}
"""The sentence that tells a violation of rules.check; the history is known to the directory alone."""

_SENTENCES = {
    "fr": {
        "length": "Au moins {min_length} caractères, au plus {max_length}.",
        "upper": "Au moins {n} lettre majuscule sans accent (A à Z).|"
        "Au moins {n} lettres majuscules sans accent (A à Z).",
        "lower": "Au moins {n} lettre minuscule sans accent (a à z).|"
        "Au moins {n} lettres minuscules sans accent (a à z).",
        "digit": "Au moins {n} chiffre.|Au moins {n} chiffres.",
        "special": "Au moins {n} caractère spécial, par exemple - ! ? ; : @.|"
        "Au moins {n} caractères spéciaux, par exemple - ! ? ; : @.",
        "ascii": "Ni lettre accentuée, ni caractère invisible.",
        "names": "Ni votre identifiant, ni votre nom, ni votre prénom.",
        "common": "Ni mot de passe courant, ni suite de touches du clavier.",
        "history": "Différent du précédent.|Différent de vos {n} derniers mots de passe.",
        "renewal": "À renouveler tous les {n} jours ; un rappel vous est envoyé avant l’échéance.",
    },
    "en": {
        "length": "At least {min_length} characters, at most {max_length}.",
        "upper": "At least {n} unaccented capital letter (A to Z).|At least {n} unaccented capital letters (A to Z).",
        "lower": "At least {n} unaccented small letter (a to z).|At least {n} unaccented small letters (a to z).",
        "digit": "At least {n} digit.|At least {n} digits.",
        "special": "At least {n} special character, such as - ! ? ; : @.|"
        "At least {n} special characters, such as - ! ? ; : @.",
        "ascii": "No accented letter, no invisible character.",
        "names": "Neither your log-in, nor your surname, nor your first name.",
        "common": "No common password, no run of neighbouring keys.",
        "history": "Different from the previous one.|Different from your last {n} passwords.",
        "renewal": "To be renewed every {n} days; a reminder is sent before the end.",
    },
}


def ppm_conf(policy: Policy) -> bytes:
    """The text of pwdCheckModuleArg for ppm: classes, names, forbidden bytes. A line ends with LF.

    `minQuality` counts the classes that are met, so it is the number of classes asked for.
    """
    asked = [(name, characters, least) for name, characters, least in policy.classes if least]
    # NUL ends a text in C, and ppm takes white space for its own separator: slapd cannot be told of these.
    forbidden = bytes(byte for byte in FORBIDDEN_BYTES if byte not in b"\t\n\v\f\r")
    lines = [
        b"minQuality %d" % len(asked),
        b"checkRDN 1",
        b"checkAttributes " + ",".join(NAME_ATTRIBUTES).encode(),
        b"forbiddenChars " + forbidden,
        b"maxConsecutivePerClass 0",
        b"useCracklib 0",
        b"cracklibDict /var/cache/cracklib/cracklib_dict",
    ]
    for name, characters, least in asked:
        lines.append(b"class-%s %s %d %d 0" % (_PPM_CLASSES[name].encode(), characters.encode(), least, 1))
    return b"\n".join(lines) + b"\n"


def ppolicy_attributes(policy: Policy) -> dict[str, list[bytes]]:
    """Attributes of the agents' pwdPolicy entry. Times in it are seconds.

    pwdSafeModify is FALSE since only the writer changes a password, after it has proved the old one by a bind.
    """
    warning = max(policy.warning_days, default=0) * SECONDS_A_DAY
    text = {
        "pwdAttribute": "userPassword",
        "pwdCheckQuality": "2",
        "pwdMinLength": str(policy.min_length),
        "pwdMaxLength": str(policy.max_length),
        "pwdUseCheckModule": "TRUE",
        "pwdInHistory": str(policy.history),
        "pwdMinAge": "0",
        "pwdMaxAge": str(policy.renewal_days * SECONDS_A_DAY),
        "pwdExpireWarning": str(warning if policy.renewal_days else 0),
        "pwdGraceAuthnLimit": "0",
        "pwdMustChange": "TRUE",
        "pwdSafeModify": "FALSE",
        "pwdLockout": "TRUE" if policy.max_failures else "FALSE",
        "pwdMaxFailure": str(policy.max_failures),
        "pwdLockoutDuration": str(policy.lockout_seconds),
        "pwdFailureCountInterval": str(policy.lockout_seconds),
    }
    result = {name: [value.encode()] for name, value in text.items()}
    result["pwdCheckModuleArg"] = [ppm_conf(policy)]
    return result


def service_attributes() -> dict[str, list[bytes]]:
    """Attributes of the policy of machines' accounts: no end, no lock-out (it would stop the mail), no check."""
    text = {
        "pwdAttribute": "userPassword",
        "pwdCheckQuality": "0",
        "pwdMaxAge": "0",
        "pwdLockout": "FALSE",
        "pwdMustChange": "FALSE",
    }
    return {name: [value.encode()] for name, value in text.items()}


def html_constraints(policy: Policy) -> dict[str, str]:
    """Attributes of an <input type="password">: what a browser can check before anything is sent."""
    parts = [f"(?=(?:.*[{_html_class(characters)}]){{{least}}})" for _n, characters, least in policy.classes if least]
    return {
        "minlength": str(policy.min_length),
        "maxlength": str(policy.max_length),
        "pattern": "".join(parts) + "[ -~]*",
        "passwordrules": _passwordrules(policy),
        "autocomplete": "new-password",
    }


def _html_class(characters: str) -> str:
    """Characters as the inside of a class in a regular expression with the flag v."""
    return "".join(f"\\u{ord(c):04x}" if not c.isalnum() else c for c in characters)


def _passwordrules(policy: Policy) -> str:
    """The rules in the words that password managers read."""
    rules = [f"minlength: {policy.min_length}", f"maxlength: {policy.max_length}"]
    rules += [f"required: {name}" for name, _characters, least in policy.classes if least]
    return "; ".join(rules) + ";"


def sentences(policy: Policy, language: str = "fr") -> dict[str, str]:
    """The rules as sentences by name, in the order in which an agent reads them. Unknown languages get English."""
    words = _SENTENCES.get(language, _SENTENCES["en"])
    result = {"length": words["length"].format(min_length=policy.min_length, max_length=policy.max_length)}
    result |= {name: _count(words[name], least) for name, _characters, least in policy.classes if least}
    result |= {name: words[name] for name in ("ascii", "names", "common")}
    if policy.history:
        result["history"] = _count(words["history"], policy.history)
    if policy.renewal_days:
        result["renewal"] = words["renewal"].format(n=policy.renewal_days)
    return result


def _count(sentence: str, number: int) -> str:
    one, _bar, many = sentence.partition("|")
    return (many if many and number > 1 else one).format(n=number)
