"""« Trouver un créneau »: a group, a duration, some days; the slots at which all are free come first.

Who is asked about is posted: an address would be kept in logs and in the browser.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial

from flask import render_template, request
from malleposte.accountd.calls.meetings.slots import DAYS, HOURS, MANY, FindSlots, Guest

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent
from malleposte_portal.own.meetings import forms

SUBJECT = Subject("slots")
WEEK = datetime.timedelta(days=6)
WRONG = {
    MANY: "50 personnes au plus : les membres des listes comptent.",
    DAYS: "Vérifiez les jours : le dernier suit le premier, de 28 jours au plus, et n’est pas passé.",
    HOURS: "Vérifiez les heures : la réunion tient entre les deux.",
}


@SUBJECT.form("/compte/creneaux", "/en/account/free-slots")
@for_agent
def slots(agent: sign_on.Agent) -> Answer:
    """The form, and below it what was found."""
    today = words.now().date()
    initial = {"first": today.isoformat(), "last": (today + WEEK).isoformat()}
    form = forms.FindSlots(data=initial)
    proposal, refused, status = None, "", 200
    if request.method == "POST":
        status = 422
        if form.validate():
            answer = ask(
                agent,
                lambda source, uid, token: FindSlots(
                    source, uid, token, form.typed("people"), int(form.typed("minutes")), form.typed("first"),
                    form.typed("last"), form.typed("begin"), form.typed("end"), bool(form.saturday.data),
                ),
                refused={word: _(sentence) for word, sentence in WRONG.items()},
            )  # fmt: skip
            if isinstance(answer, acts.Refusal):
                refused, status = answer.page, answer.status
            else:
                proposal, status = answer, 200
    return render_template(
        "own/meetings/slots.html", form=form, proposal=proposal, refused=refused, span=words.span,
        names=partial(names, proposal.people if proposal else ()),
        unknown=[one.name for one in proposal.people if not one.known] if proposal else [],
    ), status  # fmt: skip


def names(people: Sequence[Guest], keys: Sequence[str]) -> list[str]:
    """The names of some people."""
    return [one.name for one in people if one.key in keys]
