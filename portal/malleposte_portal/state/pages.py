"""The page of the state, and the same as JSON beside it."""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Response, current_app, render_template
from malleposte.accountd.calls.dsi.state import SeeState
from malleposte.accountd.message import Done
from malleposte.core.errors import MallepostError
from malleposte.watch.state import ask as here
from malleposte.watch.state.document import State, encoded

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.dsi.closed import closed
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered
from malleposte_portal.state import shown

LOG = logging.getLogger("malleposte_portal")
SUBJECT = Subject("state")
UNKNOWN = "L’état de la plateforme n’est pas connu : rien de ce qui la surveille ne répond. Réessayez dans une minute."


@SUBJECT.page("/dsi/etat", "/en/dsi/state")
@for_agent
def state(agent: sign_on.Agent) -> Answer:
    """« État de la plateforme »."""
    answer = ask(agent, SeeState)
    if not isinstance(answer, Done):
        return closed(answer, _("État de la plateforme"), link("state"))
    measured = _read_state()
    if measured is None:
        return unanswered(acts.Refusal(503, _(UNKNOWN)))
    return render_template("state/state.html", state=measured, view=shown.View(measured), moment=words.zoned)


@SUBJECT.get("/dsi/etat.json", endpoint="state_data")
@for_agent
def data(agent: sign_on.Agent) -> Answer:
    """The same document for a program of the one who is logged in."""
    answered(agent, SeeState)
    measured = _read_state()
    if measured is None:
        return unanswered(acts.Refusal(503, _(UNKNOWN)))
    return Response(encoded(measured), mimetype="application/json")


def _read_state() -> State | None:
    """The state as it is told now; None where it is not."""
    try:
        return here.read(Path(current_app.extensions["portal"].state))
    except MallepostError as error:
        LOG.error("the state of the platform is not known: %s", error)
        return None
