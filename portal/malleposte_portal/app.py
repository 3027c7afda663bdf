"""The application, as a list of set-ups."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, render_template
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader, StrictUndefined
from malleposte.accountd.client import Client
from werkzeug.exceptions import HTTPException

from malleposte_portal.autodiscover import setup_autodiscover
from malleposte_portal.core import acts
from malleposte_portal.core.assets import Assets, setup_assets
from malleposte_portal.core.browsers import setup_browsers
from malleposte_portal.core.languages import setup_languages
from malleposte_portal.core.security import SECRET_BYTES, setup_security
from malleposte_portal.core.settings import Settings
from malleposte_portal.core.static_files import setup_static_files
from malleposte_portal.front.services import setup_front
from malleposte_portal.front.tiles import setup_tiles
from malleposte_portal.guide import setup_guide
from malleposte_portal.log_in.sign_on import SignOn, setup_sign_on
from malleposte_portal.own.profiles import setup_profiles
from malleposte_portal.pages import setup_pages


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
    setup_front(app)
    setup_sign_on(app, sign_on)
    setup_tiles(app)
    setup_pages(app)
    setup_guide(app)
    setup_profiles(app)
    setup_autodiscover(app)
    setup_errors(app)
    return app


def setup_templates(app: Flask) -> None:
    """Undefined names are errors; widgets of the State's design system are in `dsfr/` alone."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_loader = ChoiceLoader(
        [PackageLoader("malleposte_portal"), PrefixLoader({"dsfr": PackageLoader("malleposte_portal", "dsfr")})]
    )


def setup_errors(app: Flask) -> None:
    """One page for what is not there or not allowed, one for a defect; neither repeats what was asked."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        code = error.code or 500
        page = "errors/missing.html" if code == 404 else "errors/other.html"
        return render_template(page, code=code), code
