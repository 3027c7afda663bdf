"""Passwords that come to their end: the agent is warned some days before, and the account expires when it is over.

`pwdChangedTime` is the beginning of a password's life. What was sent last is kept in `mpRenewalNotice`, with that time:
a new password needs no cleaning up, and each warning goes out once, however often this runs.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Any

from malleposte.accounts import facts
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.core.loops import named
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.platform import letters, opening
from malleposte.platform.times import in_english, in_french, when
from malleposte.policy.model import Policy, PolicyError

PAGE = "/motdepasse"
ASKED = ("uid", "displayName", "mail", "mpState", "mpHidden", "mpStateChanged", "pwdChangedTime", "mpRenewalNotice")
DAY = 86400.0

SUBJECT = "Votre mot de passe est à renouveler avant le {date} / Password to renew by {date_en}"
# No button, no hidden address, nothing to hurry for: what the academy sends must not look like what it warns of.
BODY = """\
Bonjour,

Le mot de passe de votre compte de messagerie ({login}) arrive à échéance {when}, le {date} à {hour}.
Après cette date, il ne vous donnera plus accès à vos messages ; ceux-ci continuent d’arriver et rien n’est perdu.

Pour le renouveler, ouvrez vous-même le portail de l’académie en tapant son adresse dans votre navigateur :

    {portal}

puis choisissez « Gérer mon mot de passe ». La page se trouve aussi à l’adresse {page}

Nous ne vous demandons jamais votre mot de passe, ni par message ni par téléphone. En cas de doute, appelez
l’assistance : {phone} ({hours}).

{academy}

--------------------------------------------------------------------------------
In English

The password of your mail account ({login}) ends {when_en}, on {date_en} at {hour}. After that it no longer opens your
mail; messages keep arriving and nothing is lost. To renew it, type the address of the academy's portal in your browser:

    {portal}

and choose "Gérer mon mot de passe" (manage my password). The page is also at {page}

We never ask you for your password, neither by mail nor by telephone. If in doubt, call the help desk: {phone}
({hours_en}).
"""


class Deed(StrEnum):
    """The step that is due for an account."""

    WARN = "warn"
    EXPIRE = "expire"


@dataclass(frozen=True)
class Due:
    """One account: warn of the end that comes, `threshold` days before at most, or expire it."""

    entry: Entry
    deed: Deed
    end: datetime.datetime
    threshold: int = 0

    @property
    def uid(self) -> str:
        """The log-in."""
        return first(self.entry.attributes, "uid")

    @property
    def notice(self) -> str:
        """The attribute that notes the warning once it is sent."""
        return f"{first(self.entry.attributes, 'pwdChangedTime')} {self.threshold}"

    @property
    def noted(self) -> Change:
        """The change that keeps it."""
        before = {"mpRenewalNotice": self.entry.attributes.get("mpRenewalNotice", [])}
        return Change(Kind.MODIFY, self.uid, self.entry.dn, before, {"mpRenewalNotice": [self.notice]})


@dataclass(frozen=True)
class Facts:
    """The platform's facts in a warning."""

    domain: str
    academy: str
    portal: str
    phone: str
    mail: str
    hours: str
    hours_en: str
    policy: Policy
    server: str = ""
    """The host of IMAP and submission."""
    dav: str = ""
    """The address of devices for agendas and contacts."""
    report_mail: str = ""
    """The box that takes reports of suspect messages."""
    signature: str = ""
    """The template of the agents' signatures."""

    @property
    def page(self) -> str:
        """The page on which passwords are changed."""
        return f"https://{self.portal}{PAGE}"

    @classmethod
    def read(cls, path: Path | None = None) -> Facts:
        """From the platform's facts on this host. Raises InputError."""
        values = facts.read(path)
        try:
            return cls.of(values)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path or facts.FILE}: not the platform's facts ({error})", "deploy this host again"
            ) from error

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Facts:
        """From a mapping. Raises KeyError, TypeError or ValueError."""
        support = facts["support"]
        french, english = opening.hours(support)
        try:
            policy = Policy.from_mapping(facts["password_policy"])
        except PolicyError as error:
            raise ValueError(f"password_policy: {error}") from error
        return cls(
            domain=str(facts["domain"]),
            academy=str(facts["academy"]),
            portal=str(facts["hostnames"]["portal"]),
            phone=str(support["phone"]),
            mail=str(support["mail"]),
            hours=french,
            hours_en=english,
            policy=policy,
            server=str(facts["hostnames"].get("mail", "")),
            dav=str(facts["hostnames"].get("dav", "")),
            report_mail=str(facts.get("report_mail", "")),
            signature=str(facts.get("signature", "")),
        )


