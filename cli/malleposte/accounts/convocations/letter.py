"""The letters of a convocation, from the office's box: the invitation, its change, its end, a reminder.

French, then English. Beside the text there is the invitation in iCalendar (RFC 6047), and the order as PDF.
"""

from __future__ import annotations

import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage

from malleposte.accounts.convocations.model import Convocation, Event, Invitee
from malleposte.accounts.life.renewal import Facts
from malleposte.platform import letters, opening
from malleposte.platform.times import in_english, in_french

PAGE = "/compte/convocations"
"""The page of an agent's convocations on the portal."""
FILE = "ordre-de-mission.pdf"
_HEADS = {
    "new": ("Convocation", "vous convoque", "asks you to come"),
    "changed": ("Convocation modifiée", "change votre convocation", "changes your summons"),
    "off": ("Convocation annulée", "annule votre convocation", "cancels your summons"),
    "reminder": (
        "Rappel de convocation", "attend votre réponse à cette convocation",
        "waits for your answer to this summons",
    ),
}  # fmt: skip
_BODY = """\
Bonjour,

{office} {does} :

    {details}

{text}{agenda}{answer}{office}
{mail}

--------------------------------------------------------------------------------
In English

{office} {does_en}:

    {details_en}

{answer_en}
"""
_IN_AGENDA = "La date est déjà dans votre agenda.\n\n"
_OUT_OF_AGENDA = "Si la date était dans votre agenda, elle n’y est plus. Vous n’avez rien à faire.\n\n"
_ANSWER = """\
Répondez par oui ou par non, par les boutons au-dessus de ce message, dans votre agenda, ou sur le portail :
{page}

"""
_ANSWER_OUTSIDE = "Répondez par oui ou par non, par les boutons de votre messagerie, ou écrivez à {mail}.\n\n"
_ANSWER_EN = "Answer yes or no, by the buttons above this message, in your calendar, or on the portal: {page}"
_ANSWER_OUTSIDE_EN = "Answer yes or no by the buttons of your mail program, or write to {mail}."
_OFF_EN = "There is nothing to do."


def kind_of(invitee: Invitee) -> str:
    """Return the kind of letter that is due."""
    if invitee.off:
        return "off"
    if invitee.mailed >= invitee.sequence:
        return "reminder"
    return "new" if invitee.mailed < 0 else "changed"


def message_id(one: Convocation, invitee: Invitee) -> str:
    """Return the Message-ID of the letter that is due: the same whenever it is tried again."""
    reminder = f".r{invitee.reminders + 1}" if kind_of(invitee) == "reminder" else ""
    return f"<{one.ident}-{invitee.token}.{invitee.sequence}{reminder}@{one.domain}>"


def compose(
    one: Convocation, invitee: Invitee, calendar: bytes, order: bytes, facts: Facts, now: datetime.datetime,
    *, filed: bool = True,
) -> EmailMessage:  # fmt: skip
    """Return the letter that is due. `filed`: the agenda is as it says. Raises ValueError on no address."""
    person, event, kind = invitee.person, invitee.event, kind_of(invitee)
    head, does, does_en = _HEADS[kind]
    try:
        sender = Address(" ".join(one.title.split()), addr_spec=one.mail)
        to = Address(" ".join(person.name.split()) if person.uid else "", addr_spec=person.address)
    except MessageError as error:
        raise ValueError(f"{person.address!r}: no address") from error
    words = {
        "office": one.title, "mail": one.mail, "does": does, "does_en": does_en,
        "page": f"https://{facts.portal}{PAGE}",
        "details": details(event, french=True), "details_en": details(event, french=False),
    }  # fmt: skip
    off = kind == "off"
    answer, answer_en = (_ANSWER, _ANSWER_EN) if person.uid else (_ANSWER_OUTSIDE, _ANSWER_OUTSIDE_EN)
    agenda = (_OUT_OF_AGENDA if off else _IN_AGENDA) if person.uid and filed else ""
    body = _BODY.format(
        **words, text=f"{event.text}\n\n" if event.text and not off else "", agenda=agenda,
        answer="" if off else answer.format(**words), answer_en=_OFF_EN if off else answer_en.format(**words),
    )  # fmt: skip
    message = letters.compose(f"{head}\N{NO-BREAK SPACE}: {event.title}"[:200], body, sender=sender, to=to, now=now)
    del message["Message-ID"]
    message["Message-ID"] = message_id(one, invitee)
    method = "CANCEL" if off else "REQUEST"
    message.add_alternative(calendar.decode(), subtype="calendar", cte="base64", params={"method": method})
    if not off:
        message.add_attachment(order, maintype="application", subtype="pdf", filename=FILE)
    return message


def details(event: Event, *, french: bool) -> str:
    """Return the lines that say what an event is, when and where."""
    lines = [event.title, spoken(event, french=french), event.place]
    return "\n    ".join(filter(None, lines))


def spoken(event: Event, *, french: bool = True) -> str:
    """Return when an event is, in words: `le lundi 15 juin 2026, de 8 h à 12 h`."""
    begin = event.starts
    end = event.ends - datetime.timedelta(days=1) if event.whole_days else event.ends
    day = in_french if french else in_english
    first, last = day(begin, weekday=True), day(end, weekday=True)
    if event.whole_days:
        one_day = f"le {first}" if french else f"on {first}"
        several = f"du {first} au {last}" if french else f"from {first} to {last}"
        return one_day if begin.date() == end.date() else several
    opens, closes = opening.clock(begin.time(), french=french), opening.clock(end.time(), french=french)
    if begin.date() == end.date():
        return f"le {first}, de {opens} à {closes}" if french else f"on {first}, {opens} to {closes}"
    if french:
        return f"du {first} à {opens} au {last} à {closes}"
    return f"from {first}, {opens}, to {last}, {closes}"
