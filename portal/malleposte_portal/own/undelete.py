"""« Récupérer un message supprimé »: messages that were deleted for good are found, and come back to their folders.

They lie on the host of the mailbox; accountd finds them there and brings them back. Words that are looked for are
posted: an address would be kept in logs and in the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import batched

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.undelete import DeletedMessage, FindDeleted, Restored, Undelete
from malleposte.accountd.message import MOST_ITEMS, Done

from malleposte_portal import acts, sign_on
from malleposte_portal.answers import Answer, link
from malleposte_portal.languages import translate as _
from malleposte_portal.own import forms, words
from malleposte_portal.own.asked import ask, for_agent, unanswered

ADDRESSES: dict[str, tuple[str, str]] = {
    "undelete": ("/compte/messages-supprimes", "/en/account/deleted-messages"),
}
"""Address of the page, as in pages.ADDRESSES."""


MOST = 100
"""Messages that come back by one form."""


def place(folder: str) -> str:
    """A folder in words."""
    return _("Boîte de réception") if folder == "INBOX" else folder


def _back(found: sign_on.Agent, messages: Sequence[str]) -> Restored | acts.Told:
    """Bring the messages back, some at a time."""
    late = _("Certains messages n’ont pas été récupérés : ils l’ont déjà été, ou leur délai est passé.")
    many = 0
    for some in batched(messages, MOST_ITEMS, strict=False):
        answer = ask(found, partial(Undelete, messages=some), refused=late)
        if isinstance(answer, acts.Told):
            return answer
        many += answer.many
    return Restored(many=many)


@for_agent
def undelete(found: sign_on.Agent) -> Answer:
    """The messages that can be brought back, those that fit the words that were given."""
    refused, status = "", 200
    searched = request.method == "POST" and request.form.get("act") != "back"
    if request.method == "POST" and not searched:
        messages = list(dict.fromkeys(request.form.getlist("message")))[:MOST]
        if messages:
            done = _back(found, messages)
            if isinstance(done, Done):
                session["told"] = f"undeleted {done.many}"
                return redirect(link("undelete"), 303)
            refused, status = done.page, done.status
        else:
            refused, status = _("Cochez d’abord les messages à récupérer."), 422
    form = forms.FindDeleted(formdata=request.form if searched else None)
    if searched and not form.validate():
        return _page(form, (), status=422)
    parts = (form.typed("sender"), form.typed("subject"), int(form.typed("days") or 0))
    answer = ask(found, lambda source, uid, token: FindDeleted(source, uid, token, *parts))
    if isinstance(answer, acts.Told):
        return unanswered(answer)
    return _page(form, answer.deleted, more=answer.more, searched=searched, refused=refused, status=status)


def _page(
    form: forms.FindDeleted, deleted: Sequence[DeletedMessage], *, status: int, more: bool = False,
    searched: bool = False, refused: str = "",
) -> Answer:  # fmt: skip
    told = str(session.pop("told", ""))
    many = int(told.removeprefix("undeleted ")) if told.startswith("undeleted ") else None
    return render_template(
        "own/undelete.html", form=form, deleted=deleted, more=more, searched=searched, refused=refused, many=many,
        moment=words.moment, place=place,
    ), status  # fmt: skip


VIEWS: dict[str, Callable[[], Answer]] = {"undelete": undelete}
