"""The first page, and the page that says what was done."""

from __future__ import annotations

from flask import redirect, render_template, session
from malleposte.accountd.calls.meetings.week import MyWeek

from malleposte_portal.core import words
from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.front import services, tiles
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import soon

SUBJECT = Subject("front")
SECONDS = 3.0
"""For the agenda: the page stands without it."""
for function in (services.messages, services.services, services.desk, services.hours, tiles.tiles, tiles.webmail):
    SUBJECT.add_app_template_global(function)


@SUBJECT.page("/", "/en/")
def home() -> Answer:
    """The agent's meetings, the services, the account, the help desk."""
    agent = sign_on.agent()
    week = soon(agent, MyWeek, SECONDS) if agent else None
    today = words.now().date().isoformat()
    days = [
        (heading, [one for one in week.meetings if (one.begin[:10] <= today) is is_today])
        for heading, is_today in ((_("Aujourd’hui"), True), (_("Cette semaine"), False))
    ] if week else []  # fmt: skip
    return render_template("front/home.html", week=week, days=days, span=words.span)


@SUBJECT.page("/fait", "/en/done")
def done() -> Answer:
    """The outcome of the last act; home where there is none, as after a log-out or a second look."""
    outcome = session.get("done")
    if not isinstance(outcome, dict):
        return redirect(link("home"), 303)
    return render_template("front/done.html", act=outcome["act"], uid=outcome["uid"], late=outcome["late"])
