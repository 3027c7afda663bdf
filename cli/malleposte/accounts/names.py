"""Log-in names and addresses: `mdupond` (initial and surname), `prenom.nom@`, homonyms numbered from 2.

Small letters without accents. A space in a surname becomes a hyphen (`Le Goff` gives `le-goff`), an apostrophe goes
(`d'Artagnan` gives `dartagnan`). A name once given goes to nobody else: the caller says which are taken.
"""

import re
from collections.abc import Container, Iterable

from malleposte.core.errors import InputError
from malleposte.platform import identity
from malleposte.policy.rules import fold

RESERVED = frozenset(
    (
        "abuse accountd adm admin administrateur administrator assistance authpolicy backup bin "
        "borg-keeper calendars clamav cyrus daemon dav-router dmarc dovecot dovenull ftp games hostmaster info irc "
        "lemonldap list listes lists lp mail mailer-daemon malleposte malleposte-acme "
        "malleposte-alertmanager malleposte-annuaires malleposte-blackbox malleposte-calendars "
        "malleposte-circulars malleposte-circulars-words "
        "malleposte-deliveries malleposte-guard malleposte-guesses malleposte-later malleposte-lists "
        "malleposte-outbound malleposte-pager malleposte-prometheus malleposte-record "
        "malleposte-reports malleposte-siem malleposte-tools malleposte-watch man marketing memcache messagerie munin "
        "news nobody noc "
        "noreply opendkim openldap portal postfix postgres postmaster prometheus provision proxy radicale root "
        "roundcube rspamd sales security sieve sogo spam sshd sso-prove sso-tokens stunnel4 support sync sys systemd "
        "tlsrpt unbound usenet uucp valkey vmail webmaster www www-data"
    ).split()
)
"""Names that no person gets as they stand, whatever the name (RFC 2142, Debian's and the platform's own accounts)."""
_HEAD = re.compile(r"ce\.[0-9]{7}[a-z]")
_WHOLE = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ƶ": "z"}
)
"""Letters that Unicode does not take apart into a letter and its mark (small ones)."""
_LETTERS = re.compile(r"[^a-z0-9]+")


def reserved(name: str) -> bool:
    """Whether a log-in, or what stands before the @, is no person's: a machine's, a service's, a school's box."""
    return name in RESERVED or _HEAD.fullmatch(name) is not None


A_NAME = ("a name is never given again", "un nom n’est jamais réattribué")
AN_ADDRESS = ("an address is never given again", "une adresse n’est jamais réattribuée")


def refuse_used(names: Iterable[str], taken: Container[str], never: tuple[str, str]) -> None:
    """Raises InputError where one of the names is or was somebody's; `never`: A_NAME or AN_ADDRESS."""
    for name in names:
        if name in taken:
            english, french = never
            raise InputError(
                f"{name} is or was somebody's", english, french=f"{name} est ou a été à quelqu’un : {french}"
            )


class UnusableName(ValueError):
    """A name out of which no log-in can be made; the message gives it."""


def slug(text: str) -> str:
    """Letters and digits joined by single hyphens. Raises UnusableName when nothing is left."""
    bare = fold(text.lower().translate(_WHOLE)).replace("'", "").replace("’", "").replace("ʼ", "")
    joined = _LETTERS.sub("-", bare).strip("-")
    if not joined:
        raise UnusableName(f"no letter of the Latin alphabet in {text!r}")
    return joined


def _numbered(stem: str, taken: Container[str], end: str = "") -> str:
    """The stem, or the stem with the first free number from 2."""
    candidate, number = stem + end, 1
    while candidate in taken or candidate in RESERVED:
        number += 1
        candidate = f"{stem}{number}{end}"
    return candidate


def log_in_name(given_name: str, surname: str, taken: Container[str]) -> str:
    """The log-in name of a person: first letter of the first name, surname."""
    stem = slug(given_name)[0] + slug(surname)
    return _numbered(stem[: identity.LONGEST - 4], taken)


def address(given_name: str, surname: str, domain: str, taken: Container[str]) -> str:
    """The address of a person."""
    return _numbered(f"{slug(given_name)}.{slug(surname)}"[:60], taken, f"@{domain}")
