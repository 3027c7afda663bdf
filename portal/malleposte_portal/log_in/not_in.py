"""Answers to an agent who cannot log in: the provider or the store of log-ins is away, or the log-in was refused."""

from __future__ import annotations

import logging

from flask import make_response, render_template
from malleposte.accountd.relying_party import AWAY_PAGE, AwayError

from malleposte_portal.core.answers import Answer
from malleposte_portal.core.languages import translate as _
from malleposte_portal.log_in.sessions import StoreError

AWAY = "La connexion n’est pas possible pour le moment. Réessayez dans quelques minutes."
LOG = logging.getLogger("malleposte_portal")


def away(error: AwayError | StoreError) -> Answer:
    """503. Where the provider is away, nginx puts the page of every site in place of this one."""
    LOG.error("no log-in: %s", error)
    answer = make_response(refused(_(AWAY), 503))
    if isinstance(error, AwayError):
        answer.headers["X-Accel-Redirect"] = AWAY_PAGE
    return answer


def refused(sentence: str, status: int) -> Answer:
    """A page that says why, with a way to begin again."""
    return render_template("log_in/no_log_in.html", sentence=sentence), status
