"""« J’ai été piraté »: NUMEN and INA code take the account back, then its owner checks what a thief may have left.

accountd closes every way in by the first form. Its ticket stands for the proof on the next pages, which show one by one
what it found; only what the agent chooses to remove is removed. The session holds the ticket and numbers, no name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, redirect, render_template, request, session
from malleposte.accountd.calls import hacked as calls
from malleposte.accountd.calls.factors import Factor
from malleposte.accountd.message import Done
from wtforms import RadioField
from wtforms.validators import InputRequired

from malleposte_portal import dsfr
from malleposte_portal.core import acts, forms, words
from malleposte_portal.core.answers import UNKNOWN, Answer, filled_in, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.forgotten import PENDING, ResetForm
from malleposte_portal.own import factors

SUBJECT = Subject("hacked")
TICKET, CLOSED, ENDED = "hacked", "hacked-closed", "hacked-ended"
"""Names in the session: the ticket; what was closed; what was kept and removed."""
OTHERS = ("box", "their-folder", "their-agenda", "their-mail")
"""The kinds of malleposte.accounts.traces that others opened to the account."""
AT_ONCE = 5
"""Traces that one request removes: each may take a second or two, and accountd is given thirty."""
KEEP, REMOVE = "keep", "remove"
LEFT = "Tout n’a pas pu être supprimé. Réessayez dans quelques minutes, ou appelez l’assistance."
OVER = 403
"""The status of a proof that fails: here, of a ticket."""


@SUBJECT.form("/pirate", "/en/hacked")
def hacked() -> Answer:
    """NUMEN, INA code and a new password."""
    form = ResetForm()

    def recover() -> Answer | acts.Refusal:
        typed = (form.typed("numen"), form.typed("code"), form.typed("new"))
        call = calls.Recover(acts.source(), *typed, form.once, form.by_question)
        answer = acts.ask(call, _(UNKNOWN), _(PENDING))
        return _taken_back(answer) if isinstance(answer, Done) else answer

    def show(refused: str) -> str:
        over = bool(session.pop("over", False)) and request.method == "GET"
        return render_template("hacked/hacked.html", form=form, refused=refused, over=over)

    return filled_in(form, recover, show)


def _taken_back(answer: calls.Recovered) -> Answer:
    ours = current_app.extensions["sign_on"]
    if ours is not None:
        ours.end_log_ins(answer.uid)
    session[TICKET] = answer.ticket
    session[CLOSED] = {"devices": len(answer.devices), "late": bool(answer.open)}
    return redirect(link("hacked_check"), 303)


@SUBJECT.form("/pirate/verification", "/en/hacked/check")
def hacked_check() -> Answer:
    """The list of what was closed, and each thing that was found, to be kept or removed."""
    ticket = session.get(TICKET)
    if not isinstance(ticket, str):
        return redirect(link("hacked"), 303)
    answer = _asked(ticket)
    if not isinstance(answer, Done):
        return answer
    form = _form(answer.traces)
    return filled_in(
        form, lambda: _removed(ticket, answer, [one for one in answer.traces if _chosen(form, one) == REMOVE]),
        lambda refused: render_template(
            "hacked/check.html", form=form, refused=refused, answer=answer, left=_left(answer), others=_others(answer),
            closed=session.get(CLOSED, {}), title=title, sentence=sentence, moment=words.moment,
        ),
    )  # fmt: skip


def _asked(ticket: str, remove: tuple[str, ...] = ()) -> calls.Traces | Answer:
    """The answer of accountd; the page to go to, or to show, where there is none."""
    answer = acts.ask(calls.Check(acts.source(), ticket, remove), "")
    if isinstance(answer, Done):
        return answer
    if answer.status == OVER:
        session.pop(TICKET, None)
        session["over"] = True
        return redirect(link("hacked"), 303)
    return render_template(
        "away.html", refused=answer.page, title=_("Vérifier mon compte"), back="hacked_check"
    ), answer.status


def _left(answer: calls.Traces) -> list[calls.Trace]:
    """The settings that a thief may have left."""
    return [one for one in answer.traces if one.kind not in OTHERS]


def _others(answer: calls.Traces) -> list[calls.Trace]:
    """The boxes, folders and agendas of others, which a thief may have read."""
    return [one for one in answer.traces if one.kind in OTHERS]


def _form(traces: Sequence[calls.Trace]) -> Any:
    """A form with a choice for each trace."""
    fields = {f"t{one.ident}": _choice() for one in traces if not one.kept}
    return type("Check", (forms.Form,), fields)()


def _choice() -> Any:
    return RadioField(
        "Que faire ?",
        choices=[(KEEP, "Garder : c’est bien moi"), (REMOVE, "Supprimer : ce n’est pas moi")],
        validators=[InputRequired("Choisissez de garder ou de supprimer.")],
        validate_choice=False,
        widget=dsfr.Radios(),
    )


def _chosen(form: Any, one: calls.Trace) -> str:
    return KEEP if one.kept else str(form.typed(f"t{one.ident}"))


def _removed(ticket: str, before: calls.Traces, gone: Sequence[calls.Trace]) -> Answer | acts.Refusal:
    """Have them removed, as many at once as a request holds; then the last page."""
    left = before
    names = [one.ident for one in gone]
    for begin in range(0, len(names), AT_ONCE):
        answer = _asked(ticket, tuple(names[begin : begin + AT_ONCE]))
        if not isinstance(answer, Done):
            return answer
        left = answer
    still = {one.ident for one in left.traces} & set(names)
    if still:
        return acts.Refusal(503, _(LEFT))
    if {one.ident for one in left.traces} - {one.ident for one in before.traces}:
        return redirect(link("hacked_check"), 303)
    session.pop(TICKET, None)
    session.pop(CLOSED, None)
    session[ENDED] = {
        "removed": len(names),
        "kept": len(_left(left)),
        "others": len(_others(left)),
        "until": left.until,
        "unseen": bool(left.open),
    }
    return redirect(link("hacked_end"), 303)


@SUBJECT.page("/pirate/fin", "/en/hacked/end")
def hacked_end() -> Answer:
    """The agent's next steps."""
    end = session.get(ENDED)
    if not isinstance(end, dict):
        return redirect(link("home"), 303)
    return render_template("hacked/end.html", end=end, moment=words.moment)


