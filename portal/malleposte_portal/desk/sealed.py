"""The help desk's page on the dangerous messages of an agent: listed for a reason, and handed over one by one."""

from __future__ import annotations

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.desk.looks import DeskReach
from malleposte.accountd.calls.desk.sealed import DeskSealed, DeskUnseal
from malleposte.accountd.message import MOST_ITEMS, Done

from malleposte_portal.core import words
from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.forms import ticked
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.desk import forms
from malleposte_portal.desk.pages import link_values
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent
from malleposte_portal.own.messages.quarantine import because

SUBJECT = Subject("desk_sealed")


@SUBJECT.form("/assistance/messages-dangereux", "/en/help-desk/dangerous-messages")
@for_agent
def desk_sealed(agent: sign_on.Agent) -> Answer:
    """The messages, once a reason is given; those that are ticked come to the agent's inbox."""
    form, refused, status, sealed = forms.Act(data=link_values("agent")), "", 200, None
    target, reason = form.typed("agent"), form.typed("reason")
    messages = ticked("message", MOST_ITEMS)
    if request.method == "GET":
        answered(agent, DeskReach)
        if not target:
            return redirect(link("desk"), 303)
    elif not form.validate():
        status = 422
    elif messages:
        late = _("Certains messages n’ont pas été remis : ils l’ont déjà été, ou leur délai est passé.")
        done = ask(
            agent,
            lambda source, uid, token: DeskUnseal(
                source, uid, token, target=target, messages=messages, reason=reason
            ),
            refused=late,
        )  # fmt: skip
        if isinstance(done, Done):
            session["desk"] = {"uid": done.uid, "act": "unsealed"}
            return redirect(link("desk_agent", agent=done.uid), 303)
        refused, status = done.page, done.status
    else:
        listed = ask(
            agent,
            lambda source, uid, token: DeskSealed(source, uid, token, target=target, reason=reason),
            refused=_(forms.WRONG),
        )
        if isinstance(listed, Done):
            sealed = listed.held
        else:
            refused, status = listed.page, listed.status
    return render_template(
        "desk/sealed.html", form=form, refused=refused, target=target, sealed=sealed, moment=words.moment,
        because=because, sheet=lambda uid: link("desk_agent", agent=uid),
    ), status  # fmt: skip
