"""The letter that waits in a mailbox when its account has just been activated: where to read, how to set up a phone.

It says what the agents' guide says, and leads there. It is the one letter of the academy with links: two, both to the
portal, spelled out so that they can be typed.
"""

from __future__ import annotations

import datetime
import html
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import from_academy
from malleposte.directory.model import Attributes, first

SUBJECT = "Bienvenue dans votre messagerie / Welcome to your mailbox"
SET_UP = "/compte/appareils/regler"
"""The portal's page that sets up a device."""
GUIDE = "/guide"
"""The portal's page that lists the pages of the guide."""
_FRENCH = """\
Bonjour {name},

Votre compte de messagerie est activé. Votre adresse est {mail} et votre identifiant {login}.

Sur un ordinateur, le portail {portal} ouvre la messagerie, l’agenda et « Gérer mon mot de passe ».

Sur un téléphone ou dans un logiciel de messagerie, n’utilisez pas le mot de passe de votre compte : chaque appareil \
reçoit un mot de passe pour lui seul. S’il est perdu, vous supprimez celui-là, et rien d’autre ne change. \
« Régler mon téléphone ou mon ordinateur » vous donne ce mot de passe et les étapes :

{set_up}

Le guide explique, page par page, le courrier, l’agenda, le filtrage, la double authentification :

{guide}

Nous ne vous demandons jamais votre mot de passe, ni par message ni par téléphone.

Assistance : {phone} ({hours}), {support}.

{academy}
"""
_ENGLISH = """\
Your mail account is active. Your address is {mail}, your log-in {login}. On a computer, the portal {portal} leads to \
your mail and your agenda.

On a phone or in a mail program, do not use the password of your account: each device gets a password of its own. \
The first page above gives it to you, with the steps. The guide is in French.

We never ask you for your password. Help desk: {phone} ({hours_en}), {support}.
"""
_RULE = "-" * 80 + "\nIn English\n\n"
_PAGE = """\
<!DOCTYPE html>
<html lang="fr">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body>
{french}
<hr>
<div lang="en">
<p><b>In English</b></p>
{english}
</div>
</body>
</html>
"""


def letter(attributes: Attributes, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter for an account with these attributes. Raises ValueError where it has no address."""
    mail = first(attributes, "mail")
    words = {
        "name": first(attributes, "givenName"), "mail": mail, "login": first(attributes, "uid"), "portal": facts.portal,
        "set_up": f"https://{facts.portal}{SET_UP}", "guide": f"https://{facts.portal}{GUIDE}",
        "phone": facts.phone, "hours": facts.hours, "hours_en": facts.hours_en,
        "support": facts.mail, "academy": facts.academy,
    }  # fmt: skip
    french, english = _FRENCH.format(**words), _ENGLISH.format(**words)
    letter = from_academy(SUBJECT, f"{french}\n{_RULE}{english}", mail, facts, now)
    links = {words["set_up"], words["guide"]}
    page = _PAGE.format(subject=SUBJECT, french=_paragraphs(french, links), english=_paragraphs(english, links))
    letter.add_alternative(page, subtype="html", cte="quoted-printable")
    return letter


def _paragraphs(text: str, links: set[str]) -> str:
    """Return the paragraphs of a text as HTML; one that is a link alone leads there."""
    return "\n".join(f"<p>{_link(one) if one in links else html.escape(one)}</p>" for one in text.strip().split("\n\n"))


def _link(address: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(address)}</a>'