TITLES = {
    "forward": "Un renvoi automatique",
    "discard": "Un filtre qui supprime des messages",
    "answer": "Une réponse automatique",
    "folder": "Un dossier de courrier partagé",
    "agenda": "Un agenda ou un carnet d’adresses partagé",
    "delegate": "Une délégation de votre courrier",
    "senders": "Une liste d’expéditeurs",
    "signature": "Une signature",
    "sender": "Un nom d’expéditeur",
    "reply": "Une adresse de réponse",
    "copy": "Une copie cachée de vos messages",
    "tool": "Un outil relié à votre courrier",
    "meeting": "Une réunion à venir",
    "poll": "Un sondage de dates",
    "factor": "Un second facteur",
    "recovery": "Un moyen de secours changé récemment",
    "box": "Une boîte fonctionnelle",
    "their-folder": "Un dossier de courrier d’un collègue",
    "their-agenda": "Un agenda ou un carnet d’adresses d’un collègue",
    "their-mail": "Le courrier d’un collègue",
}
"""The heading of each kind of malleposte.accounts.traces."""
EVERYBODY = ("anyone", "anonymous", "authenticated", "<default>")


def title(one: calls.Trace) -> str:
    """The heading of what was found."""
    return _(TITLES[one.kind]) if one.kind in TITLES else one.kind


def sentence(one: calls.Trace) -> str:
    """The findings in plain words."""
    who = one.who.partition("=")[2] or one.who
    who = _("tout le monde") if one.who in EVERYBODY else who
    when = words.day(one.made)
    text = {
        "forward": _("Vos messages, ou certains d’entre eux, sont envoyés à %(who)s.", who=words.forwards((who,))),
        "discard": _("Certains messages sont supprimés ou refusés avant que vous les voyiez."),
        "answer": _("Ceux qui vous écrivent reçoivent une réponse automatique."),
        "folder": _("Le dossier « %(what)s » est ouvert à %(who)s.", what=one.what, who=who),
        "agenda": _("« %(what)s » est ouvert à %(who)s.", what=_place(one.what), who=who),
        "delegate": _("%(who)s peut écrire en votre nom.", who=who),
        "senders": _("Ils sont toujours acceptés : %(who)s.", who=one.who)
        if one.what == "allowed"
        else _("Leurs messages vont dans Indésirables : %(who)s.", who=one.who),
        "signature": _("Vos messages de %(mail)s finissent par : « %(text)s ».", mail=one.what, text=one.who),
        "sender": _("Vos messages de %(mail)s portent le nom « %(name)s ».", mail=one.what, name=one.who),
        "reply": _("Les réponses à vos messages de %(mail)s vont à %(who)s.", mail=one.what, who=one.who),
        "copy": _(
            "Chaque message que vous envoyez de %(mail)s part aussi, en copie cachée, à %(who)s.",
            mail=one.what,
            who=one.who,
        ),
        "tool": _("Vos messages, ou certains d’entre eux, sont signalés à cet outil : %(tool)s.", tool=one.what),
        "meeting": _("Des personnes y sont invitées en votre nom : « %(title)s ».", title=one.what),
        "poll": _("Des personnes sont interrogées en votre nom : « %(title)s ».", title=one.what),
        "box": f"{one.who}, {one.what}.",
        "their-folder": _("Le dossier « %(what)s » de %(who)s.", what=one.what, who=who),
        "their-agenda": _("« %(what)s » de %(who)s.", what=_place(one.what), who=who),
        "their-mail": _("Vous lisez et écrivez au nom de %(who)s.", who=who),
        "factor": f"{factors.kind(Factor('', one.what, ''))}{_(' « %(name)s »', name=who) if who else ''}.",
        "recovery": _("Votre téléphone de secours est %(value)s.", value=one.who)
        if one.what == "phone"
        else _("Votre adresse de secours est %(value)s.", value=one.who),
    }.get(one.kind, who)
    return f"{text} {_('Ajouté le %(day)s.', day=when)}" if when else text


def _place(what: str) -> str:
    """An agenda or an address book of SOGo, by its kind and name."""
    kind, _slash, name = what.partition("/")
    shown = _("Contacts") if kind == "Contacts" else _("Agenda")
    return shown if name == "personal" else f"{shown} {name}"
