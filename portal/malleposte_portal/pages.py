"""The pages and their addresses, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, g, redirect, render_template, request, session
from malleposte.accountd.calls import passwords
from malleposte.policy.project import sentences

from malleposte_portal import (
    acts,
    browsers,
    desk,
    first_login,
    forgotten,
    forms,
    guide,
    hacked,
    human,
    info,
    own,
    sign_on,
    strength,
)
from malleposte_portal.answers import Answer, carried_out, link
from malleposte_portal.languages import translate as _
from malleposte_portal.settings import LANGUAGES

ADDRESSES: dict[str, tuple[str, str]] = {
    "home": ("/", "/en/"),
    "activate": ("/activer", "/en/activate"),
    "step": ("/activer/etape", "/en/activate/step"),
    "password": ("/motdepasse", "/en/password"),
    "change": ("/motdepasse/changer", "/en/password/change"),
    "code": ("/motdepasse/code", "/en/password/code"),
    "reset": ("/motdepasse/oublie", "/en/password/forgotten"),
    "forgotten": ("/oublie", "/en/forgotten"),
    "remind": ("/oublie/identifiant", "/en/forgotten/log-in"),
    "human": ("/verification.json", "/en/verification.json"),
    "strength": ("/motdepasse/robustesse", "/en/password/strength"),
    "strength_data": ("/motdepasse/robustesse.json", "/en/password/strength.json"),
    "diagnosis": ("/diagnostic", "/en/diagnosis"),
    "done": ("/fait", "/en/done"),
    "accessibility": ("/accessibilite", "/en/accessibility"),
    "legal": ("/mentions-legales", "/en/legal"),
    "privacy": ("/donnees-personnelles", "/en/privacy"),
    **guide.ADDRESSES,
    **hacked.ADDRESSES,
    **own.ADDRESSES,
    **desk.ADDRESSES,
}
"""Address of each page, in the order of LANGUAGES."""
FORMS = ("activate", "step", "change", "code", "remind", "reset", *hacked.FORMS, *own.FORMS, *desk.FORMS)
"""The pages that take what an agent typed."""


def setup_pages(app: Flask) -> None:
    """Each page at its address in each language; what the templates need on every page."""
    for name, addresses in ADDRESSES.items():
        methods = ["GET"] * (name not in own.ACTS) + ["POST"] * (name in FORMS)
        for language, address in zip(LANGUAGES, addresses, strict=True):
            app.add_url_rule(address, name, VIEWS[name], defaults={"language": language}, methods=methods)

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        # Where an address leads nowhere, the other language's home is as near as one can come.
        shown = request.endpoint in ADDRESSES and request.endpoint not in own.ACTS
        here = str(request.endpoint) if shown else "home"
        other = LANGUAGES[1 - LANGUAGES.index(g.language)]
        # Such as the agent of a sheet. It is joined as text: a name in it could be one of url_for's own.
        query = f"?{urlencode(list(request.args.items(multi=True)))}" if shown and request.args else ""
        return {
            "portal": app.extensions["portal"],
            "language": g.language,
            "link": link,
            "other": other,
            "elsewhere": link(here, other) + query,
            "again": link(here) if shown else "",
            "password_rules": password_rules,
        }


def home() -> Answer:
    """The services, the account, the help desk."""
    return render_template("home.html")


def password() -> Answer:
    """The acts on a password, and the rules."""
    return render_template("password.html")


def change() -> Answer:
    """The old password, also past its end, gives a new one."""
    found = sign_on.agent()
    form = forms.Change(login=found.session.uid if found else None)
    return carried_out(
        "change",
        form,
        lambda: passwords.Change(
            acts.source(), form.typed("login"), form.typed("old"), form.typed("new"), browsers.digest()
        ),
        _("Identifiant ou mot de passe actuel inexact."),
    )


def done() -> Answer:
    """The outcome of the last act; home where there is none, as after a log-out or a second look."""
    told = session.get("done")
    if not isinstance(told, dict) or told.get("act") not in ADDRESSES:
        return redirect(link("home"), 303)
    return render_template("done.html", act=told["act"], uid=told.get("uid", ""), late=told.get("late", False))


VIEWS: dict[str, Callable[[], Answer]] = {
    "home": home,
    "activate": first_login.activate,
    "step": first_login.step,
    "password": password,
    "change": change,
    "code": forgotten.code,
    "forgotten": forgotten.forgotten,
    "remind": forgotten.remind,
    "human": human.work,
    "reset": forgotten.reset,
    "strength": strength.page,
    "strength_data": strength.data,
    "diagnosis": own.diagnose,
    "done": done,
    "accessibility": info.accessibility,
    "legal": info.legal,
    "privacy": info.privacy,
    **guide.VIEWS,
    **hacked.VIEWS,
    **own.VIEWS,
    **desk.VIEWS,
}


def password_rules() -> dict[str, str]:
    """The rules of the password policy by name, in the language of the page."""
    return sentences(current_app.extensions["portal"].policy, g.language)
