"""An agent made for one test, with a few letters in the mailbox; the account goes with its mail."""

import secrets
from dataclasses import dataclass
from typing import Any

from tests.stack.support.mail import Mail, compose
from tests.stack.support.people import People
from tests.stack.support.site import Account

LETTERS = (
    ("Élodie Lefèvre <elodie.lefevre@lointain.test>", "Réunion de rentrée : l’ordre du jour", "Bonjour Claire,\n"),
    ("Aïcha Benali <aicha.benali@lointain.test>", "Emploi du temps des 3ᵉ B", "Voici l’emploi du temps.\n"),
)
SENDER = "Noël Bœuf <noel.boeuf@lointain.test>"
TEXT = """Bonjour Claire,

Le conseil d’école se réunit jeudi à 17 h 30, salle des maîtres. À l’ordre du jour :
le voyage à Orléans, la fête de Noël et les travaux du préau.

Bien à vous,
Noël Bœuf
"""


@dataclass
class Reader:
    """Makes the agent; `subject` and `text` are of the letter that comes last."""

    people: People
    mail: Mail
    subject: str = ""
    text: str = "le voyage à Orléans, la fête de Noël"

    def agent(self, profile: str, *, letters: bool = True, **more: Any) -> Account:
        """An agent of a class, with more fields; with letters, they have arrived when this returns."""
        number = secrets.randbelow(10**6)
        mail = f"claire.fontaine{number}@{self.people.site.place.domain}"
        account = self.people.agent(given_name="Claire", surname="Fontaine", mail=mail, profile=profile, **more)
        self.subject = f"Conseil d’école à l’été, n° {number}"
        for sender, subject, text in (*LETTERS, (SENDER, self.subject, TEXT)) if letters else ():
            address = sender.rpartition("<")[2].rstrip(">")
            self.mail.foreign(address, account.mail, compose(sender, account.mail, subject, text))
        if letters:
            self.mail.arrived(account, str(number), timeout=120)
        return account
