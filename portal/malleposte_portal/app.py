"""The application, as a list of set-ups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, render_template, request
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader, StrictUndefined
from malleposte.accountd.client import Client
from malleposte.policy.project import sentences
from werkzeug.exceptions import HTTPException

from malleposte_portal import autodiscover, desk, dsi, first_login, forgotten, guide, hacked, info, own, password, state
from malleposte_portal.core import acts, human
from malleposte_portal.core.answers import link
from malleposte_portal.core.assets import Assets, setup_assets
from malleposte_portal.core.browsers import setup_browsers
from malleposte_portal.core.languages import setup_languages
from malleposte_portal.core.security import SECRET_BYTES, setup_security
from malleposte_portal.core.settings import LANGUAGES, Settings
from malleposte_portal.core.static_files import setup_static_files
from malleposte_portal.front import pages as front
from malleposte_portal.front import plan
from malleposte_portal.guide import of_desk
from malleposte_portal.log_in import sign_on as log_in
from malleposte_portal.log_in.sign_on import SignOn, setup_sign_on
from malleposte_portal.office import pages as office
from malleposte_portal.own.profiles import setup_profiles

SUBJECTS = (
    front.SUBJECT, plan.SUBJECT, first_login.SUBJECT, *password.SUBJECTS, forgotten.SUBJECT, human.SUBJECT,
    info.SUBJECT, guide.SUBJECT, of_desk.SUBJECT, hacked.SUBJECT, log_in.SUBJECT, *own.SUBJECTS, *desk.SUBJECTS,
    state.SUBJECT, *dsi.SUBJECTS, office.SUBJECT, autodiscover.SUBJECT,
)  # fmt: skip
"""Each with its routes."""


def create_app(
    settings: Settings | None = None,
    accountd: acts.Accountd | None = None,
    secret: bytes = b"",
    *,
    sign_on: SignOn | None = None,
    testing: bool = False,
) -> Flask:
    """The portal. Without arguments it reads what systemd gives its unit (systemd.exec(5), Credentials).

    `portal.json` are the settings, `accountd-client.json` says how accountd is reached, `session-key` (32 bytes or
    more) signs sessions, `sign-on.json` names the provider of log-ins.
    Raises SettingsError, OSError, ValueError, zipfile.BadZipFile.
    """
    if settings is None or accountd is None:
        folder = Path(os.environ["CREDENTIALS_DIRECTORY"])
        settings = Settings.read(folder / "portal.json")
        accountd = Client.of(folder / "accountd-client.json")
        secret = (folder / "session-key").read_bytes().strip()
        sign_on = SignOn.read(folder / "sign-on.json")
    if len(secret) < SECRET_BYTES:
        raise ValueError(f"session-key: shorter than {SECRET_BYTES} bytes")
    app = Flask("malleposte_portal", static_folder=None)
    app.testing = testing
    app.secret_key = secret
    app.extensions["accountd"] = accountd
    app.extensions["portal"] = settings
    setup_templates(app)
    setup_languages(app)
    setup_security(app)
    setup_browsers(app)
    setup_static_files(app)
    setup_assets(app, Assets.read(Path(settings.assets)) if settings.assets else Assets())
    setup_sign_on(app, sign_on)
    setup_pages(app)
    guide.setup_guide(app)
    setup_profiles(app)
    autodiscover.setup_autodiscover(app)
    setup_errors(app)
    return app


def setup_templates(app: Flask) -> None:
    """Undefined names are errors; widgets of the State's design system are in `dsfr/` alone."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_loader = ChoiceLoader(
        [PackageLoader("malleposte_portal"), PrefixLoader({"dsfr": PackageLoader("malleposte_portal", "dsfr")})]
    )


def setup_pages(app: Flask) -> None:
    """The routes of all subjects, and what the templates need on every page."""
    for subject in SUBJECTS:
        app.register_blueprint(subject)

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        # Where an address leads nowhere, the other language's home is as near as one can come.
        rule = request.url_rule
        is_page = rule is not None and rule.arguments == {"language"} and "GET" in (rule.methods or ())
        here = str(request.endpoint) if is_page else "home"
        other = LANGUAGES[1 - LANGUAGES.index(g.language)]
        # Such as the agent of a sheet. It is joined as text: a name in it could be one of url_for's own.
        query = f"?{urlencode(list(request.args.items(multi=True)))}" if is_page and request.args else ""
        return {
            "portal": app.extensions["portal"],
            "language": g.language,
            "link": link,
            "own_pages": plan.own_pages,
            "desk_pages": plan.desk_pages,
            "other": other,
            "elsewhere": link(here, other) + query,
            "again": link(here) if is_page else "",
            "password_rules": lambda: sentences(app.extensions["portal"].policy, g.language),
        }


def setup_errors(app: Flask) -> None:
    """One page for what is not there or not allowed, one for a defect; neither repeats what was asked."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        code = error.code or 500
        page = "errors/missing.html" if code == 404 else "errors/other.html"
        return render_template(page, code=code), code
