"""« Mes données »: an agent asks for a copy of all that is held about the account, fetches it, removes it.

It is made on the directory's host while nobody waits. accountd hands it over for the token of the log-in, piece by
piece: no address leads to it without one.
"""

from __future__ import annotations

from flask import render_template, session
from malleposte.accountd.calls.own_data import AskOwnData, EndOwnData, FetchOwnData, ShowOwnData
from malleposte.accountd.message import Done

from malleposte_portal.core import acts, browsers, words
from malleposte_portal.core.answers import Answer, back_to, filled_in
from malleposte_portal.core.downloads import Downloads
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.core.words import now
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, fetch, for_agent, unanswered
from malleposte_portal.own.forms import password_field

SUBJECT = Subject("data")
AT_ONCE = 3
"""Downloads of one process at a time, of as many agents."""
BUSY = "D’autres téléchargements sont en cours. Réessayez dans quelques minutes."
DOWNLOADS = Downloads(AT_ONCE)


class AskOwnDataForm(Form):
    """A copy of all data; the password is asked for again."""

    password = password_field()


@SUBJECT.form("/compte/donnees", "/en/account/data")
@for_agent
def own_data(agent: sign_on.Agent) -> Answer:
    """The state of the last request, and the form for the next one where it may be made."""
    form = AskOwnDataForm()

    def request_copy() -> Answer | acts.Refusal:
        password = form.typed("password")
        answer = ask(
            agent, lambda source, uid, token: AskOwnData(source, uid, token, password, browsers.digest()),
            _("Mot de passe inexact."),
        )  # fmt: skip
        return back_to("own_data", "data-asked") if isinstance(answer, Done) else answer

    def show(refused: str) -> str:
        copy = answered(agent, ShowOwnData).own_data
        again = words.read(copy.again)
        may_ask = copy.state not in ("asked", "making") and (again is None or again <= now())
        return render_template(
            "own/data.html", copy=copy, form=form, refused=refused, may_ask=may_ask, notice=session.pop("told", ""),
            size=size(copy.size), moment=words.moment,
        )  # fmt: skip

    return filled_in(form, request_copy, show)


def size(many: int) -> str:
    """Bytes as people read them."""
    if many < 1_000_000:
        return _("%(number)d ko", number=max(1, round(many / 1000)))
    if many < 1_000_000_000:
        return _("%(number)d Mo", number=round(many / 1_000_000))
    shown = f"{many / 1_000_000_000:.1f}"
    return _("%(number)s Go", number=shown.replace(".", _(",")))


@SUBJECT.act("/compte/donnees/telecharger", "/en/account/data/download")
@for_agent
def own_data_fetch(agent: sign_on.Agent) -> Answer:
    """The copy, as it comes from accountd."""
    uid = agent.session.uid
    if not DOWNLOADS.begin(uid):
        return unanswered(acts.Refusal(429, _(BUSY)))
    try:
        copy = fetch(agent, FetchOwnData, _("Il n’y a pas de copie à télécharger."))
    except BaseException:
        DOWNLOADS.end(uid)
        raise
    if isinstance(copy, acts.Refusal):
        DOWNLOADS.end(uid)
        return unanswered(copy)
    return DOWNLOADS.sent(uid, copy, "application/zip", f"mes-donnees-{uid}.zip")


@SUBJECT.act("/compte/donnees/supprimer", "/en/account/data/delete")
@for_agent
def own_data_end(agent: sign_on.Agent) -> Answer:
    """Remove the copy, or call it off."""
    answered(agent, EndOwnData)
    return back_to("own_data", "data-ended")
