"""A letter to an agent about what happened to his or her account: French first, then English, plain text."""

from __future__ import annotations

import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from malleposte.accounts.life.renewal import Facts

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
    letter = EmailMessage(policy=SMTP)
    letter["Subject"] = subject
    letter["From"] = Address(facts.academy, addr_spec=f"postmaster@{facts.domain}")
    letter["Reply-To"] = facts.mail
    letter["To"] = Address(addr_spec=to)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = make_msgid(domain=facts.domain)
    # RFC 3834: no vacation answers this.
    letter["Auto-Submitted"] = "auto-generated"
    letter["Content-Language"] = "fr, en"
    letter.set_content(_BODY.format(french=french, english=english, academy=facts.academy), cte="quoted-printable")
    return letter
