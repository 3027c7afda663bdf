"""A forgotten password: a code is asked for, and gives a new password beside the NUMEN."""

from __future__ import annotations

from malleposte.accountd import wire

from malleposte_portal import acts, forms
from malleposte_portal.answers import UNKNOWN, Answer, carried_out
from malleposte_portal.languages import translate as _


def reset() -> Answer:
    """NUMEN and INA code give a new password."""
    form = forms.Reset()
    return carried_out(
        "reset",
        form,
        lambda: wire.Reset(
            acts.source(), form.typed("login"), form.typed("numen"), form.typed("code"), form.typed("new")
        ),
        _(UNKNOWN),
    )


def code() -> Answer:
    """Ask for a code. The answer is the same whether or not there is such an account and a way to send it."""
    form = forms.AskCode()
    return carried_out("code", form, lambda: wire.IssueCode(acts.source(), form.typed("login")), _(UNKNOWN))
