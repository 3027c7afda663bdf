"""« Récupérer un message supprimé »: messages that were deleted for good are found, and come back to their folders.

They lie on the host of the mailbox; accountd finds them there and brings them back. Words that are looked for are
posted: an address would be kept in logs and in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from flask import render_template, request, session
from malleposte.accountd.calls.mailbox.undelete import DeletedMessage, FindDeleted, Undelete
from wtforms import RadioField
from wtforms.validators import AnyOf

from malleposte_portal import dsfr
from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.forms import Form, ticked
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask_in_parts, for_agent
from malleposte_portal.own.forms import part_field

SUBJECT = Subject("undelete")
MOST = 100
"""Messages that come back by one form."""
LATE = "Certains messages n’ont pas été récupérés : ils l’ont déjà été, ou leur délai est passé."
DAYS = {"1": "Depuis hier", "7": "Depuis une semaine", "0": "À n’importe quel moment"}
"""Days since a deletion, in the words of the page; 0 for any."""


class FindDeletedForm(Form):
    """Parts of the messages that are looked for; all of them where nothing is given."""

    sender = part_field("Expéditeur", "Une partie du nom ou de l’adresse. Vide : n’importe lequel.")
    subject = part_field("Objet", "Un ou plusieurs mots. Vide : n’importe lequel.")
    days = RadioField(
        "Supprimé",
        choices=list(DAYS.items()),
        default="0",
        validate_choice=False,
        validators=[AnyOf(DAYS, "Choisissez une période.")],
        widget=dsfr.Radios(),
    )


def place(folder: str) -> str:
    """A folder in words."""
    return _("Boîte de réception") if folder == "INBOX" else folder


@SUBJECT.form("/compte/messages-supprimes", "/en/account/deleted-messages")
@for_agent
def undelete(agent: sign_on.Agent) -> Answer:
    """The messages that can be brought back, those that fit the words that were given."""
    refused, status = "", 200
    searched = request.method == "POST" and request.form.get("act") != "back"
    if request.method == "POST" and not searched:
        messages = ticked("message", MOST)
        if messages:
            done = ask_in_parts(agent, lambda some: partial(Undelete, messages=some), messages, _(LATE))
            if not isinstance(done, acts.Refusal):
                return back_to("undelete", f"undeleted {sum(answer.many for answer in done)}")
            refused, status = done.page, done.status
        else:
            refused, status = _("Cochez d’abord les messages à récupérer."), 422
    form = FindDeletedForm(formdata=request.form if searched else None)
    if searched and not form.validate():
        return _page(form, (), status=422)
    parts = (form.typed("sender"), form.typed("subject"), int(form.typed("days") or 0))
    answer = answered(agent, lambda source, uid, token: FindDeleted(source, uid, token, *parts))
    return _page(form, answer.deleted, more=answer.more, searched=searched, refused=refused, status=status)


def _page(
    form: FindDeletedForm, deleted: Sequence[DeletedMessage], *, status: int, more: bool = False,
    searched: bool = False, refused: str = "",
) -> Answer:  # fmt: skip
    notice = str(session.pop("told", ""))
    many = int(notice.removeprefix("undeleted ")) if notice.startswith("undeleted ") else None
    return render_template(
        "own/undelete.html", form=form, deleted=deleted, more=more, searched=searched, refused=refused, many=many,
        moment=words.moment, place=place,
    ), status  # fmt: skip
