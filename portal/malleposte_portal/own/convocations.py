"""« Mes convocations »: what offices ask for, and the answer: oui, or non."""

from __future__ import annotations

from flask import render_template, request, session
from malleposte.accountd.calls.convocations.mine import AnswerConvocation, MyConvocations

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered

GONE = 404
SUBJECT = Subject("convocations")


@SUBJECT.page("/compte/convocations", "/en/account/summonses")
@for_agent
def convocations(agent: sign_on.Agent) -> Answer:
    """The convocations that are not over."""
    answer = answered(agent, MyConvocations)
    return render_template(
        "own/convocations.html", answer=answer, span=words.span, moment=words.moment, notice=session.pop("told", ""),
    )  # fmt: skip


@SUBJECT.act("/compte/convocations/repondre", "/en/account/summonses/answer")
@for_agent
def convocation_answer(agent: sign_on.Agent) -> Answer:
    """Answer one."""
    invitation, yes = request.form.get("invitation", "")[:200], request.form.get("answer") == "yes"
    done = ask(agent, lambda source, uid, token: AnswerConvocation(source, uid, token, invitation, yes))
    if isinstance(done, acts.Refusal):
        return back_to("convocations", "changed") if done.status == GONE else unanswered(done)
    return back_to("convocations", "yes" if yes else "no")
