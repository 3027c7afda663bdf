"""The letter that waits in a mailbox when its account has just been activated: where to read, how to set up a phone."""

from __future__ import annotations

import datetime
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import from_academy
from malleposte.directory.model import Attributes, first

SUBJECT = "Bienvenue dans votre messagerie / Welcome to your mailbox"
# As in every letter of the academy: addresses to type, nothing to click, no password asked for.
BODY = """\
Bonjour {name},

Votre compte de messagerie est activé. Votre adresse est {mail} et votre identifiant {login}.

Sur un ordinateur, tapez l’adresse du portail dans votre navigateur :

    {portal}

Vous y trouvez la messagerie, l’agenda et « Gérer mon mot de passe ».

Sur un téléphone ou dans un logiciel de messagerie :

1. Ajoutez un compte « Autre » ou « IMAP », avec votre adresse {mail} et votre mot de passe. La plupart des
   logiciels trouvent seuls les serveurs. Sinon : réception {server}, port 993 (SSL/TLS) ; envoi {server}, port 465
   (SSL/TLS).
2. Pour l’agenda et les contacts, ajoutez un compte CalDAV et un compte CardDAV à l’adresse https://{dav}/

Nous ne vous demandons jamais votre mot de passe, ni par message ni par téléphone.
Assistance : {phone} ({hours}), {support}.

{academy}

--------------------------------------------------------------------------------
In English

Your mail account is active. Your address is {mail}, your log-in {login}. On a computer, type {portal} in your browser.
On a phone or in a mail program, add an account of the kind "Other" or "IMAP" with your address and your password; most
programs find the servers by themselves. If not: incoming {server}, port 993 (SSL/TLS); outgoing {server}, port 465
(SSL/TLS). Calendar and contacts: CalDAV and CardDAV at https://{dav}/

We never ask you for your password. Help desk: {phone} ({hours_en}), {support}.
"""


def letter(held: Attributes, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter for an account with these attributes. Raises ValueError where it has no address."""
    mail = first(held, "mail")
    text = BODY.format(
        name=first(held, "givenName"), mail=mail, login=first(held, "uid"), portal=facts.portal, server=facts.server,
        dav=facts.dav, phone=facts.phone, hours=facts.hours, hours_en=facts.hours_en,
        support=facts.mail, academy=facts.academy,
    )  # fmt: skip
    return from_academy(SUBJECT, text, mail, facts, now)
