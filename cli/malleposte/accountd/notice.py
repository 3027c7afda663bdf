"""The mail that brings a code: French first, then English, plain text, no link that could be taken for another's."""

from __future__ import annotations

import email.message
import email.policy
import email.utils
import smtplib
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from malleposte.accounts.codes import Issued

PATIENCE = 20.0  # seconds for the mail server's answers
_HERE = ZoneInfo("Europe/Paris")
_TEXT = """\
Bonjour,

Un code vous permet de choisir un nouveau mot de passe pour la messagerie de l’{academy} :

    {code}

Il sert une seule fois, jusqu’au {day} à {hour}. Tapez-le avec votre NUMEN sur la page « Gérer mon mot de passe » :

    {portal}motdepasse

Vous n’avez rien demandé ? Ne faites rien, et ne donnez ce code à personne : l’assistance ne le demande jamais.
Assistance : {phone}, {mail}.

English: this code lets you choose a new password for the mail of the {academy}. It is good once, until {day_en} at
{hour_en}; type it with your NUMEN on the page above. If you asked for nothing, do nothing, and give it to nobody.
"""


@dataclass(frozen=True)
class Notice:
    """Who writes, and what the letter says of the academy. `server` takes the mail, as host and port."""

    academy: str
    domain: str
    portal: str
    phone: str
    mail: str
    server: tuple[str, int] = ("127.0.0.1", 25)

    def message(self, recipient: str, issued: Issued) -> email.message.EmailMessage:
        """The letter."""
        end = issued.expires.astimezone(_HERE)
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["From"] = email.utils.formataddr((self.academy, f"postmaster@{self.domain}"))
        message["Reply-To"] = self.mail
        message["To"] = recipient
        message["Subject"] = "Votre code INA"
        message["Date"] = email.utils.localtime()
        message["Message-ID"] = email.utils.make_msgid(domain=self.domain)
        message["Auto-Submitted"] = "auto-generated"
        text = _TEXT.format(
            academy=self.academy, code=issued.shown, portal=self.portal, phone=self.phone, mail=self.mail,
            day=f"{end:%d/%m/%Y}", hour=f"{end:%H h %M}", day_en=f"{end:%Y-%m-%d}", hour_en=f"{end:%H:%M}",
        )  # fmt: skip
        message.set_content(text, cte="quoted-printable")
        return message

    def send(self, recipient: str, issued: Issued) -> None:
        """Hand it to the mail server. Raises OSError (smtplib's errors are some)."""
        message = self.message(recipient, issued)
        with smtplib.SMTP(*self.server, timeout=PATIENCE) as session:
            session.send_message(message, from_addr="", to_addrs=[recipient])
