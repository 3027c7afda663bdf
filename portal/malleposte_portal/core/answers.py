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


def carried_out(
    page: str,
    form: forms.Form,
    wanted: Callable[[], Request[Any]],
    not_proved: str,
    wrong: str = "",
) -> Answer:
    """Show a form on `page`; once it is filled in rightly, have accountd do it, and go to the page that says so.

    `not_proved` and `wrong` as for `acts.ask`.
    """
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if form.validate():
            answer = acts.ask(wanted(), not_proved, wrong)
            if isinstance(answer, Done):
                return said_done(str(request.endpoint), answer)
            if answer.new_password:
                form.refuse("new", answer.new_password)
            refused, status = answer.page, answer.status
    return render_template(page, form=form, refused=refused), status
