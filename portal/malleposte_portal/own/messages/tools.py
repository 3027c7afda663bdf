"""« Mes outils »: rules that tell tools of others of an agent's messages, a trial, what left; links to messages."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import abort, redirect, render_template, request, session
from malleposte.accountd.calls.mailbox.tools import (
    AddTool,
    AgentAgendas,
    AgentTools,
    ChangeTool,
    OpenLink,
    RenewTool,
    ShowAgendas,
    ShowTools,
    ToolAgenda,
    ToolRule,
    ToolTried,
    TryTool,
)  # fmt: skip
from malleposte.accountd.message import Done
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.forms import TOO_LONG, Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.front import tiles
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent

SUBJECT = Subject("tools")
LONGEST = 1000
NAMES = {
    "trello": "Trello", "notion": "Notion", "slack": "Slack", "mattermost": "Mattermost", "matrix": "Matrix (Tchap)",
    "webhook": "Appel signé (webhook)",
}  # fmt: skip
FIELDS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "trello": (
        (
            "Identifiant de la liste",
            "24 lettres et chiffres. Il figure dans l’adresse de la liste, suivie de .json.",
            False,
        ),
        ("Clé d’API", "32 lettres et chiffres, sur la page des développeurs de Trello.", True),
        ("Jeton", "Trello le donne sur la même page.", True),
    ),
    "notion": (
        ("Identifiant de la page", "Les 32 derniers lettres et chiffres de l’adresse de la page.", False),
        ("Jeton de l’intégration", "Il commence par ntn_ ou secret_. Partagez la page avec l’intégration.", True),
    ),
    "slack": (("Adresse du webhook entrant", "Elle commence par https://hooks.slack.com/services/.", True),),
    "mattermost": (("Adresse du webhook entrant", "Elle se termine par /hooks/ et 26 lettres et chiffres.", True),),
    "matrix": (
        ("Adresse du serveur", "Par exemple https://matrix.exemple.fr.", False),
        ("Identifiant du salon", "Il commence par un point d’exclamation. Le salon n’est pas chiffré.", False),
        ("Jeton d’accès", "Celui de votre compte, dans les paramètres de votre logiciel.", True),
    ),
    "webhook": (
        ("Adresse à appeler", "Elle commence par https://.", False),
        ("Secret de signature", "Il commence par whsec_.", True),
    ),
}
"""The fields of each tool, in accountd's order: words, a hint, whether it is a secret, which no page shows again."""
REFUSALS = {
    "tool": "Cet outil n’est pas ouvert par l’académie.",
    "full": "Vous avez déjà dix règles\N{NO-BREAK SPACE}: supprimez-en une.",
    "host": "L’académie n’a pas ouvert le serveur de cette adresse.",
    "word": "Indiquez une étiquette sans espace, ou un expéditeur ou un objet.",
    "agenda": "Choisissez un de vos agendas. Il n’existe peut-être plus.",
    "large": "Cet agenda a plus de 20\N{NO-BREAK SPACE}000 événements\N{NO-BREAK SPACE}: choisissez-en un autre.",
    "there is no such rule any more": "Cette règle n’existe plus.",
}
WRONG = "Un des accès n’a pas la bonne forme\N{NO-BREAK SPACE}: copiez-le de nouveau depuis l’outil."
TRIED = {
    "done": "L’outil a accepté le message d’essai. Regardez s’il y apparaît.",
    "later": "L’outil n’a pas répondu, ou demande d’attendre. Réessayez dans quelques minutes.",
    "revoked": "L’outil refuse cet accès. Donnez-en un autre.",
    "refused": "L’outil a refusé le message d’essai. Vérifiez la liste, la page ou le salon.",
}
"""The outcome of a trial, by accountd's word."""


EVENT = "event"
FILLED = (InputRequired("Remplissez ce champ."), Length(max=LONGEST, message=TOO_LONG))


