"""The first page, and the page that says what was done."""

from __future__ import annotations

from flask import redirect, render_template, session

from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.subject import Subject
from malleposte_portal.front import services, tiles

SUBJECT = Subject("front")
for function in (services.messages, services.services, services.desk, services.hours, tiles.tiles, tiles.webmail):
    SUBJECT.add_app_template_global(function)


@SUBJECT.page("/", "/en/")
def home() -> Answer:
    """The services, the account, the help desk."""
    return render_template("front/home.html")


@SUBJECT.page("/fait", "/en/done")
def done() -> Answer:
    """The outcome of the last act; home where there is none, as after a log-out or a second look."""
    outcome = session.get("done")
    if not isinstance(outcome, dict):
        return redirect(link("home"), 303)
    return render_template("front/done.html", act=outcome["act"], uid=outcome["uid"], late=outcome["late"])
