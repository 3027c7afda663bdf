"""« Convocations »: an office sees its plans, sends, reads the answers, reminds, calls off, fetches the report."""

from __future__ import annotations

from flask import Response, render_template, request, session
from malleposte.accountd.calls.convocations.office import (
    AGENTS,
    EVENT,
    MANY,
    ConvocationReport,
    ConvocationShown,
    Counts,
    OfficeConvocation,
    OfficeConvocations,
    OrderConvocation,
    PlanConvocation,
    Stage,
    Summary,
)

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to, filled_in, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.languages import translate_number
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, fetch, for_agent, unanswered
from malleposte_portal.office import forms

SUBJECT = Subject("office")
LARGEST_REPORT = 8 << 20
"""Bytes of a report, which is in memory: 5,000 agents take 2 MB."""
KINDS = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
STAGES = {
    Stage.DRAFT: "Brouillon, rien n’est envoyé",
    Stage.OPEN: "Envoyée",
    Stage.OFF: "Annulée",
}
NOTES = {
    "outside": "hors de l’académie : reçoit le message, sans entrée dans un agenda d’ici",
    "pending": "n’a pas encore activé son compte",
    "blocked": "compte bloqué : ne lit rien, ou n’envoie rien, pour le moment",
    "expired": "mot de passe échu : ne lit rien avant de l’avoir renouvelé",
    "absent": "annonce une absence",
    "moved": "a changé d’adresse",
    "substitute": "un remplaçant ne peut pas être appelé",
    "unknown": "son absence éventuelle n’a pas pu être vérifiée",
}
"""The remarks of a plan, by accountd's word."""
FILTERS = (
    ("", "Tous"), ("silence", "Sans réponse"), ("yes", "Oui"), ("no", "Non"), ("maybe", "Peut-être"),
    ("off", "Annulées"), ("failed", "Envois incomplets"),
)  # fmt: skip
WRONG = {
    EVENT: "Vérifiez le titre, le jour, les heures et le lieu.",
    AGENTS: "Vérifiez les agents : un par ligne, cinq remplaçants au plus, 250 lignes au plus.",
    MANY: "Ce service a trop de convocations en cours. Annulez celles qui ne servent plus.",
}


@SUBJECT.page("/convocations", "/en/summonses")
@for_agent
def office_convocations(agent: sign_on.Agent) -> Answer:
    """The convocations of an office."""
    office = request.args.get("bureau", "")[:64]
    answer = answered(agent, lambda source, uid, token: OfficeConvocations(source, uid, token, office))
    return render_template(
        "office/list.html", answer=answer, state=state, counted=counted, day=_day, notice=session.pop("told", "")
    )


@SUBJECT.form("/convocations/nouvelle", "/en/summonses/new")
@for_agent
def office_convoke(agent: sign_on.Agent) -> Answer:
    """Have a plan made: of a new convocation, or of more for one."""
    office, ident = request.args.get("bureau", "")[:64], request.args.get("convocation", "")[:64]
    initial: dict[str, str] = {}
    if request.method == "GET" and ident:
        initial = _initial_values(_one(agent, office, ident))
    elif request.method == "GET":
        answered(agent, lambda source, uid, token: OfficeConvocations(source, uid, token, office))
    form = forms.Convocation(data=initial)
    if ident:
        del form.name

    def plan() -> Answer | acts.Refusal:
        everyone = bool(ident and form.everyone.data)
        if not form.typed("agents") and not everyone:
            form.refuse("agents", [_("Indiquez au moins un agent.")])
            return acts.Refusal(422)
        moments = form.moments()
        if moments is None:
            return acts.Refusal(422)
        answer = ask(
            agent,
            lambda source, uid, token: PlanConvocation(
                source, uid, token, office, "" if ident else form.typed("name"), form.typed("title"), *moments,
                form.typed("agents"), form.typed("place"), form.typed("text"), ident, everyone,
                bool(form.substitute.data),
            ),
            refused={word: _(sentence) for word, sentence in WRONG.items()},
        )  # fmt: skip
        return _to(answer, "planned") if isinstance(answer, ConvocationShown) else answer

    return filled_in(
        form, plan,
        lambda refused: render_template("office/new.html", form=form, refused=refused, office=office, ident=ident),
    )  # fmt: skip