class RuleForm(Form):
    """A rule for a tool; the tool's fields join it (`_form`)."""

    when = RadioField(
        "Quand signaler un message, ou un événement",
        choices=[
            ("label", "Quand je lui mets une étiquette, depuis n’importe quelle messagerie"),
            ("comes", "Quand il arrive, d’après son expéditeur ou son objet"),
            (EVENT, "Quand un événement est ajouté à un de vos agendas"),
        ],
        default="label",
        validate_choice=False,
        validators=[AnyOf(("label", "comes", EVENT), "Choisissez un moment.")],
        widget=dsfr.Radios(),
    )
    label = StringField(
        "Étiquette",
        description="Celles des deux interfaces sont, dans l’ordre, $label1, $label2, $label3, $label4 et $label5.",
        default="$label4",
        validators=[Length(max=40, message=TOO_LONG)],
        widget=dsfr.Input(),
    )
    sender = StringField(
        "Mot dans l’expéditeur", description="Une partie du nom ou de l’adresse.",
        validators=[Length(max=80, message=TOO_LONG)], widget=dsfr.Input(),
    )  # fmt: skip
    subject = StringField("Mot dans l’objet", validators=[Length(max=80, message=TOO_LONG)], widget=dsfr.Input())
    lines = BooleanField(
        "Envoyer aussi les cinq premières lignes", description="Sinon partent l’objet, l’expéditeur et un lien.",
        widget=dsfr.Checkbox(),
    )  # fmt: skip
    agenda = RadioField("Agenda", choices=[], validate_choice=False, widget=dsfr.Radios())
    place = BooleanField(
        "Envoyer aussi le lieu de l’événement", description="Sinon partent son titre, sa date et son heure.",
        widget=dsfr.Checkbox(),
    )  # fmt: skip


def _form(tool: str, base: type[Form], *, sent: bool) -> Form:
    """The form for a tool. Its secrets never go back to the browser."""
    fields = {
        f"value{number}": StringField(
            label, description=hint, validators=FILLED,
            filters=[lambda value: value.strip() if value else value],
            render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
            widget=dsfr.Input(kind="password" if secret else "text"),
        )
        for number, (label, hint, secret) in enumerate(FIELDS[tool])
    }  # fmt: skip
    form: Form = type("ToolForm", (base,), fields)(formdata=request.form if sent else None)
    return form


def _typed(form: Form, tool: str) -> tuple[str, ...]:
    return tuple(form.typed(f"value{number}") for number in range(len(FIELDS[tool])))


def _hide(form: Form, tool: str) -> None:
    for number, (_label, _hint, secret) in enumerate(FIELDS[tool]):
        if secret:
            form[f"value{number}"].data = ""


def _refusals() -> dict[str, str]:
    wrong = {f"{tool}.{name}": _(WRONG) for tool in FIELDS for name in ("list", "key", "token", "page", "url", "server",
                                                                        "room", "secret")}  # fmt: skip
    return {word: _(sentence) for word, sentence in REFUSALS.items()} | wrong


def _act(agent: sign_on.Agent, act: str) -> Done | acts.Refusal | None:
    """Have accountd do what a button asks; None where it asks nothing."""
    ident = request.form.get("rule", "")[:100]
    make: Any
    if act in ("stop", "resume", "remove") and ident:
        make = partial(ChangeTool, ident=ident, change=act)
    elif act == "try" and ident:
        make = partial(TryTool, ident=ident)
    else:
        return None
    done: Done | acts.Refusal = ask(agent, make, refused=_refusals())
    return done


@SUBJECT.form("/compte/outils", "/en/account/tools")
@for_agent
def tools(agent: sign_on.Agent) -> Answer:
    """The page with its buttons; each answers by the page, so that a reload does nothing again."""
    act = request.form.get("act", "") if request.method == "POST" else ""
    done = _act(agent, act) if act else None
    if isinstance(done, ToolTried):
        return back_to("tools", f"tools try {done.outcome} {done.detail}")
    if isinstance(done, Done):
        return back_to("tools", f"tools {act}")
    refused, status = ("", 422 if act else 200) if done is None else (done.page, done.status)
    answer = answered(agent, ShowTools)
    notice = str(session.pop("told", ""))
    outcome, _space, detail = (
        notice.removeprefix("tools try ").partition(" ") if notice.startswith("tools try ") else [""] * 3
    )
    return render_template(
        "own/tools.html", answer=answer, refused=refused, notice=notice, tried=TRIED.get(outcome, ""), outcome=outcome,
        detail=detail, names=NAMES, moment=words.moment, because=because,
    ), status  # fmt: skip


