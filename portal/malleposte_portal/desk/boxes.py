"""The help desk's pages on functional boxes: those of a school, who opens one, one agent more or less."""

from __future__ import annotations

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.desk.boxes import DeskBoxes, DeskSetDelegate
from malleposte.accountd.message import Done

from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.subject import Subject
from malleposte_portal.desk import forms
from malleposte_portal.desk.pages import acted, link_values, looked, looked_for
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, for_agent

SUBJECT = Subject("desk_boxes")


@SUBJECT.form("/assistance/boites", "/en/help-desk/mailboxes")
@for_agent
def desk_boxes(agent: sign_on.Agent) -> Answer:
    """The functional boxes of a school."""
    form = forms.School(data=looked_for())
    return looked(
        agent,
        form,
        "desk/boxes.html",
        lambda source, uid, token: DeskBoxes(source, uid, token, school=form.typed("school").upper()),
    )


@SUBJECT.page("/assistance/boite", "/en/help-desk/mailbox")
@for_agent
def desk_box(agent: sign_on.Agent) -> Answer:
    """The agents who open a box."""
    box = request.args.get("box", "")[: forms.LONGEST]
    if not box:
        return redirect(link("desk_boxes"), 303)
    answer = answered(agent, lambda source, uid, token: DeskBoxes(source, uid, token, box=box))
    last = session.pop("desk", None)
    names = {one.uid: one.name for one in answer.people}
    return render_template(
        "desk/box.html", one=answer.charges[0], names=names,
        notice=last["act"] if isinstance(last, dict) and last.get("box") == answer.charges[0].name else "",
    )  # fmt: skip


@SUBJECT.form("/assistance/boite/ouvrir", "/en/help-desk/mailbox/open")
@for_agent
def desk_delegate(agent: sign_on.Agent) -> Answer:
    """Let an agent open a box."""
    return _delegated(agent, forms.Delegate(data=link_values("box", "agent")), add=True)


@SUBJECT.form("/assistance/boite/retirer", "/en/help-desk/mailbox/remove")
@for_agent
def desk_undelegate(agent: sign_on.Agent) -> Answer:
    """Take that away."""
    return _delegated(agent, forms.Undelegate(data=link_values("box", "agent")), add=False)


def _delegated(agent: sign_on.Agent, form: forms.Undelegate, *, add: bool) -> Answer:
    """The form of one change; once it is done, the page of the box."""
    box = form.typed("box")

    def done(answer: Done) -> Answer:
        act = "delegate" if add else "undelegate"
        session["desk"] = {"box": box.lower(), "act": "late" if answer.open else act}
        return redirect(link("desk_box", box=box), 303)

    return acted(
        agent, form,
        lambda source, uid, token: DeskSetDelegate(
            source, uid, token, box=box, target=form.typed("agent"), reason=form.typed("reason"), add=add
        ),
        done, lambda refused: render_template("desk/delegate.html", form=form, refused=refused, box=box, add=add),
        "" if box else "desk_boxes",
    )  # fmt: skip