@SUBJECT.page("/convocation", "/en/summons")
@for_agent
def office_convocation(agent: sign_on.Agent) -> Answer:
    """A convocation, its plan, its answers."""
    office, ident, only = (request.args.get(name, "")[:64] for name in ("bureau", "convocation", "voir"))
    skip = request.args.get("suite", "")[:6]
    answer = _one(agent, office, ident, only, int(skip) if skip.isdecimal() and skip.isascii() else 0)
    return render_template(
        "office/one.html", answer=answer, one=answer.summary, state=state, counted=counted, span=words.span,
        moment=words.moment, only=only, notice=session.pop("told", ""),
        filters=[(word, _(sentence)) for word, sentence in FILTERS],
        notes={word: _(sentence) for word, sentence in NOTES.items()},
        here=link("office_convocation", bureau=office, convocation=ident),
    )  # fmt: skip


@SUBJECT.act("/convocation/ordre", "/en/summons/order")
@for_agent
def office_order(agent: sign_on.Agent) -> Answer:
    """Send, remind, or call off."""
    office, ident, order = (request.form.get(name, "")[:64] for name in ("bureau", "convocation", "order"))
    key = request.form.get("key", "")[:200]
    done = ask(
        agent, lambda source, uid, token: OrderConvocation(source, uid, token, office, ident, order, key),
        refused=_(acts.MISSING),
    )  # fmt: skip
    return _to(done, order) if isinstance(done, ConvocationShown) else unanswered(done)


@SUBJECT.act("/convocation/reponses", "/en/summons/answers")
@for_agent
def office_report(agent: sign_on.Agent) -> Answer:
    """The report, as it comes from accountd."""
    office, ident = (request.form.get(name, "")[:64] for name in ("bureau", "convocation"))
    form = "pdf" if request.form.get("form") == "pdf" else "csv"
    copy = fetch(
        agent, lambda source, uid, token: ConvocationReport(source, uid, token, office, ident, form), _(acts.MISSING)
    )
    if isinstance(copy, acts.Refusal):
        return unanswered(copy)
    try:
        if copy.answer.size > LARGEST_REPORT:
            return unanswered(acts.Refusal(503, _(acts.AWAY)))
        content = b"".join(copy)
    except OSError:
        # It changed between two looks: the next try has it whole.
        return unanswered(acts.Refusal(503, _(acts.AWAY)))
    finally:
        copy.close()
    answer = Response(content, mimetype=KINDS[form])
    answer.headers.set("Content-Disposition", "attachment", filename=f"convocation-{ident}.{form}")
    return answer


def state(one: Summary) -> str:
    """The state of a convocation, in words."""
    return _("Plan en préparation") if one.planning else _(STAGES[one.stage])


def counted(counts: Counts) -> str:
    """The numbers of answers, in words."""
    sentence = _(
        "%(all)d convoqués : %(yes)d oui, %(no)d non, %(maybe)d peut-être, %(silence)d sans réponse.", all=counts.all,
        yes=counts.yes, no=counts.no, maybe=counts.maybe, silence=counts.silence,
    )  # fmt: skip
    if counts.waiting:
        waiting = translate_number(
            "%(number)d message reste à envoyer.", "%(number)d messages restent à envoyer.", counts.waiting
        )
        sentence = f"{sentence} {waiting}"
    return sentence


def _one(agent: sign_on.Agent, office: str, ident: str, only: str = "", skip: int = 0) -> ConvocationShown:
    return answered(
        agent, lambda source, uid, token: OfficeConvocation(source, uid, token, office, ident, only, skip),
        refused=_(acts.MISSING),
    )  # fmt: skip


def _initial_values(answer: ConvocationShown) -> dict[str, str]:
    """The words of the form for a convocation that is there."""
    event = answer.event
    day, _t, begin = event.begin.partition("T")
    last, _t, end = event.end.partition("T")
    return {
        "title": event.title, "day": day, "begin": begin, "end": end, "last": last if last != day else "",
        "place": event.place, "text": event.text[: forms.LONGEST_TEXT],
    }  # fmt: skip


def _day(moment: str) -> str:
    return words.day(moment[:10] + "T12:00")


def _to(answer: ConvocationShown, notice: str) -> Answer:
    """The page of a convocation."""
    return back_to("office_convocation", notice, bureau=answer.office, convocation=answer.summary.ident)