@SUBJECT.form("/compte/outils/ajouter", "/en/account/tools/add")
@for_agent
def tool_add(agent: sign_on.Agent) -> Answer:
    """The form of a new rule for a tool that the academy allows."""
    tool = request.values.get("tool", "")[:20]
    answer: AgentTools = answered(agent, ShowTools)
    allowed = {one.name: one.hosts for one in answer.tools}
    if tool not in FIELDS or tool not in allowed:
        abort(404)
    shown = ask(agent, ShowAgendas, refused=_refusals())
    agendas = shown.agendas if isinstance(shown, AgentAgendas) else None
    return _filled(agent, tool, RuleForm, allowed[tool], agendas=agendas)


@SUBJECT.form("/compte/outils/renouveler", "/en/account/tools/access")
@for_agent
def tool_renew(agent: sign_on.Agent) -> Answer:
    """The form of another access for a rule."""
    answer: AgentTools = answered(agent, ShowTools)
    ident = request.values.get("rule", "")[:100]
    rule = next((one for one in answer.rules if one.ident == ident), None)
    allowed = {one.name: one.hosts for one in answer.tools}
    if rule is None or rule.tool not in FIELDS or rule.tool not in allowed:
        abort(404)
    return _filled(agent, rule.tool, Form, allowed[rule.tool], rule)


def _filled(
    agent: sign_on.Agent, tool: str, base: type[Form], hosts: tuple[str, ...], rule: ToolRule | None = None,
    agendas: tuple[ToolAgenda, ...] | None = None,
) -> Answer:  # fmt: skip
    form, refused, status = _form(tool, base, sent=request.method == "POST"), "", 200
    if not rule:
        _offer(form, agendas)
    if request.method == "POST":
        status = 422
        if form.validate():
            values = _typed(form, tool)
            make: Any = partial(RenewTool, ident=rule.ident, values=values) if rule else partial(
                AddTool, tool=tool, when=form.typed("when"), values=values, **_words(form)
            )  # fmt: skip
            done = ask(agent, make, refused=_refusals())
            if isinstance(done, Done):
                return back_to("tools", "tools renew" if rule else "tools add")
            refused, status = done.page, done.status
        _hide(form, tool)
    return render_template(
        "own/tool.html", form=form, refused=refused, tool=tool, name=NAMES[tool], hosts=hosts, rule=rule,
        fields=[f"value{number}" for number in range(len(FIELDS[tool]))], away=agendas is None,
    ), status  # fmt: skip


def _words(form: Form) -> dict[str, Any]:
    """The words that the chosen moment needs, and no others."""
    when = form.typed("when")
    if when == EVENT:
        return {"agenda": form.typed("agenda"), "place": bool(form["place"].data)}
    lines = bool(form["lines"].data)
    if when == "label":
        return {"label": form.typed("label").strip(), "lines": lines}
    return {"sender": form.typed("sender").strip(), "subject": form.typed("subject").strip(), "lines": lines}


def _offer(form: Form, agendas: tuple[ToolAgenda, ...] | None) -> None:
    """Let the form offer these agendas; without any (none is there, or they do not answer), no event is told."""
    form["agenda"].choices = [(one.ident, one.title or _("Mon agenda")) for one in agendas or ()]
    if not form["agenda"].data and agendas:
        form["agenda"].data = agendas[0].ident
    if not agendas:
        form["when"].choices = [one for one in form["when"].choices if one[0] != EVENT]


def because(detail: str) -> str:
    """Return the reason for which a message was not told, in words."""
    reasons = {
        "rule": _("la règle a été supprimée"),
        "away": _("l’outil n’a pas répondu pendant deux jours"),
        "barred": _("votre compte n’envoyait rien pendant ce temps"),
        "forbidden": _("l’académie n’a pas ouvert cet outil"),
        "unsealed": _("l’accès ne peut plus être lu"),
    }
    return reasons.get(detail) or _("réponse de l’outil : %(code)s", code=detail or "?")


@SUBJECT.page("/lien/<word>", "/en/link/<word>")
@for_agent
def linked(agent: sign_on.Agent, word: str) -> Answer:
    """A link to a message: its owner is led to it, anybody else is told what is told of a link that nobody made."""
    place = answered(agent, partial(OpenLink, word=word[:LONGEST]))
    webmail = tiles.webmail()
    if not place.folder or not webmail:
        return render_template("own/link.html"), 404
    query = urlencode({"_task": "mail", "_mbox": place.folder, "_uid": place.number, "_action": "show"})
    return redirect(f"{webmail.rstrip('/')}/?{query}", 303)
