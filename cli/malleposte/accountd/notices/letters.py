"""The mails that bring a code, or say that means of recovery change.

French first, then English, plain text, no link that could be taken for another's.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage

from malleposte.accounts.credentials.codes import Issued
from malleposte.accounts.mails.letter import moment
from malleposte.platform import letters

PATIENCE = 20.0  # seconds for the mail server's answers
_TEXT = """\
Bonjour,

Un code vous permet de choisir un nouveau mot de passe pour la messagerie de l’{academy} :

    {code}

Il sert une seule fois, jusqu’au {day} à {hour}. Tapez-le avec votre NUMEN sur la page « Gérer mon mot de passe » :

    {portal}motdepasse

Vous n’avez rien demandé ? Ne faites rien, et ne donnez ce code à personne : l’assistance ne le demande jamais.
Assistance : {phone}, {mail}.

English: this code lets you choose a new password for the mail of the {academy}. It is good once, until {day_en} at
{hour_en}; type it with your NUMEN on the page above. If you asked for nothing, do nothing, and give it to nobody.
"""
_CONFIRM = """\
Bonjour,

Cette adresse vient d’être donnée comme adresse de secours d’un compte de messagerie de l’{academy}. Pour la confirmer,
tapez ce code sur la page du portail où vous l’avez demandé :

    {code}

Il sert une seule fois, jusqu’au {day} à {hour}.

Vous n’avez rien demandé ? Ne faites rien, et ne donnez ce code à personne : l’assistance ne le demande jamais.
Assistance : {phone}, {mail}.

English: this address was given as the recovery address of a mail account of the {academy}. To confirm it, type the code
above on the page on which you asked for it. It is good once, until {day_en} at {hour_en}. If you asked for nothing, do
nothing, and give it to nobody.
"""
_LOGIN = """\
Bonjour,

Vous avez demandé votre identifiant pour la messagerie de l’{academy} :

    {login}

Votre mot de passe ne change pas. S’il est perdu, choisissez « Mot de passe oublié » sur le portail :

    {portal}motdepasse

Vous n’avez rien demandé ? Vous n’avez rien à faire : cet identifiant ne donne accès à rien sans le mot de passe.
Assistance : {phone}, {mail}.

English: the log-in that you asked for, for the mail of the {academy}, is above. Your password stays as it is.
"""
_CHANGE = """\
Bonjour,

Les moyens de secours du compte de messagerie « {login} » (adresse ou téléphone auxquels un code est envoyé quand le mot
de passe est perdu) viennent d’être modifiés sur le portail de l’{academy}.

Ce changement prendra effet le {day} à {hour}. D’ici là, les moyens de secours précédents restent en service.

Vous êtes à l’origine de ce changement ? Vous n’avez rien à faire.
Ce n’est pas vous ? Quelqu’un connaît votre mot de passe : changez-le dès maintenant et appelez l’assistance avant
cette date.
Assistance : {phone}, {mail}.

English: the means of recovery of the mail account “{login}” were changed on the portal of the {academy}. The change
counts from {day_en} at {hour_en}; until then the old ones stay good. If it was not you, somebody knows your password:
change it now, and call the help desk before that date.
"""


@dataclass(frozen=True)
class Notifier:
    """Sends letters for accountd, which name the academy. `server` takes the mail, as host and port."""

    academy: str
    domain: str
    portal: str
    phone: str
    mail: str
    server: tuple[str, int] = ("127.0.0.1", 25)

    def message(self, recipient: str, issued: Issued) -> EmailMessage:
        """The letter with a code."""
        return self._letter(
            recipient, "Votre code / Your code", _TEXT, issued.expires, code=issued.shown, portal=self.portal
        )

    def confirmation(self, recipient: str, issued: Issued) -> EmailMessage:
        """The letter that confirms an address of recovery."""
        subject = "Confirmez votre adresse de secours / Confirm your recovery address"
        return self._letter(recipient, subject, _CONFIRM, issued.expires, code=issued.shown)

    def name(self, recipient: str, login: str, now: datetime.datetime) -> EmailMessage:
        """The letter with a log-in."""
        subject = "Votre identifiant / Your log-in"
        return self._letter(recipient, subject, _LOGIN, now, login=login, portal=self.portal)

    def change(self, recipient: str, login: str, at: datetime.datetime) -> EmailMessage:
        """The letter that says that means of recovery change, and when."""
        subject = "Vos moyens de secours changent / Your means of recovery change"
        return self._letter(recipient, subject, _CHANGE, at, login=login)

    def _letter(self, recipient: str, subject: str, text: str, when: datetime.datetime, **words: str) -> EmailMessage:
        words |= {"academy": self.academy, "phone": self.phone, "mail": self.mail, **moment(when)}
        sender = Address(self.academy, addr_spec=f"postmaster@{self.domain}")
        text = text.format(**words)
        return letters.compose(subject, text, sender=sender, to=recipient, reply_to=self.mail, alert=True)

    def send(self, recipient: str, issued: Issued) -> None:
        """Hand a code to the mail server. Raises OSError (smtplib's errors are some)."""
        self._hand(recipient, self.message(recipient, issued))

    def confirm(self, recipient: str, issued: Issued) -> None:
        """Hand over the code that confirms an address. Raises OSError."""
        self._hand(recipient, self.confirmation(recipient, issued))

    def remind(self, recipient: str, login: str, now: datetime.datetime) -> None:
        """Hand over a log-in. Raises OSError."""
        self._hand(recipient, self.name(recipient, login, now))

    def tell(self, recipients: Sequence[str], login: str, at: datetime.datetime) -> None:
        """Say to each that means of recovery change. Raises OSError when one could not be handed over."""
        for recipient in recipients:
            self._hand(recipient, self.change(recipient, login, at))

    def post(self, message: EmailMessage) -> None:
        """Hand over a letter that names its recipient. Raises OSError."""
        self._hand(str(message["To"].addresses[0].addr_spec), message)

    def _hand(self, recipient: str, message: EmailMessage) -> None:
        letters.hand_over(self.server, message, [recipient], PATIENCE)
