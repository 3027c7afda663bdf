"""« Courrier à répondre »: what waits in functional boxes, who has it, notes to colleagues that never leave."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.shared.owners import NOTE_LENGTH, BoxMail, ChangeBoxMail, SetBoxOwners, ShowBoxMail
from malleposte.accountd.message import Done
from wtforms import StringField

from malleposte_portal import dsfr
from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to, link
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered

SUBJECT = Subject("owners")
GONE = 404
CHANGES = ("take", "give", "done", "note", "erase")
FILTERS = (("", "Tout"), ("nobody", "Sans personne"), ("mine", "À moi"))
"""The messages that are shown, by accountd's word."""
REFUSALS = {
    "taken": "Un collègue a déjà pris ce message en charge. Son nom figure ci-dessous.",
    "gone": "Ce message n’est plus dans la boîte de réception.",
    "note": "Une note a de 1 à 1000 caractères.",
    "full": "Il y a trop de notes\N{NO-BREAK SPACE}: effacez celles qui ne servent plus.",
    "off": "L’académie n’a pas ouvert ce service.",
}
DONE = {
    "take": "Ce message est à vous.", "give": "Ce message n’est plus à personne.", "done": "Ce message est traité.",
    "note": "Votre note est enregistrée.", "erase": "Votre note est effacée.",
    "on": "Les messages qui arrivent à partir de maintenant sont suivis.", "off": "Le suivi est arrêté.",
}  # fmt: skip


class NoteForm(Form):
    """A note to colleagues."""

    text = StringField(
        "Nouvelle note", description="Mille caractères au plus.",
        render_kw={"maxlength": str(NOTE_LENGTH), "autocomplete": "off"}, widget=dsfr.Textarea(rows=4),
    )  # fmt: skip


@SUBJECT.page("/compte/courrier-a-repondre", "/en/account/mail-to-answer")
@for_agent
def owned(agent: sign_on.Agent) -> Answer:
    """The functional boxes of the agent."""
    return render_template("own/owned.html", answer=answered(agent, ShowBoxMail))


@SUBJECT.form("/compte/courrier-a-repondre/boite", "/en/account/mail-to-answer/mailbox")
@for_agent
def owned_box(agent: sign_on.Agent) -> Answer:
    """One of them, with the acts on what waits; each leads back here, so that a reload does nothing again."""
    box, only, ident = _typed("box"), _typed("only"), _typed("ident")
    skip = int(_typed("skip")) if _typed("skip").isdecimal() and len(_typed("skip")) < 4 else 0
    refused, status = "", 200
    if request.method == "POST":
        act = _typed("act")
        done = _act(agent, box, ident, act)
        if isinstance(done, Done):
            stays = {"ident": ident} if act in ("note", "erase") else {}
            return back_to("owned_box", f"owned {act}", box=box, only=only, **stays)
        if done is None:
            status = 422
        elif done.status == GONE:
            return redirect(link("owned"), 303)
        else:
            refused, status = done.page, done.status
    show = partial(ShowBoxMail, box=box, only=only if only in dict(FILTERS) else "", skip=skip, ident=ident)
    answer: BoxMail | acts.Refusal = ask(agent, show, refused=_refusals())
    if isinstance(answer, acts.Refusal) and answer.status == 422 and ident:
        refused, ident = refused or answer.page, ""
        answer = ask(agent, partial(ShowBoxMail, box=box), refused=_refusals())
    if isinstance(answer, acts.Refusal):
        return redirect(link("owned"), 303) if answer.status == GONE else unanswered(answer)
    if not answer.box:
        return redirect(link("owned"), 303)
    notice = str(session.pop("told", ""))
    return render_template(
        "own/owned_box.html", answer=answer, one=answer.boxes[0], only=only, ident=ident, refused=refused,
        notice=DONE.get(notice.removeprefix("owned "), "") if notice.startswith("owned ") else "", filters=FILTERS,
        moment=words.moment, uid=answer.uid,
        form=NoteForm(data={"text": _typed("text", NOTE_LENGTH) if refused else ""}),
    ), status  # fmt: skip


def _act(agent: sign_on.Agent, box: str, ident: str, act: str) -> Done | acts.Refusal | None:
    """Have accountd do what a button asks; None where it asks nothing."""
    make: Any
    if act in ("on", "off"):
        make = partial(SetBoxOwners, box=box, on=act == "on")
    elif act in CHANGES and ident:
        make = partial(ChangeBoxMail, box=box, ident=ident, change=act, text=_typed("text", NOTE_LENGTH + 1))
    else:
        return None
    done: Done | acts.Refusal = ask(agent, make, refused=_refusals())
    return done


def _refusals() -> dict[str, str]:
    return {word: _(sentence) for word, sentence in REFUSALS.items()}


def _typed(name: str, most: int = 300) -> str:
    """A value of the form, or of the address. Lines of a text end as the store writes them."""
    values = request.form if request.method == "POST" else request.args
    return values.get(name, "").replace("\r\n", "\n")[:most]
