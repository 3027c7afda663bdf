"""« Mes réunions »: those that the agent called, with the answers, and the form of a new one."""

from __future__ import annotations

from flask import render_template, request, session
from malleposte.accountd.calls.meetings.invite import (
    EVENT,
    MANY,
    OPEN,
    PEOPLE,
    CallMeeting,
    CallOffMeeting,
    MyMeetings,
)

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to, filled_in
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered
from malleposte_portal.own.meetings import forms

SUBJECT = Subject("meetings")
WRONG = {
    EVENT: "Vérifiez le titre, le jour, les heures et le lieu.",
    PEOPLE: "Vérifiez les participants : chacun a un compte ici, ou une adresse extérieure.",
    MANY: "50 personnes au plus : les membres des listes comptent.",
    OPEN: "Vous avez trop de réunions à venir. Annulez celles qui ne servent plus.",
}
ANSWERS = {"": "pas de réponse", "yes": "oui", "no": "non", "maybe": "peut-être"}


@SUBJECT.page("/compte/reunions", "/en/account/meetings")
@for_agent
def meetings(agent: sign_on.Agent) -> Answer:
    """The meetings that are not over."""
    return render_template(
        "own/meetings/list.html", answer=answered(agent, MyMeetings), span=words.span, notice=session.pop("told", ""),
        answers={word: _(sentence) for word, sentence in ANSWERS.items()},
    )  # fmt: skip


@SUBJECT.form("/compte/reunions/nouvelle", "/en/account/meetings/new")
@for_agent
def meeting(agent: sign_on.Agent) -> Answer:
    """The form; from the page of slots it comes filled in."""
    visio = answered(agent, MyMeetings).visio
    if "slot" in request.form:
        form = forms.Invite(formdata=None, data=_of_slot())
        return _shown(form, "", visio=visio)
    form = forms.Invite()

    def invite() -> Answer | acts.Refusal:
        moments = form.moments()
        if moments is None:
            return acts.Refusal(422)
        done = ask(
            agent,
            lambda source, uid, token: CallMeeting(
                source, uid, token, form.typed("title"), *moments, form.typed("people"), form.typed("place"),
                form.typed("text"), visio and bool(form.visio.data),
            ),
            refused={word: _(sentence) for word, sentence in WRONG.items()},
        )  # fmt: skip
        return done if isinstance(done, acts.Refusal) else back_to("meetings", "called")

    return filled_in(form, invite, lambda refused: _shown(form, refused, visio=visio))


@SUBJECT.act("/compte/reunions/annuler", "/en/account/meetings/call-off")
@for_agent
def meeting_off(agent: sign_on.Agent) -> Answer:
    """Call one off."""
    ident = request.form.get("meeting", "")[:64]
    done = ask(agent, lambda source, uid, token: CallOffMeeting(source, uid, token, ident), refused=_(acts.MISSING))
    return unanswered(done) if isinstance(done, acts.Refusal) else back_to("meetings", "off")


def _of_slot() -> dict[str, str]:
    """The words of the form for a slot that was chosen."""
    begin, _space, end = request.form.get("slot", "")[:40].partition(" ")
    return {
        "day": begin[:10], "begin": begin[11:16], "end": end[11:16],
        "people": request.form.get("people", "")[: forms.LONGEST_PEOPLE],
    }  # fmt: skip


def _shown(form: forms.Invite, refused: str, *, visio: bool) -> str:
    return render_template("own/meetings/new.html", form=form, refused=refused, visio=visio)
