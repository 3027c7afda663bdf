"""Log-ins at the log-in page and the browsers that it trusts, beside the devices: the agent names and ends each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request
from malleposte.accountd.calls.log_ins import EndLogIn, NameBrowser, OpenLogIn, ShowLogIns
from wtforms import StringField

from malleposte_portal import dsfr
from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent

SUBJECT = Subject("log_ins")


class NameForm(Form):
    """The name of the browser of a log-in."""

    name = StringField(
        "Nom de ce navigateur", description="40 caractères au plus. Exemple : ordinateur de la salle 12.",
        render_kw={"autocomplete": "off", "maxlength": "40"}, widget=dsfr.Input(),
    )  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Log-ins of the same name, or by the same kind of browser, from one place, each with the form of its name."""

    label: str
    place: str
    trusted: bool
    log_ins: Sequence[tuple[OpenLogIn, NameForm]]


def shown(agent: sign_on.Agent) -> Sequence[Group] | None:
    """Return them, grouped; None where the log-in page gives no answer, or is the academy's own."""
    if not sign_on.sign_on().factors_here:
        return None
    answer = ask(agent, ShowLogIns)
    if isinstance(answer, acts.Refusal):
        return None
    forms = [NameForm(formdata=None, data={"name": one.name}) for one in answer.log_ins]
    for number, form in enumerate(forms, 1):
        form["name"].id = f"name-{number}"
    groups: dict[tuple[str, str, bool], list[tuple[OpenLogIn, NameForm]]] = {}
    for one, form in zip(answer.log_ins, forms, strict=True):
        groups.setdefault((one.name or words.browser(one.browser), one.place, one.trusted), []).append((one, form))
    return [Group(*key, rows) for key, rows in groups.items()]


@SUBJECT.act("/compte/connexions/fermer", "/en/account/log-ins/end")
@for_agent
def log_in_end(agent: sign_on.Agent) -> Answer:
    """End one."""
    ident = request.form.get("log_in", "")[:100]
    answer = answered(
        agent, lambda source, uid, token: EndLogIn(source, uid, token, ident),
        refused=_("Cette connexion est déjà fermée."),
    )  # fmt: skip
    return back_to("devices", "log_in_late" if answer.open else "log_in")


@SUBJECT.act("/compte/connexions/nommer", "/en/account/log-ins/name")
@for_agent
def log_in_name(agent: sign_on.Agent) -> Answer:
    """Name the browser of one."""
    ident, name = (request.form.get(field, "")[:100] for field in ("log_in", "name"))
    answered(
        agent, lambda source, uid, token: NameBrowser(source, uid, token, ident, name),
        refused=_("Ce nom n’est pas enregistré : 40 caractères au plus, et la connexion doit être encore ouverte."),
    )  # fmt: skip
    return back_to("devices", "named")