def oldest(policy: Policy, now: datetime.datetime) -> datetime.datetime:
    """Passwords set after this moment have nothing due."""
    return now - datetime.timedelta(days=policy.renewal_days - max(policy.warning_days, default=0))


def due(entries: Iterable[Entry], policy: Policy, now: datetime.datetime) -> Iterator[Due]:
    """Return the step due at `now` (aware). Only active accounts that have a password; hidden ones expire silently.

    Of several warnings that a missed night left over, only the most pressing is due.
    """
    if not policy.renewal_days:
        return
    for entry in entries:
        begun = when(first(entry.attributes, "pwdChangedTime"))
        if begun is None or first(entry.attributes, "mpState") != State.ACTIVE:
            continue
        end = begun + datetime.timedelta(days=policy.renewal_days)
        left = (end - now).total_seconds() / DAY
        if left <= 0:
            yield Due(entry, Deed.EXPIRE, end)
            continue
        near = [days for days in policy.warning_days if left <= days]
        hidden = first(entry.attributes, "mpHidden") == "TRUE"
        if near and not hidden and first(entry.attributes, "mail") and min(near) < _sent(entry.attributes):
            yield Due(entry, Deed.WARN, end, min(near))


def _sent(attributes: Attributes) -> float:
    """Days before the end of the warning sent last for this password; infinity when there was none."""
    base, _blank, days = first(attributes, "mpRenewalNotice").partition(" ")
    if base != first(attributes, "pwdChangedTime") or not days.isdecimal():
        return math.inf
    return int(days)


def message(one: Due, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The warning: French, then English; text alone."""
    attributes = one.entry.attributes
    local = one.end.astimezone()
    days = max(1, math.ceil((one.end - now).total_seconds() / DAY))
    words = {
        "login": one.uid,
        "when": "demain" if days == 1 else f"dans {days} jours",
        "when_en": "tomorrow" if days == 1 else f"in {days} days",
        "date": in_french(local, weekday=True),
        "date_en": in_english(local, weekday=True),
        "hour": f"{local:%H:%M}",
        "portal": facts.portal,
        "page": facts.page,
        "phone": facts.phone,
        "hours": facts.hours,
        "hours_en": facts.hours_en,
        "academy": facts.academy,
    }
    name = "".join(sign if sign.isprintable() else " " for sign in first(attributes, "displayName"))
    return letters.compose(
        SUBJECT.format(**words), BODY.format(**words), sender=Address(facts.academy, addr_spec=facts.mail),
        to=Address(name.strip(), addr_spec=first(attributes, "mail")), now=now,
    )  # fmt: skip


@dataclass(frozen=True)
class Acts:
    """The step's side effects; tests give their own."""

    record: Callable[[Due], object]
    """Keep `due.notice` in the entry (journalled)."""
    expire: Callable[[Due], None]
    """Bring the state to expired, and close the channels."""
    send: Callable[[EmailMessage], None] = letters.queue


def carry_out(due: Iterable[Due], facts: Facts, now: datetime.datetime, acts: Acts) -> Iterator[tuple[Due, str]]:
    """Do what is due; each with what went wrong, empty when nothing did.

    A warning is kept as sent once the mail server has it: a crash between the two sends it twice rather than never.
    """
    for one in due:
        failures: list[str] = []
        with named(failures.append, one.uid):
            if one.deed is Deed.EXPIRE:
                acts.expire(one)
            else:
                acts.send(message(one, facts, now))
                acts.record(one)
        yield one, "".join(failures)
