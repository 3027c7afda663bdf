"""« Activer mon compte »: NUMEN and INA code give an account that waits its first password."""

from __future__ import annotations

from malleposte.accountd import wire

from malleposte_portal import acts, forms
from malleposte_portal.answers import UNKNOWN, Answer, carried_out
from malleposte_portal.languages import translate as _


def activate() -> Answer:
    """First log-in: NUMEN and INA code give a password."""
    form = forms.Activate()
    return carried_out(
        "activate",
        form,
        lambda: wire.Activate(acts.source(), form.typed("numen"), form.typed("code"), form.typed("new")),
        _(UNKNOWN),
    )
