"""« Filtrage »: the level of antispam, the senders that are allowed or blocked, whatever webmail is used.

The mailbox is the agent's, or a functional box that the agent manages: accountd judges that, and keeps them on the host
of the mailbox. The lists are longer than an answer, so they come in parts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.mailbox.senders import Sender, SenderLists, SetSenders, ShowSenders, Unfit
from malleposte.accountd.message import Done
from wtforms import RadioField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core import acts
from malleposte_portal.core.answers import Answer, back_to, link
from malleposte_portal.core.forms import TOO_LONG, Form, ticked
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, ask_in_parts, for_agent, unanswered
from malleposte_portal.own.charges import lost, typed

SUBJECT = Subject("senders")
UNFIT = {
    Unfit.FORM: "Ce n’est ni une adresse (nom@exemple.fr) ni un domaine (exemple.fr).",
    Unfit.OWN: "C’est une de vos propres adresses.",
    Unfit.ACADEMY: "Le domaine de l’académie et ses adresses de service ne peuvent pas être bloqués.",
    Unfit.FULL: "Cette liste est pleine\N{NO-BREAK SPACE}: retirez d’abord un expéditeur.",
}
"""The reasons of accountd in words."""
OF_THE_BOX = "C’est une adresse de cette boîte."
"""The words for `OWN` of a functional box."""
MOST = 400
"""Senders of both lists, and those that go by one form."""
LONGEST_SENDER = 320


class SenderLevel(Form):
    """The level of antispam."""

    level = RadioField(
        "Niveau de filtrage",
        choices=[
            ("normal", "Normal : ce qui est jugé indésirable va dans « Indésirables »"),
            ("strict", "Strict : ce qui est seulement douteux y va aussi"),
        ],
        default="normal",
        validate_choice=False,
        validators=[AnyOf(("normal", "strict"), "Choisissez un niveau.")],
        widget=dsfr.Radios(),
    )


class AddSender(Form):
    """An address or a domain that is allowed or blocked. accountd judges it."""

    value = StringField(
        "Adresse ou domaine de l’expéditeur",
        description=(
            "Par exemple nom@exemple.fr, ou exemple.fr pour tout un domaine. "
            "Un domaine bloqué l’est avec ses sous-domaines."
        ),
        filters=[lambda value: value.strip() if value else value],
        validators=[InputRequired("Indiquez une adresse ou un domaine."), Length(max=LONGEST_SENDER, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )
    list = RadioField(
        "Que faire de ses messages",
        choices=[
            ("block", "Bloquer : ils vont dans « Indésirables »"),
            ("allow", "Autoriser : ils n’y vont jamais, s’ils viennent vraiment de cet expéditeur"),
        ],
        default="block",
        validate_choice=False,
        validators=[AnyOf(("block", "allow"), "Choisissez ce qu’il faut faire.")],
        widget=dsfr.Radios(),
    )


def _all_senders(agent: sign_on.Agent, box: str) -> SenderLists | acts.Refusal:
    """The level and all senders."""
    senders: list[Sender] = []
    while True:
        answer = ask(agent, partial(ShowSenders, after=len(senders), box=box))
        if isinstance(answer, acts.Refusal):
            return answer
        senders += answer.senders
        if not answer.more or not answer.senders or len(senders) >= MOST:
            return SenderLists(answer.uid, level=answer.level, senders=tuple(senders))


def _set(agent: sign_on.Agent, box: str, make: Callable[..., SetSenders]) -> SenderLists | acts.Refusal:
    return ask(agent, partial(make, box=box), refused=_sentences(box))


def _sentences(box: str) -> dict[str, str]:
    """Return the words for what accountd does not take, by its reason."""
    sentences = UNFIT | ({Unfit.OWN: OF_THE_BOX} if box else {})
    return {reason.value: _(sentence) for reason, sentence in sentences.items()}


def _remove(agent: sign_on.Agent, box: str) -> SenderLists | acts.Refusal:
    """Take the ticked senders from their list."""
    senders = ticked("sender", MOST)
    if not senders:
        return acts.Refusal(422, _("Cochez d’abord les expéditeurs à retirer."))
    answers = ask_in_parts(agent, lambda some: partial(SetSenders, box=box, remove=some), senders, _sentences(box))
    return answers if isinstance(answers, acts.Refusal) else answers[-1]


@SUBJECT.form("/compte/filtrage", "/en/account/filtering")
@for_agent
def filtering(agent: sign_on.Agent) -> Answer:
    """The agent's own mailbox."""
    return _page(agent)


@SUBJECT.form("/compte/boites-et-listes/filtrage", "/en/account/boxes-and-lists/filtering")
@for_agent
def charge_filtering(agent: sign_on.Agent) -> Answer:
    """A functional box that the agent manages."""
    box = typed("name")
    return _page(agent, box) if box else redirect(link("charges"), 303)


def _page(agent: sign_on.Agent, box: str = "") -> Answer:
    """The page with its forms; each answers by the page, so that a reload sends nothing again."""
    view, named = ("charge_filtering", {"name": box}) if box else ("filtering", {})
    act = request.form.get("act", "") if request.method == "POST" else ""
    level = SenderLevel(formdata=request.form if act == "level" else None)
    add = AddSender(formdata=request.form if act == "add" else None)
    done: SenderLists | acts.Refusal | None = None
    if act == "level" and level.validate():
        done = _set(agent, box, partial(SetSenders, level=level.typed("level")))
    elif act == "add" and add.validate():
        sender = (add.typed("value"),)
        allow = add.typed("list") == "allow"
        call = partial(SetSenders, allow=sender) if allow else partial(SetSenders, block=sender)
        done = _set(agent, box, call)
    elif act == "remove":
        done = _remove(agent, box)
    if isinstance(done, Done):
        return back_to(view, f"filtering {act}", **named)
    refused, status = ("", 422 if act else 200) if done is None else (done.page, done.status)
    if refused and status == 422 and act == "add":
        add.refuse("value", [refused])
        refused = ""
    lists = _all_senders(agent, box)
    if isinstance(lists, acts.Refusal):
        return lost(lists) if box else unanswered(lists)
    if act != "level":
        level.process(data={"level": lists.level})
    return render_template(
        "own/filtering.html", level=level, add=add, refused=refused, notice=str(session.pop("told", "")),
        box=box, view=view,
        allowed=[one.value for one in lists.senders if one.allowed],
        blocked=[one.value for one in lists.senders if not one.allowed],
    ), status  # fmt: skip
