"""« Circulaires »: an agent searches what lists with an archive sent, reads it, fetches its attachments.

Words that are looked for are posted: an address would be kept in logs. Nothing of a circular is shown as its sender
wrote it: its text is text, its attachments are saved and never opened here.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Any, cast

from flask import render_template, request
from malleposte.accountd.calls.shared.circulars import CircularPart, FetchCircularPart, FindCirculars, ShowCircular
from malleposte.accountd.message import Done
from wtforms.validators import ValidationError

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer
from malleposte_portal.core.downloads import Downloads
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, fetch, for_agent, unanswered
from malleposte_portal.own.data import BUSY, size
from malleposte_portal.own.forms import part_field

SUBJECT = Subject("circulars")
DOWNLOADS = Downloads(4)
_YEAR = re.compile(r"20\d\d")


class Search(Form):
    """Words and a year, both of which may be missing."""

    words = part_field("Mots", "Dans l’objet, le texte ou les PDF joints. Le début d’un mot suffit ; accents ou non.")
    year = part_field("Année", "Par exemple 2026. Vide : toutes.")

    def validate_year(self, field: Any) -> None:
        """Refuse what is no year."""
        if field.data and not _YEAR.fullmatch(field.data):
            raise ValidationError("Donnez une année, par exemple 2026, ou laissez vide.")


@SUBJECT.form("/compte/circulaires", "/en/account/circulars")
@for_agent
def circulars(agent: sign_on.Agent) -> Answer:
    """The circulars of the agent's lists, or of one of them, the newest first; those with some words of a year."""
    form, name, refused, status, answer = Search(), _parameter("liste"), "", 200, None
    call = partial(FindCirculars, list=name)
    if request.method == "POST":
        status = 422
        if form.validate():
            done = ask(agent, partial(call, words=form.typed("words"), **_moments(form.typed("year"))))
            if isinstance(done, Done):
                status, answer = 200, done
            else:
                refused, status = done.page, done.status
    else:
        answer = answered(agent, call)
    titles = {one.name: one.title for one in answer.lists} if answer else {}
    return render_template(
        "own/circulars.html", form=form, refused=refused, answer=answer, chosen=name, titles=titles,
        moment=words.moment, day=words.day,
    ), status  # fmt: skip


@SUBJECT.page("/compte/circulaire", "/en/account/circular")
@for_agent
def circular(agent: sign_on.Agent) -> Answer:
    """One circular."""
    page = answered(agent, partial(ShowCircular, list=_parameter("liste"), ident=_parameter("id")))
    return render_template("own/circular.html", one=page, moment=words.moment, size=size)


@SUBJECT.act("/compte/circulaire/piece", "/en/account/circular/attachment")
@for_agent
def circular_part(agent: sign_on.Agent) -> Answer:
    """An attachment, as it comes from accountd."""
    number = _parameter("piece")
    call = partial(
        FetchCircularPart,
        list=_parameter("liste"),
        ident=_parameter("id"),
        number=int(number) if number.isdecimal() else -1,
    )

    uid = agent.session.uid
    if not DOWNLOADS.begin(uid):
        return unanswered(acts.Refusal(429, _(BUSY)))
    try:
        copy = fetch(agent, call, _(acts.MISSING))
    except BaseException:
        DOWNLOADS.end(uid)
        raise
    if isinstance(copy, acts.Refusal):
        DOWNLOADS.end(uid)
        return unanswered(copy)
    part = cast("CircularPart", copy.answer)
    # A browser saves it, and shows it in no way: nginx adds `nosniff` to each answer.
    return DOWNLOADS.sent(uid, copy, part.kind, part.name)


def _moments(year: str) -> dict[str, int]:
    """The first moment of a year on the platform's clock, and that of the next one."""
    if not year:
        return {}
    begins = (datetime.fromisoformat(f"{number}-01-01").astimezone() for number in (int(year), int(year) + 1))
    since, until = (int(one.timestamp()) for one in begins)
    return {"since": since, "until": until}


def _parameter(name: str) -> str:
    return request.values.get(name, "")[:100]
