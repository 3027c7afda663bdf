"""« Mes boîtes et listes »: for managers of a functional box or a list. accountd judges the right at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.shared.charges import ChargeList, Charges, SetArchive, SetCharge
from wtforms import RadioField, StringField
from wtforms.validators import Length, ValidationError

from malleposte_portal import dsfr
from malleposte_portal.core import acts
from malleposte_portal.core.answers import Answer, back_to, filled_in, link
from malleposte_portal.core.forms import LONGEST, TOO_LONG, Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered

SUBJECT = Subject("charges")
PARTS = {"box": ("delegate",), "list": ("poster", "moderator")}
TITLES = {
    "delegate": "Qui ouvre la boîte",
    "poster": "Qui peut écrire à la liste",
    "moderator": "Qui relit avant l’envoi",
}
"""The heading of each part."""
ADDS = {
    "delegate": "Ouvrir la boîte à un agent",
    "poster": "Permettre d’écrire à la liste",
    "moderator": "Ajouter un modérateur",
}
GROUPS = {"@members": "Les membres de la liste", "@staff": "Les agents de l’académie", "@anyone": "Tout le monde"}
UNKNOWN = "Cet agent n’est pas connu, ou son compte est suspendu."
GONE = 404


class AddPerson(Form):
    """An agent, by log-in or address."""

    value = StringField(
        "Identifiant ou adresse académique",
        filters=[lambda value: value.strip() if value else value],
        validators=[Length(max=LONGEST, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )

    @property
    def who(self) -> str:
        """The agent."""
        return self.typed("value")

    def validate_value(self, field: Any) -> None:
        """Somebody is named."""
        if not self.who:
            raise ValidationError("Indiquez un identifiant ou une adresse.")


class AddPoster(AddPerson):
    """An agent, an address outside, or all agents of a kind."""

    group = RadioField(
        "Qui",
        choices=[
            ("", "Une personne, ou une adresse extérieure"),
            ("@members", "Les membres de la liste"),
            ("@staff", "Les agents de l’académie"),
        ],
        default="",
        widget=dsfr.Radios(),
    )

    @property
    def who(self) -> str:
        """The group that was chosen, or the person."""
        return self.typed("group") or self.typed("value")


@SUBJECT.page("/compte/boites-et-listes", "/en/account/boxes-and-lists")
@for_agent
def charges(agent: sign_on.Agent) -> Answer:
    """The boxes and lists of the agent."""
    answer = answered(agent, Charges)
    return render_template("own/charges.html", charges=answer.charges, more=answer.more)


@SUBJECT.page("/compte/boites-et-listes/gerer", "/en/account/boxes-and-lists/manage")
@for_agent
def charge(agent: sign_on.Agent) -> Answer:
    """One of them: each part, with a way to add and to take away."""
    kind, name = _which()
    answer = ask(agent, lambda source, uid, token: Charges(source, uid, token, kind, name))
    if isinstance(answer, acts.Refusal):
        return lost(answer)
    if not name or not answer.charges:
        return redirect(link("charges"), 303)
    one = answer.charges[0]
    parts = {part: getattr(one, f"{part}s") for part in PARTS[one.kind]}
    notice = session.pop("told", "")
    return render_template(
        "own/charge.html", one=one, parts=parts, titles=TITLES, adds=ADDS, notice=notice, shown=_shown(answer)
    )


@SUBJECT.form("/compte/boites-et-listes/ajouter", "/en/account/boxes-and-lists/add")
@for_agent
def charge_add(agent: sign_on.Agent) -> Answer:
    """One more delegate, poster or moderator."""
    (kind, name), part = _which(), typed("part")
    if part not in PARTS.get(kind, ()):
        return redirect(link("charges"), 303)
    form: Any = AddPoster() if part == "poster" else AddPerson()
    return filled_in(
        form, lambda: _set(agent, kind, name, part, form.who, add=True),
        lambda refused: render_template(
            "own/charge_add.html", form=form, refused=refused, title=_(ADDS[part]), kind=kind, name=name, part=part
        ),
        "value",
    )  # fmt: skip


@SUBJECT.act("/compte/boites-et-listes/retirer", "/en/account/boxes-and-lists/remove")
@for_agent
def charge_remove(agent: sign_on.Agent) -> Answer:
    """One less."""
    (kind, name), part = _which(), typed("part")
    answer = _set(agent, kind, name, part, typed("who"), add=False)
    return unanswered(answer) if isinstance(answer, acts.Refusal) else answer


@SUBJECT.act("/compte/boites-et-listes/archive", "/en/account/boxes-and-lists/archive")
@for_agent
def charge_archive(agent: sign_on.Agent) -> Answer:
    """Give a list an archive, or end that."""
    name, on = typed("name"), typed("on") == "1"
    answer = ask(
        agent, lambda source, uid, token: SetArchive(source, uid, token, name, on),
        refused=_("Trop de listes ont déjà une archive. Demandez à la DSI."),
    )  # fmt: skip
    if isinstance(answer, acts.Refusal):
        return lost(answer)
    return back_to("charge", "set", kind="list", name=name)


def _set(agent: sign_on.Agent, kind: str, name: str, part: str, who: str, *, add: bool) -> Answer | acts.Refusal:
    """Have it done, and go back to the box or list; why not, where it is not done."""
    answer = ask(
        agent, lambda source, uid, token: SetCharge(source, uid, token, kind, name, part, who, add),
        refused=_(UNKNOWN),
    )  # fmt: skip
    if isinstance(answer, acts.Refusal):
        return lost(answer) if answer.status == GONE else answer
    return back_to("charge", "late" if answer.open else "set", kind=kind, name=name)


def lost(refusal: acts.Refusal) -> Answer:
    """To the list where it is not the agent's any more; else why nothing can be shown."""
    return lost_to("charges", refusal)


def lost_to(page: str, refusal: acts.Refusal) -> Answer:
    """The same for the list of another page."""
    return redirect(link(page), 303) if refusal.status == GONE else unanswered(refusal)


def typed(name: str) -> str:
    """A value of the form, or of the address where no form was sent."""
    return (request.form if request.method == "POST" else request.args).get(name, "")[:300]


def _which() -> tuple[str, str]:
    return typed("kind"), typed("name")


def _shown(answer: ChargeList) -> Callable[[str], str]:
    """The words for a value of a part."""
    names = {one.uid: one.name for one in answer.people}

    def words(value: str) -> str:
        if value in GROUPS:
            return _(GROUPS[value])
        if value.startswith("@list:"):
            return _("Les membres de la liste « %(name)s »", name=value.removeprefix("@list:"))
        return f"{names[value]} ({value})" if names.get(value) else value

    return words
