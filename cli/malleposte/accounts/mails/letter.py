"""A letter to an agent about what happened to his or her account: French first, then English, plain text."""

from __future__ import annotations

import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.platform import letters

_BODY = """\
{french}
Nous ne vous demandons jamais vos mots de passe, ni par message ni par téléphone.

{academy}

--------------------------------------------------------------------------------
In English

{english}
We never ask you for your passwords.
"""


def moment(when: datetime.datetime) -> dict[str, str]:
    """The words `day` and `hour` of a letter, in both languages and in the zone of the host."""
    here = when.astimezone()
    return {
        "day": f"{here:%d/%m/%Y}",
        "hour": f"{here:%H h %M}",
        "day_en": f"{here:%Y-%m-%d}",
        "hour_en": f"{here:%H:%M}",
    }


def words(login: str, facts: Facts, when: datetime.datetime) -> dict[str, str]:
    """The words that letters about an account share: whose it is, whom to call, `moment`."""
    return {
        "login": login, "phone": facts.phone, "hours": facts.hours, "hours_en": facts.hours_en, **moment(when),
    }  # fmt: skip


def written(subject: str, french: str, english: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter. Raises ValueError on an address that is none."""
    text = _BODY.format(french=french, english=english, academy=facts.academy)
    return from_academy(subject, text, to, facts, now)


def from_academy(subject: str, text: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return a letter of the academy; answers go to the help desk. Raises ValueError on an address that is none."""
    sender = Address(facts.academy, addr_spec=f"postmaster@{facts.domain}")
    try:
        recipient = Address(addr_spec=to)
    except MessageError as error:  # an empty address; it is no ValueError in the library
        raise ValueError(f"{to!r}: no address") from error
    return letters.compose(subject, text, sender=sender, to=recipient, reply_to=facts.mail, now=now, alert=True)
