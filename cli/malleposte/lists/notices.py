"""The mails to moderators and to writers, in French, then in English."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

from malleposte.lists.message import subject_and_author
from malleposte.lists.model import MailingList
from malleposte.lists.spool import About
from malleposte.platform import letters

APPROVE, REJECT = "accepter", "refuser"
"""First word of the extension of a moderator's answer: NAME-moderate+accepter-ID-TOKEN@."""
_HELD = """\
Un message attend votre accord avant d’être envoyé à la liste
« {title} » ({mail}).

De : {author}
Objet : {subject}
Taille : {kb} ko
Référence : {id}

Pour l’accepter, envoyez un message vide à :
<{approve}>

Pour le refuser, envoyez un message vide, ou dont l’objet donne la raison
à l’auteur, à :
<{reject}>

Le message est joint.
"""
_HELD_EN = """\
A message awaits your consent before it goes to the list
"{title}" ({mail}).

To let it through, send an empty message to:
<{approve}>

To reject it, send an empty message, or one whose subject tells the
writer why, to:
<{reject}>

The message is attached.
"""
_WAITS = """\
Votre message « {subject} » à la liste {mail}
attend l’accord d’un modérateur. Vous n’avez rien à faire.

--

Your message "{subject}" to the list {mail}
awaits the consent of a moderator. There is nothing for you to do.
"""
_REJECTED = """\
Votre message « {subject} » à la liste {mail}
n’a pas été accepté par ses modérateurs.
{reason}
--

Your message "{subject}" to the list {mail}
was not accepted by its moderators.
{reason}"""


_LEFT_OUT = """\
Votre liste {mail} : le message « {subject} »
n’a pas été remis à ces destinataires, que le serveur de messagerie refuse :

{refused}

--

Your list {mail}: the message "{subject}"
was not sent to these recipients, whom the mail server refuses (above).
"""
_FULL = """\
L’archive de votre liste {mail} est pleine.
Le message « {subject} » a été envoyé à tous,
mais il n’est pas dans « Circulaires ». Les suivants n’y seront pas non plus,
tant que la DSI n’a pas donné plus de place.

--

The archive of your list {mail} is full.
The message "{subject}" was sent, and is not in the archive.
"""
_ASIDE = """\
A message to the list {list} cannot be sent and was put aside. All others go on.

Message: /var/spool/malleposte-lists/bad/{name}
Reason:  {reason}

When the reason is gone:  malleposte accounts lists approve {name}
To drop the message:      malleposte accounts lists reject {name}
"""


def answer_address(one: MailingList, word: str, name: str, token: str) -> str:
    """The address for a moderator's answer."""
    local, _at, domain = one.address("moderate").partition("@")
    return f"{local}+{word}-{name}-{token}@{domain}"


def read_answer(local: str) -> tuple[str, str, str] | None:
    """Word, id and token of an answer's local part; None when it is none."""
    word, _dash, rest = local.partition("+")[2].partition("-")
    name, _dash, token = rest.rpartition("-")
    return (word, name, token) if word in (APPROVE, REJECT) and name and token else None


def _mail(sender: str, to: str, subject: str, text: str, languages: str = "fr, en") -> EmailMessage:
    return letters.compose(" ".join(subject.split()), text, sender=sender, to=to, languages=languages)


def held(one: MailingList, about: About, name: str, message: bytes) -> bytes:
    """To the moderators: what waits, and two addresses to answer to."""
    subject, author = subject_and_author(message)
    words = {
        "title": one.title, "mail": one.mail, "author": author, "subject": subject, "kb": len(message) // 1024 + 1,
        "id": name, "approve": answer_address(one, APPROVE, name, about.token),
        "reject": answer_address(one, REJECT, name, about.token),
    }  # fmt: skip
    mail = _mail(
        one.address("owner"), one.mail, f"À modérer / to moderate: {subject}",
        _HELD.format(**words) + "\n--\n\n" + _HELD_EN.format(**words),
    )  # fmt: skip
    mail.add_attachment(message, maintype="application", subtype="octet-stream", filename="message.eml")
    return mail.as_bytes()


def waits(one: MailingList, message: bytes) -> bytes:
    """To the writer: the message is with the moderators."""
    subject = subject_and_author(message)[0]
    text = _WAITS.format(subject=subject, mail=one.mail)
    return _mail(one.address("owner"), one.mail, f"En attente / held: {subject}", text).as_bytes()


def rejected(one: MailingList, subject: str, reason: str) -> bytes:
    """To the writer: the moderators did not let it through."""
    text = _REJECTED.format(subject=subject, mail=one.mail, reason=f"\n« {reason} »\n" if reason else "")
    return _mail(one.address("owner"), one.mail, f"Refusé / rejected: {subject}", text).as_bytes()


def left_out(one: MailingList, about: About, refused: Sequence[str]) -> bytes:
    """To the managers: whom the mail server refused, with its words."""
    text = _LEFT_OUT.format(subject=about.subject, mail=one.mail, refused="\n".join(refused))
    return _mail(one.address("owner"), one.address("owner"), f"Non remis / not sent: {about.subject}", text).as_bytes()


def full(one: MailingList, about: About) -> bytes:
    """To the managers: the list's archive has no room."""
    text = _FULL.format(mail=one.mail, subject=about.subject)
    return _mail(one.address("owner"), one.address("owner"), "Archive pleine / archive full", text).as_bytes()


def aside(postmaster: str, name: str, about: str, reason: str) -> bytes:
    """To the operators: a message was put aside."""
    text = _ASIDE.format(name=name, list=about or "?", reason=reason)
    return _mail(postmaster, postmaster, f"Lists: message {name} was put aside", text, "en").as_bytes()


def addresses(uids: Sequence[str], delivery_domain: str) -> list[str]:
    """Return the delivery addresses of mailboxes."""
    return [f"{uid}@{delivery_domain}" for uid in uids]
