"""« Signalements »: what agents reported. The DSI takes it back, or answers that it is harmless."""

from __future__ import annotations

from flask import render_template, request, session
from malleposte.accountd.calls.dsi.reports import DsiAnswerReports, DsiReports, ReportsShown

from malleposte_portal.core import words
from malleposte_portal.core.answers import Answer, back_to, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.dsi.closed import closed
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent

SUBJECT = Subject("reports")
TITLE = "Signalements"
GONE = "Ce signalement a déjà reçu une réponse."


@SUBJECT.page("/dsi/signalements", "/en/dsi/reports")
@for_agent
def reports(agent: sign_on.Agent) -> Answer:
    """The reports that nobody has answered."""
    answer = ask(agent, DsiReports)
    if not isinstance(answer, ReportsShown):
        return closed(answer, _(TITLE), link("reports"))
    return render_template("dsi/reports.html", answer=answer, moment=words.moment, notice=session.pop("told", ""))


@SUBJECT.act("/dsi/signalements/sans-danger", "/en/dsi/reports/harmless")
@for_agent
def report_harmless(agent: sign_on.Agent) -> Answer:
    """Write to the agents who reported that the message is harmless."""
    key = request.form.get("key", "")[:64]
    answer = ask(agent, lambda source, uid, token: DsiAnswerReports(source, uid, token, key), refused=_(GONE))
    if not isinstance(answer, ReportsShown):
        return closed(answer, _(TITLE), link("reports"))
    return back_to("reports", "harmless")
