"""« Mon compte », « Mon journal » and « Mon interface »: what is held, what was done, and the class of service."""

from __future__ import annotations

from flask import current_app, redirect, render_template, request, session
from malleposte.accountd.calls.account import ShowAccount, ShowJournal
from malleposte.accountd.calls.settings import SetClass

from malleposte_portal.core import words
from malleposte_portal.core.answers import Answer, back_to, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.core.words import now
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, for_agent

SUBJECT = Subject("account")
SOON_DAYS = 30
"""Days before its end from which a password is said to end soon."""


@SUBJECT.page("/compte", "/en/account")
@for_agent
def account(agent: sign_on.Agent) -> Answer:
    """« Mon compte »: what is held, and what needs the agent's attention."""
    answer = answered(agent, ShowAccount)
    details = answer.account
    days = words.days_left(details.password_until, now())
    return render_template(
        "own/account.html", account=details, uid=answer.uid, label=words.label(details.profile),
        quota=details.quota_mb or words.class_of(details.profile).get("quota_mb", 0), day=words.day,
        moment=words.moment, soon=days is not None and days <= SOON_DAYS, days=days, forwards=words.forwards,
    )  # fmt: skip


@SUBJECT.page("/compte/journal", "/en/account/journal")
@for_agent
def journal(agent: sign_on.Agent) -> Answer:
    """« Mon journal »: what was done to the account, in plain words."""
    return render_template(
        "own/journal.html", lines=answered(agent, ShowJournal).journal, moment=words.moment,
        translated=lambda facts: [_(one) for one in facts],
    )  # fmt: skip


@SUBJECT.form("/compte/interface", "/en/account/interface")
@for_agent
def interface(agent: sign_on.Agent) -> Answer:
    """« Mon interface »: the class of service; a step that says what a change ends, and its button."""
    classes = current_app.extensions["portal"].classes
    if request.method == "POST":
        target = request.form.get("profile", "")[:100]
        if target not in classes:
            return redirect(link("interface"), 303)
        answer = answered(agent, lambda source, uid, token: SetClass(source, uid, token, target))
        sign_on.profile_is(agent, target)
        return back_to("interface", "late" if answer.open else "class")
    here = answered(agent, ShowAccount).account.profile
    if here != agent.session.profile:
        sign_on.profile_is(agent, here)
    others = [name for name in classes if name != here]
    notice = session.pop("told", "")
    target = request.args.get("vers", "")[:100]
    return render_template(
        "own/interface.html", here=here, others=others, notice=notice, label=words.label, class_of=words.class_of,
        target=target if target in others else "",
    )  # fmt: skip
