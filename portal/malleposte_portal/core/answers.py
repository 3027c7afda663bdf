"""Common parts of pages: their links, and a form that accountd carries out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, g, redirect, render_template, request, session, url_for
from malleposte.accountd.message import Done, Request
from werkzeug.wrappers import Response

from malleposte_portal.core import acts, forms

Answer = str | Response | tuple[str, int]
UNKNOWN = "Ces informations ne permettent pas de vous reconnaître. Vérifiez chacune d’elles, puis réessayez."


def link(name: str, language: str = "", /, **query: Any) -> str:
    """The address of a page, in the language of this page unless another is given, with a query."""
    return url_for(name, language=language or g.language, **query)


def said_done(name: str, answer: Done) -> Answer:
    """The way to the page that says what was done; log-ins to the portal from before end with a new password."""
    ours = current_app.extensions["sign_on"]
    if ours is not None and answer.uid:
        ours.end_log_ins(answer.uid)
    session["done"] = {"act": name, "uid": answer.uid, "late": bool(answer.open)}
    return redirect(link("done"), 303)


def back_to(name: str, notice: str, /, **query: Any) -> Answer:
    """Go to a page that says once what was done; `notice` is its word for that."""
    session["told"] = notice
    return redirect(link(name, **query), 303)


def filled_in(
    form: forms.Form, act: Callable[[], Answer | acts.Refusal], show: Callable[[str], str], field: str = ""
) -> Answer:
    """Show a form; once it is filled in rightly, have `act` carry it out, which returns where to go, or the refusal.

    `show` renders the page with the sentence of a refusal. One about a value stands at the `field`, if there is one.
    """
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if form.validate():
            answer = act()
            if not isinstance(answer, acts.Refusal):
                return answer
            refused, status = answer.page, answer.status
            if answer.new_password:
                form.refuse("new", answer.new_password)
            if field and status == 422:
                form.refuse(field, [refused])
                refused = ""
    return show(refused), status


def carried_out(
    page: str, form: forms.Form, make: Callable[[], Request[Any]], not_proved: str, wrong: str = ""
) -> Answer:
    """Have accountd carry out a form that is shown on `page`, and go to the page that says so.

    `not_proved` and `wrong` as for `acts.ask`.
    """

    def act() -> Answer | acts.Refusal:
        answer = acts.ask(make(), not_proved, wrong)
        return said_done(str(request.endpoint), answer) if isinstance(answer, Done) else answer

    return filled_in(form, act, lambda refused: render_template(page, form=form, refused=refused))
