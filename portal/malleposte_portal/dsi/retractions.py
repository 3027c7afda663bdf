"""« Retirer des messages »: the DSI takes dangerous messages back from all boxes, and gives them back.

A plan is made first. It is carried out on the directory's host while nobody waits: the page shows how far it is.
"""

from __future__ import annotations

from flask import redirect, render_template, request
from malleposte.accountd.calls.dsi.reports import DsiReports, ReportsShown
from malleposte.accountd.calls.dsi.retractions import (
    DsiGiveBack,
    DsiPlanRetraction,
    DsiRetract,
    DsiRetraction,
    DsiRetractions,
    Order,
    Retractions,
    RetractionShown,
    Stage,
    Summary,
)

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, filled_in, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.dsi import forms
from malleposte_portal.dsi.closed import closed
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import Make, ask, for_agent

SUBJECT = Subject("retractions")
TITLE = "Retirer des messages"
NOTHING = "Indiquez au moins un expéditeur, un mot de l’objet, un lien ou un identifiant."
WRONG = "Un mot de l’objet a au moins trois lettres, et un lien est nécessaire pour le refuser."
NONE = "Ce retrait n’existe pas, ou date de plus de 30 jours."
STAGES = {
    Stage.ASKED: "Plan en préparation",
    Stage.PLANNED: "Plan prêt, rien n’est retiré",
    Stage.BEGUN: "Retrait incomplet",
    Stage.DONE: "Retiré",
    Stage.TAKEN_BACK: "Rendu aux agents",
}
UNDER_WAY = {
    Order.PLAN: "Plan en préparation",
    Order.TAKE: "Retrait en cours",
    Order.GIVE_BACK: "Remise en cours",
}
"""The state of a retraction, in words."""


@SUBJECT.page("/dsi/retraits", "/en/dsi/retractions")
@for_agent
def retractions(agent: sign_on.Agent) -> Answer:
    """The retractions of 30 days."""
    answer = ask(agent, DsiRetractions)
    if not isinstance(answer, Retractions):
        return closed(answer, _(TITLE), link("retractions"))
    return render_template("dsi/retractions.html", answer=answer, state=state, moment=words.moment)


@SUBJECT.form("/dsi/retraits/nouveau", "/en/dsi/retractions/new")
@for_agent
def retraction_new(agent: sign_on.Agent) -> Answer:
    """Have a plan made."""
    initial: dict[str, str] = {}
    if request.method == "GET":
        key = request.args.get("signalement", "")[:64]
        answer = ask(agent, DsiReports if key else DsiRetractions)
        if isinstance(answer, acts.Refusal):
            return closed(answer, _(TITLE), link("retraction_new"))
        if isinstance(answer, ReportsShown):
            initial = _reported(answer, key)
    form = forms.Plan(data=initial)

    def plan() -> Answer | acts.Refusal:
        if not form.asks():
            return acts.Refusal(422, _(NOTHING))
        answer = ask(
            agent,
            lambda source, uid, token: DsiPlanRetraction(
                source, uid, token, form.typed("reason"), form.typed("sender"), form.typed("word"),
                form.typed("message_id"), form.typed("link"), bool(form.refuse_link.data),
            ),
            refused=_(WRONG),
        )  # fmt: skip
        return _to(answer) if isinstance(answer, RetractionShown) else answer

    return filled_in(form, plan, lambda refused: render_template("dsi/retraction_new.html", form=form, refused=refused))


@SUBJECT.page("/dsi/retrait", "/en/dsi/retraction")
@for_agent
def retraction(agent: sign_on.Agent) -> Answer:
    """The plan of a retraction, and what came of it."""
    ident = request.args.get("retrait", "")[:64]
    answer = ask(agent, lambda source, uid, token: DsiRetraction(source, uid, token, ident), refused=_(NONE))
    if not isinstance(answer, RetractionShown):
        return closed(answer, _(TITLE), link("retraction", retrait=ident))
    one = answer.shown
    return render_template(
        "dsi/retraction.html", one=one, line=one.summary, mine=answer.mine, state=state, moment=words.moment,
        busy=one.summary.order is not Order.NONE,
    )  # fmt: skip


@SUBJECT.act("/dsi/retrait/retirer", "/en/dsi/retraction/take")
@for_agent
def retract(agent: sign_on.Agent) -> Answer:
    """Have the messages taken out, or agree to it."""
    ident = _named()
    return _done(agent, lambda source, uid, token: DsiRetract(source, uid, token, ident))


@SUBJECT.act("/dsi/retrait/rendre", "/en/dsi/retraction/give-back")
@for_agent
def give_back(agent: sign_on.Agent) -> Answer:
    """Have the messages given back."""
    ident = _named()
    return _done(agent, lambda source, uid, token: DsiGiveBack(source, uid, token, ident))


def state(one: Summary) -> str:
    """The state of a retraction, in words."""
    if one.order is not Order.NONE:
        return _(UNDER_WAY[one.order])
    if one.stage is Stage.PLANNED and one.persons:
        return _("Attend l’accord d’une seconde personne")
    return _(STAGES[one.stage])


def _reported(answer: ReportsShown, key: str) -> dict[str, str]:
    """The words of the form for what agents reported."""
    row = next((one for one in answer.reports if one.key == key), None)
    return {"sender": row.sender, "word": row.subject[: forms.LONGEST_PART]} if row else {}


def _named() -> str:
    """The name of the retraction in a form."""
    return request.form.get("retraction", "")[:64]


def _done(agent: sign_on.Agent, make: Make[RetractionShown]) -> Answer:
    answer = ask(agent, make, refused=_(NONE))
    if not isinstance(answer, RetractionShown):
        return closed(answer, _(TITLE), link("retractions"))
    return _to(answer)


def _to(answer: RetractionShown) -> Answer:
    """Go to the page of a retraction, which shows its state."""
    return redirect(link("retraction", retrait=answer.shown.summary.ident), 303)
