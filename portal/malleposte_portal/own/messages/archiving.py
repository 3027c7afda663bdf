"""« Archivage »: which old mail of the inbox goes to « Archives » by night, what went there, and the way back.

accountd keeps the choice on the host of the mailbox, whose nights archive.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import render_template, request, session
from malleposte.accountd.calls.mailbox.archiving import MONTHS, PutBack, SetArchiving, ShowArchiving, UndoArchiving
from malleposte.accountd.message import Done
from wtforms import RadioField
from wtforms.validators import AnyOf

from malleposte_portal import dsfr
from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent

SUBJECT = Subject("archiving")
AGES = {6: "6 mois", 12: "12 mois", 24: "24 mois"}


class Choose(Form):
    """The age of what is archived, and whether a label is asked for too."""

    months = RadioField(
        "Archiver les messages lus, reçus il y a plus de",
        choices=[(str(months), AGES[months]) for months in MONTHS],
        default="12",
        validate_choice=False,
        validators=[AnyOf([str(months) for months in MONTHS], "Choisissez une durée.")],
        widget=dsfr.Radios(),
    )
    which = RadioField(
        "Parmi eux",
        choices=[("read", "Tous"), ("done", "Seulement ceux qui portent l’étiquette de ce qui est fait")],
        default="read",
        validate_choice=False,
        validators=[AnyOf(("read", "done"), "Choisissez une réponse.")],
        widget=dsfr.Radios(),
    )


def _send(agent: sign_on.Agent, act: str, choose: Choose) -> Done | acts.Refusal | None:
    """Have accountd do what a form asks; None where the form is not filled in rightly."""
    call: Any
    if act == "choose" and choose.validate():
        call = partial(SetArchiving, months=int(choose.typed("months")), done=choose.typed("which") == "done")
    elif act == "off":
        call = partial(SetArchiving, months=0)
    elif act == "undo" and (at := request.form.get("at", "")).isdecimal() and len(at) <= len("9999999999"):
        call = partial(UndoArchiving, at=int(at))
    else:
        return None
    late = _("Ces messages ont déjà été remis, ou leur délai est passé.")
    return ask(agent, call, refused=late)


@SUBJECT.form("/compte/archivage", "/en/account/archiving")
@for_agent
def archiving(agent: sign_on.Agent) -> Answer:
    """The page with its forms; each answers by the page, so that a reload sends nothing again."""
    act = request.form.get("act", "") if request.method == "POST" else ""
    choose = Choose(formdata=request.form if act == "choose" else None)
    done = _send(agent, act, choose) if act else None
    if isinstance(done, Done):
        return back_to("archiving", f"archiving {done.many if isinstance(done, PutBack) else act}")
    refused, status = ("", 422 if act else 200) if done is None else (done.page, done.status)
    answer = answered(agent, ShowArchiving)
    if act != "choose" and answer.months:
        choose.process(data={"months": str(answer.months), "which": "done" if answer.done else "read"})
    notice = str(session.pop("told", ""))
    return render_template(
        "own/archiving.html", choose=choose, answer=answer, refused=refused, moment=words.moment,
        notice=notice.removeprefix("archiving ") if notice.startswith("archiving ") else "", ages=AGES,
    ), status  # fmt: skip
