"""The letters of a meeting, from the organiser's own address: the invitation, and that it is off.

They leave as any message of the agent does: by the rules of submission, through the mail server of the agent's box.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage

from malleposte.accounts.convocations import letter
from malleposte.accounts.convocations.model import Convocation, Invitee
from malleposte.accounts.mailbox.later.submit import Outcome, Reply
from malleposte.core.errors import MallepostError
from malleposte.platform import letters

AUTOMATIC = ("Auto-Submitted", "X-Auto-Response-Suppress")
"""The headers of letters of programs, which no message of an agent has."""
Submit = Callable[[str, str, int, str], Reply]
"""(uid, Message-ID, when, message) -> what became of it."""
_BODY = """\
Bonjour,

{name} {does} :

    {details}

{text}{answer}{name}
{mail}

--------------------------------------------------------------------------------
In English

{name} {does_en}:

    {details_en}

{answer_en}
"""
_ANSWER = "Répondez par les boutons de votre messagerie, dans votre agenda, ou écrivez à {mail}.\n\n"
_ANSWER_EN = "Answer by the buttons of your mail program, in your calendar, or write to {mail}."


def compose(one: Convocation, invitee: Invitee, calendar: bytes, now: datetime.datetime) -> EmailMessage:
    """Return the letter that is due. Raises ValueError on no address."""
    off, person, event = invitee.off, invitee.person, invitee.event
    try:
        sender = Address(" ".join(one.title.split()), addr_spec=one.mail)
        to = Address(" ".join(person.name.split()) if person.uid else "", addr_spec=person.address)
    except MessageError as error:
        raise ValueError(f"{person.address!r}: no address") from error
    does, does_en = ("annule cette réunion", "calls this meeting off") if off else (
        "vous invite", "invites you",
    )  # fmt: skip
    body = _BODY.format(
        name=one.title, mail=one.mail, does=does, does_en=does_en,
        details=letter.details(event, french=True), details_en=letter.details(event, french=False),
        text=f"{event.text}\n\n" if event.text and not off else "",
        answer="" if off else _ANSWER.format(mail=one.mail),
        answer_en="There is nothing to do." if off else _ANSWER_EN.format(mail=one.mail),
    )  # fmt: skip
    head = "Réunion annulée" if off else "Invitation"
    message = letters.compose(f"{head}\N{NO-BREAK SPACE}: {event.title}"[:200], body, sender=sender, to=to, now=now)
    for name in ("Message-ID", *AUTOMATIC):
        del message[name]
    message["Message-ID"] = letter.message_id(one, invitee)
    method = "CANCEL" if off else "REQUEST"
    message.add_alternative(calendar.decode(), subtype="calendar", cte="base64", params={"method": method})
    return message


def submit(hand: Submit, uid: str, message: EmailMessage, now: float) -> None:
    """Hand a letter over as its agent. Raises MallepostError where it did not go, or may not have gone."""
    reply = hand(uid, str(message["Message-ID"]), int(now), bytes(message).decode("ascii"))
    if reply.outcome is not Outcome.SENT:
        raise MallepostError(
            f"the mail server did not take it as {uid}: {reply.outcome} {reply.reason} {reply.detail}"[:300]
        )
