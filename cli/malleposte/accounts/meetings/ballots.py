"""The letters of polls, from the organiser's own address: each has a link that is good for one person."""

from __future__ import annotations

import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from itertools import zip_longest
from pathlib import Path

from malleposte.accounts.convocations import letter, store
from malleposte.accounts.convocations.model import Event
from malleposte.accounts.meetings import polls
from malleposte.accounts.meetings.letter import AUTOMATIC, Submit, submit
from malleposte.accounts.meetings.polls import Poll, Voter
from malleposte.core.loops import named
from malleposte.platform import letters

PAGE, PAGE_EN = "/sondage?lien=", "/en/poll?lien="
"""The pages of the portal to which links lead. No web server writes down what follows the question mark."""
FIRST_WAIT, LONGEST_WAIT = 60, 3600
_BODY = """\
Bonjour,

{name} vous demande quelles dates vous conviennent pour cette réunion :

    {title}

{slots}

{text}Répondez sur cette page, sans compte ni mot de passe. Le lien est à vous seul : ne le transmettez pas.
{page}

{name}
{mail}

--------------------------------------------------------------------------------
In English

{name} asks which dates suit you for this meeting:

    {title}

Answer on this page, without an account or a password. The link is yours alone: do not pass it on.
{page_en}
"""


def due(now: float, folder: Path = store.FOLDER) -> bool:
    """Whether a letter is to be sent now."""
    return any(_waits(voter, now) for one in polls.every(folder) if one.stands(now) for voter in one.voters)


def send(hand: Submit, portal: str, most: int, now: float, folder: Path = store.FOLDER) -> int:
    """Send so many letters at most; return how many were tried. What fails is noted, and tried again later.

    The organisers take turns, those with few letters first.
    """
    left = dict[str, list[str]]()
    for one in polls.every(folder):
        if one.stands(now):
            left.setdefault(one.by.uid, []).extend(one.ident for voter in one.voters if _waits(voter, now))
    tried = 0
    for turn in zip_longest(*sorted(left.values(), key=len)):
        for ident in filter(None, turn):
            if tried == most:
                return tried
            tried += _next(hand, portal, ident, now, folder)
    return tried


def _next(hand: Submit, portal: str, ident: str, now: float, folder: Path) -> bool:
    """Send the next letter of a poll, whose link is on the disk before; whether there was one."""
    with store.turn(folder):
        one = polls.load(ident, folder)
        if one is None or not one.stands(now):
            return False
        number = next((number for number, voter in enumerate(one.voters) if _waits(voter, now)), None)
        if number is None:
            return False
        link = polls.new_link(one, one.voters[number])
        polls.keep(one, folder)
    faults = list[str]()
    with named(faults.append):
        message = compose(one, one.voters[number], link, portal, datetime.datetime.fromtimestamp(now, datetime.UTC))
        submit(hand, one.by.uid, message, now)
    with store.turn(folder):
        poll = polls.load(ident, folder)
        if poll is not None:
            voter = poll.voters[number]
            voter.mailed, voter.failure = not faults, "; ".join(faults)[:300]
            voter.later = int(now) + min(FIRST_WAIT * 2**voter.tries, LONGEST_WAIT) if faults else 0
            voter.tries = min(voter.tries + 1, 10)
            polls.keep(poll, folder)
    for fault in faults:
        store.LOG.warning("%s: a letter: %s", ident, fault)
    return True


def compose(one: Poll, voter: Voter, link: str, portal: str, now: datetime.datetime) -> EmailMessage:
    """Return the letter. Raises ValueError on no address."""
    person = voter.person
    try:
        sender = Address(" ".join(one.by.name.split()), addr_spec=one.by.address)
        to = Address(" ".join(person.name.split()) if person.uid else "", addr_spec=person.address)
    except MessageError as error:
        raise ValueError(f"{person.address!r}: no address") from error
    body = _BODY.format(
        name=one.by.name, mail=one.by.address, title=one.title, text=f"{one.text}\n\n" if one.text else "",
        slots="\n".join(f"- {letter.spoken(Event('', slot.begin, slot.end))}" for slot in one.slots),
        page=f"https://{portal}{PAGE}{link}", page_en=f"https://{portal}{PAGE_EN}{link}",
    )  # fmt: skip
    message = letters.compose(
        f"Sondage de dates\N{NO-BREAK SPACE}: {one.title}"[:200], body, sender=sender, to=to, now=now
    )
    for name in AUTOMATIC:
        del message[name]
    return message


def _waits(voter: Voter, now: float) -> bool:
    return not voter.mailed and voter.later <= now
