"""An account wrote to too many recipients: operators are told, its owner too once mail is held, and it may be blocked.

The filter says so on a socket of systemd (role rspamd), a line of JSON an episode; this runs for that one line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.platform import letters as platform_letters
from malleposte.platform import opening
from malleposte.platform.identity import is_uid

PROGRAM = ("/usr/bin/malleposte",)
TRIES, PAUSE = 20, 30.0  # seconds between two
BLOCK_SECONDS = 300
HOLD = "hold"
_SPANS = {60: ("minute", "minute"), 300: ("5 minutes", "5 minutes"), 3600: ("heure", "hour"), 86400: ("jour", "day")}

_TO_OPERATORS = """\
Le compte {account} (classe {kind}) a écrit à {sum} destinataires en une période de {span} ; la limite est {limit}.
Identifiant utilisé : {user}. {done_fr}

À faire : appeler la personne. Envoi voulu ou compte piraté ?

    malleposte queue held {login}         ce qui est retenu
    malleposte queue release {login}      tout laisser partir
    malleposte queue drop {login}         tout supprimer
    malleposte accounts block {login}     bloquer un compte piraté

English: the account {account} wrote to {sum} recipients within one {span_en}; the limit is {limit}. {done_en}
Call the person: was it meant, or is the account hacked? The commands are above. Limits: malleposte_profiles.
"""
_WARNED = ("Rien n’est retenu pour le moment.", "Nothing is held for now.")
_HELD = (
    "Ce que cette personne envoie est retenu, ce que son filtre redirige demeure dans sa boîte.",
    "What the person sends is held; what filters forward stays in the mailbox.",
)
_TO_OWNER = """\
Bonjour,

Le compte {account} a écrit à {sum} destinataires en très peu de temps : la limite est de {limit} par {span}.
Ses nouveaux envois sont retenus sur le serveur. Rien n’est perdu : l’équipe de la messagerie les regarde, puis les
laisse partir ou vous appelle. Ne les envoyez pas une seconde fois. Ce que votre filtre redirige ailleurs demeure dans
votre boîte de réception.

Vous n’avez rien envoyé ? Quelqu’un connaît peut-être votre mot de passe : appelez tout de suite l’assistance.
Pour écrire souvent à beaucoup de personnes, demandez une liste de diffusion.

Assistance : {phone}, {mail} ({hours}).
{academy}

--------------------------------------------------------------------------------
In English

The account {account} wrote to {sum} recipients in a very short time; the limit is {limit} per {span_en}. What it sends
now is held on the server. Nothing is lost: the mail team looks at it, then lets it go or calls you. Do not send it
again. What your filter forwards stays in your inbox.

You sent nothing? Somebody may know your password: call the help desk at once: {phone}, {mail}.
"""

Deliver = Callable[[str, EmailMessage], None]
"""Hands a message for one recipient to the mail server. Raises OSError (smtplib's errors are some)."""


@dataclass(frozen=True)
class Excess:
    """The filter's report: an account, the logged-in user (empty for a filter), `limit` exceeded in `seconds`."""

    account: str
    user: str
    kind: str
    level: str
    sum: int
    limit: int
    seconds: int

    @classmethod
    def parse(cls, line: str) -> Excess:
        """A line of JSON. Raises InputError."""
        try:
            raw = json.loads(line)
            excess = cls(
                str(raw["account"]), str(raw["user"]), str(raw["class"]), str(raw["level"]),
                int(raw["sum"]), int(raw["limit"]), int(raw["seconds"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"not a report of the filter on an account: {error!r}") from error
        if not is_uid(excess.account) or (excess.user and not is_uid(excess.user)):
            raise InputError(f"no account's name: {excess.account!r}, {excess.user!r}")
        return excess

    @property
    def held(self) -> bool:
        """Whether its mail is held."""
        return self.level == HOLD

    @property
    def login(self) -> str:
        """Return the account to find in the queue and to block: the one that was logged in, else the sender."""
        return self.user or self.account


def letters(
    excess: Excess, facts: Mapping[str, Any], deliver_domain: str, note: tuple[str, str] = ("", "")
) -> Iterator[tuple[str, EmailMessage]]:
    """Return the mails to send, by recipient. `note` is a sentence for the operators, in French and in English."""
    support, domain = facts["support"], facts["domain"]
    span, span_en = _SPANS.get(excess.seconds, (f"{excess.seconds} s", f"{excess.seconds} s"))
    done = _HELD if excess.held else _WARNED
    words = {
        "account": excess.account, "kind": excess.kind or "?", "sum": excess.sum, "limit": excess.limit, "span": span,
        "span_en": span_en, "user": excess.user or "aucune (filtre)", "login": excess.login,
        "done_fr": " ".join(filter(None, (done[0], note[0]))), "done_en": " ".join(filter(None, (done[1], note[1]))),
        "academy": facts["academy"], "phone": support["phone"], "mail": support["mail"],
        "hours": opening.hours(support)[0],
    }  # fmt: skip
    state = "envois retenus / mail held" if excess.held else "beaucoup de destinataires / many recipients"
    yield f"postmaster@{domain}", letter(facts, f"{excess.account}: {state}", _TO_OPERATORS.format(**words))
    if excess.held:
        subject = "Vos envois sont retenus / What you send is held"
        for uid in dict.fromkeys([excess.account, excess.login]):
            yield f"{uid}@{deliver_domain}", letter(facts, subject, _TO_OWNER.format(**words))


def letter(facts: Mapping[str, Any], subject: str, text: str) -> EmailMessage:
    """A letter from the platform, in plain text, whose answers go to the help desk."""
    sender = Address(str(facts["academy"]), addr_spec=f"postmaster@{facts['domain']}")
    return platform_letters.compose(
        subject, text, sender=sender, to="undisclosed-recipients:;", reply_to=str(facts["support"]["mail"])
    )


def by_smtp(server: str) -> Deliver:
    """To a mail server, `host:port`, that takes such mail without a password; with no sender to answer to."""

    def deliver(recipient: str, message: EmailMessage) -> None:
        platform_letters.hand_over(platform_letters.server_of(server), message, [recipient])

    return deliver


def block(uid: str, program: Sequence[str] = PROGRAM) -> tuple[str, str]:
    """Block an account on this host; what operators read of it, in French and in English."""
    argv = [*program, "accounts", "block", uid, "--reason", "wrote to too many recipients (malleposte_outbound_block)"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=BLOCK_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    else:
        if not done.returncode:
            return "Le compte a été bloqué.", "The account was blocked."
        said = (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
    print(f"<3>{uid}: not blocked: {said}", file=sys.stderr, flush=True)
    return f"Le compte n’a PAS pu être bloqué : {said}", f"The account could NOT be blocked: {said}"


def tell(
    excess: Excess,
    facts: Mapping[str, Any],
    deliver_domain: str,
    deliver: Deliver,
    *,
    blocks: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Block the account where that is wished, then write to everybody. Raises MallepostError when it cannot."""
    note = block(excess.login) if blocks and excess.held else ("", "")
    left, failures = list(letters(excess, facts, deliver_domain, note)), list[str]()
    for again in range(TRIES):
        if again:
            pause(PAUSE)
        failures.clear()
        for recipient, message in list(left):
            with named(failures.append, f"{recipient} was not told of {excess.account}"):
                deliver(recipient, message)
                left.remove((recipient, message))
        if not left:
            return
    raise MallepostError("; ".join(failures))
