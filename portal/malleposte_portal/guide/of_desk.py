"""The help desk's own pages of the guide, for those of the desk alone."""

from __future__ import annotations

from flask import abort, current_app, render_template
from malleposte.accountd.calls.desk.looks import DeskReach

from malleposte_portal.core.answers import Answer
from malleposte_portal.core.subject import Subject
from malleposte_portal.guide import DESK, INDEX
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, for_agent

SUBJECT = Subject("desk_guide")


@SUBJECT.page(DESK, "/en/help-desk/guide")
@for_agent
def desk_guide(agent: sign_on.Agent) -> Answer:
    """The first page, which leads to the others."""
    return _shown(agent, INDEX)


@SUBJECT.get(f"{DESK}/<name>", endpoint="desk_guide_topic", defaults={"language": "fr"})
def desk_guide_topic(name: str) -> Answer:
    """One page."""
    return _topic(name=name)


@for_agent
def _topic(agent: sign_on.Agent, name: str) -> Answer:
    return _shown(agent, name if name != INDEX else "")


def _shown(agent: sign_on.Agent, name: str) -> Answer:
    """A page, once accountd has said that the agent is of a help desk."""
    answered(agent, DeskReach)
    page = current_app.extensions["desk_guide"].get(name)
    return render_template("desk/guide.html", page=page) if page else abort(404)
