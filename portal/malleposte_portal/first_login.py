"""« Activer mon compte »: NUMEN and INA code open a file that accountd keeps, one page a step fills it.

The session holds accountd's ticket and nothing of the agent, so that whatever the agent gave is asked of accountd
again for each page. Who loses the ticket types the two secrets again and goes on where he or she was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from flask import current_app, redirect, render_template, request, session
from malleposte.accountd.calls import enrolment
from malleposte.accountd.message import Done, Request
from wtforms import BooleanField
from wtforms.validators import InputRequired

from malleposte_portal import dsfr
from malleposte_portal.core import acts
from malleposte_portal.core.answers import UNKNOWN, Answer, filled_in, link, said_done
from malleposte_portal.core.forms import (
    Form,
    Guarded,
    NewPassword,
    letter_code_field,
    numen_field,
    sent_code_field,
    text_field,
)
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject

SUBJECT = Subject("first_login")
TICKET = "ticket"
WRONG = {
    "phone": "Ce numéro n’est pas reconnu. Écrivez-le en entier, par exemple 06 12 34 56 78.",
    "mail": "Cette adresse ne convient pas : donnez une adresse personnelle complète, hors de l’académie.",
    "phone_code": "Ce code n’est pas le bon, ou il n’est plus valable. Vérifiez-le, ou demandez-en un autre.",
    "confirm": "Ce code n’est pas le bon, ou il n’est plus valable. Vérifiez-le, ou demandez-en un autre.",
}
OVER = 403
"""The status of a proof that fails: here, of a ticket."""
USED = "Cette page a déjà servi. Vérifiez vos réponses et envoyez-la de nouveau."


class BeginForm(Guarded):
    """First log-in: NUMEN and code."""

    numen = numen_field()
    code = letter_code_field()


class Telephone(Form):
    """A telephone for codes."""

    value = text_field(
        "Téléphone",
        "Un numéro personnel, par exemple 06 12 34 56 78. Il ne sert qu’à vous envoyer un code.",
        "Indiquez un numéro, ou passez cette étape.",
        autocomplete="tel",
        inputmode="tel",
    )


class Recovery(Form):
    """An address for codes."""

    value = text_field(
        "Adresse de secours",
        "Une adresse personnelle, hors de l’académie. Un code y est envoyé pour la vérifier.",
        "Indiquez une adresse, ou passez cette étape.",
        autocomplete="email",
        inputmode="email",
        autocapitalize="none",
        spellcheck="false",
    )


class Confirm(Form):
    """The code that was sent to that address."""

    value = sent_code_field()


class Charter(Form):
    """The charter."""

    value = BooleanField(
        "J’ai lu la charte et je l’accepte.",
        validators=[InputRequired("Acceptez la charte pour continuer.")],
        widget=dsfr.Checkbox(),
    )


class FirstPassword(NewPassword):
    """The last step of a first log-in."""


FORMS: dict[str, type[Form]] = {
    "phone": Telephone,
    "phone_code": Confirm,
    "mail": Recovery,
    "confirm": Confirm,
    "charter": Charter,
    "password": FirstPassword,
}
"""The form of each step of malleposte.accounts.credentials.enrolment."""
WITH = {"phone_code": "phone", "confirm": "mail"}
"""Steps that are the second half of another."""


@SUBJECT.form("/activer", "/en/activate")
def activate() -> Answer:
    """The two secrets. Coming back with them goes on where the agent left."""
    form = BeginForm()
    form.focus("numen")

    def begin() -> Answer | acts.Refusal:
        call = enrolment.Begin(acts.source(), form.typed("numen"), form.typed("code"), form.once, form.by_question)
        answer = acts.ask(call, _(UNKNOWN), _(USED))
        if isinstance(answer, Done):
            session[TICKET] = answer.ticket
            return redirect(link("step"), 303)
        return answer

    def show(refused: str) -> str:
        over = bool(session.pop("over", False)) and request.method == "GET"
        return render_template("first_login/activate.html", form=form, refused=refused, over=over)

    return filled_in(form, begin, show)


@SUBJECT.form("/activer/etape", "/en/activate/step")
def step() -> Answer:
    """The next step, or one before it that is to be corrected (`?step=`)."""
    ticket = session.get(TICKET)
    if not isinstance(ticket, str):
        return redirect(link("activate"), 303)
    file = _look(ticket)
    if not isinstance(file, Done):
        return file
    name = _current_step(file)
    form: Any = FORMS[name]()
    if name != "charter":  # which is to be read from its beginning
        form.focus("new" if name == "password" else "value")
    refused, status = "", 200
    if request.method == "POST":
        answer = _sent(name, form, ticket, file)
        if not isinstance(answer, acts.Refusal):
            return answer
        refused, status = answer.page, answer.status
    page = render_template(
        f"first_login/{name}.html", form=form, refused=refused, step=name, file=file.enrolment, uid=file.uid,
        names=_titles(), stage=_stage(name, file.enrolment.steps), charter=current_app.extensions["portal"].charter,
        may_skip=name not in file.enrolment.needed,
    )  # fmt: skip
    return page, status


def _current_step(file: enrolment.EnrolmentFile) -> str:
    """The step of the page: the one asked for where it may be corrected, else the first that is left."""
    left = file.enrolment.left or ("password",)
    asked = request.form.get("step") or request.args.get("step", "")
    may = asked in FORMS and (asked in left or asked in ("phone", "mail"))
    return asked if may and file.before == "pending" else left[0]


def _stage(name: str, steps: Sequence[str]) -> tuple[int, int, str]:
    """The number of a step, how many there are, and the step that follows; a code belongs to its address."""
    at = steps.index(WITH.get(name, name)) + 1
    return at, len(steps), "".join(steps[at : at + 1])


def _sent(name: str, form: Any, ticket: str, file: enrolment.EnrolmentFile) -> Answer | acts.Refusal:
    """Have accountd take what was sent; where to go next, or why not."""
    where = acts.source()
    if name in ("phone", "mail") and "skip" in request.form:
        value = ""
    elif name == "confirm" and "again" in request.form:
        name, value = "mail", file.enrolment.waiting
    elif name == "phone_code" and "again" in request.form:
        name, value = "phone", file.enrolment.called
    elif name == "phone_code" and "skip" in request.form:
        name, value = "phone", ""
    elif not form.validate():
        return acts.Refusal(422)
    elif name == "password":
        return _ended(form, ticket)
    else:
        value = _version() if name == "charter" else form.typed("value")
    answer = _ask(enrolment.Enrol(where, ticket, name, value), _(WRONG.get(name, USED)))
    if isinstance(answer, Done):
        return redirect(link("step"), 303)
    if isinstance(answer, acts.Refusal) and answer.status == 422 and name in WRONG:
        form.refuse("value", [answer.page])
        return acts.Refusal(422)
    return answer


def _ended(form: Any, ticket: str) -> Answer | acts.Refusal:
    answer = _ask(enrolment.Activate(acts.source(), ticket, form.typed("new")), _(USED))
    if isinstance(answer, Done):
        session.pop(TICKET, None)
        return said_done("activate" if answer.before == "pending" else "reset", answer)
    if isinstance(answer, acts.Refusal) and answer.new_password:
        form.refuse("new", answer.new_password)
    return answer


def _look(ticket: str) -> enrolment.EnrolmentFile | Answer:
    """The file of a ticket; where there is none, the page that says so."""
    answer = acts.ask(enrolment.Enrol(acts.source(), ticket, "look"), "")
    if isinstance(answer, Done):
        return answer
    if answer.status == OVER:
        return _again()
    return render_template("away.html", refused=answer.page, title=_("Activer mon compte"), back="step"), answer.status


def _ask(call: Request[Any], wrong: str) -> Done | acts.Refusal | Answer:
    """The answer of accountd; with a ticket that is over, the way back to the two secrets."""
    answer = acts.ask(call, "", wrong)
    return _again() if isinstance(answer, acts.Refusal) and answer.status == OVER else answer


def _again() -> Answer:
    session.pop(TICKET, None)
    session["over"] = True
    return redirect(link("activate"), 303)


def _titles() -> dict[str, str]:
    return {
        "phone": _("Votre téléphone"),
        "phone_code": _("Vérifier votre téléphone"),
        "mail": _("Votre adresse de secours"),
        "confirm": _("Vérifier votre adresse de secours"),
        "charter": _("La charte"),
        "password": _("Votre mot de passe"),
    }


def _version() -> str:
    """A name for the words of the charter: another text has another."""
    words = json.dumps(current_app.extensions["portal"].charter, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:16]
