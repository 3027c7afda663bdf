"""« Sondage de dates »: the organiser's pages, and the page of a link, which needs no log-in."""

from __future__ import annotations

from flask import Response, make_response, render_template, request, session
from malleposte.accountd.calls.meetings.polls import (
    EVENT,
    MANY,
    OPEN,
    PEOPLE,
    SLOTS,
    AskPoll,
    DecidePoll,
    EndPoll,
    MyPoll,
    MyPolls,
    PollPage,
    SeePoll,
    Vote,
    VotePoll,
)
from malleposte.accountd.message import Done

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to, filled_in
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered
from malleposte_portal.own.meetings import forms

SUBJECT = Subject("polls")
LONGEST_LINK = 100
WRONG = {
    EVENT: "Vérifiez le titre.",
    SLOTS: "Vérifiez les créneaux : de 2 à 20, à venir, chacun avec une fin après son début.",
    PEOPLE: "Vérifiez les participants : chacun a un compte ici, ou une adresse extérieure.",
    MANY: "50 personnes au plus : les membres des listes comptent.",
    OPEN: "Vous avez trop de sondages ou de réunions en cours. Terminez ceux qui ne servent plus.",
}
FULL = "Vous avez trop de réunions à venir. Annulez celles qui ne servent plus."
VOTES = {Vote.YES: "Oui", Vote.MAYBE: "Si besoin", Vote.NO: "Non"}
SAID = {**VOTES, Vote.NONE: "Pas de réponse"}


@SUBJECT.page("/compte/sondages", "/en/account/polls")
@for_agent
def polls(agent: sign_on.Agent) -> Answer:
    """The polls of the agent."""
    return render_template("own/meetings/polls.html", answer=answered(agent, MyPolls), moment=words.moment)


@SUBJECT.form("/compte/sondages/nouveau", "/en/account/polls/new")
@for_agent
def poll_new(agent: sign_on.Agent) -> Answer:
    """The form of a new one."""
    form = forms.AskPoll()

    def begin() -> Answer | acts.Refusal:
        lines = form.lines()
        if lines is None:
            return acts.Refusal(422)
        done = ask(
            agent,
            lambda source, uid, token: AskPoll(
                source, uid, token, form.typed("title"), lines, form.typed("people"), form.typed("text"),
                bool(form.tell.data),
            ),
            refused={word: _(sentence) for word, sentence in WRONG.items()},
        )  # fmt: skip
        return done if isinstance(done, acts.Refusal) else _to(done, "asked")

    return filled_in(
        form, begin, lambda refused: render_template("own/meetings/poll_new.html", form=form, refused=refused)
    )


@SUBJECT.page("/compte/sondage", "/en/account/poll")
@for_agent
def poll(agent: sign_on.Agent) -> Answer:
    """One, with its votes."""
    ident = request.args.get("sondage", "")[:64]
    answer = answered(agent, lambda source, uid, token: MyPoll(source, uid, token, ident), refused=_(acts.MISSING))
    if answer.poll is None:
        return unanswered(acts.Refusal(404, _(acts.MISSING)))
    return render_template(
        "own/meetings/poll.html", answer=answer, one=answer.poll, span=words.span, notice=session.pop("told", ""),
        said=_said(),
    )  # fmt: skip


@SUBJECT.act("/compte/sondage/finir", "/en/account/poll/end")
@for_agent
def poll_end(agent: sign_on.Agent) -> Answer:
    """End one without a meeting."""
    ident = request.form.get("poll", "")[:64]
    done = ask(agent, lambda source, uid, token: EndPoll(source, uid, token, ident), refused=_(acts.MISSING))
    return unanswered(done) if isinstance(done, acts.Refusal) else _to(done, "ended")


@SUBJECT.act("/compte/sondage/choisir", "/en/account/poll/choose")
@for_agent
def poll_decide(agent: sign_on.Agent) -> Answer:
    """Take a slot."""
    ident, slot = request.form.get("poll", "")[:64], request.form.get("slot", "")[:4]
    number = int(slot) if slot.isdecimal() and slot.isascii() else -1
    visio = bool(request.form.get("visio"))
    done = ask(
        agent, lambda source, uid, token: DecidePoll(source, uid, token, ident, number, visio),
        refused={SLOTS: _("Ce créneau ne peut plus être choisi."), OPEN: _(FULL)},
    )  # fmt: skip
    return unanswered(done) if isinstance(done, acts.Refusal) else _to(done, "decided")


@SUBJECT.form("/sondage", "/en/poll")
def ballot() -> Response:
    """The page of a link. A wrong link and an ended poll are one page, so that nobody learns which there are."""
    source, link, voted = acts.source(), request.args.get("lien", "")[:LONGEST_LINK], False
    answer = acts.ask(SeePoll(source, link), "")
    if request.method == "POST" and isinstance(answer, PollPage) and answer.poll:
        votes = "".join(_vote(request.form.get(f"slot{number}", "")) for number in range(len(answer.poll.slots)))
        answer = acts.ask(VotePoll(source, link, votes), "")
        voted = isinstance(answer, PollPage)
    if isinstance(answer, acts.Refusal) or answer.poll is None:
        away = answer if isinstance(answer, acts.Refusal) and answer.status != 403 else None
        page = render_template("own/meetings/no_ballot.html", sentence=away.page if away else "")
        response = make_response(page, away.status if away else 404)
    else:
        response = make_response(
            render_template(
                "own/meetings/ballot.html", one=answer.poll, span=words.span, notice=voted, said=_said(), word=link,
                votes={vote.value: _(sentence) for vote, sentence in VOTES.items()},
            )
        )  # fmt: skip
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _vote(typed: str) -> str:
    return typed if typed in {*VOTES} else Vote.NONE.value


def _said() -> dict[str, str]:
    return {vote.value: _(sentence) for vote, sentence in SAID.items()}


def _to(answer: Done, notice: str) -> Answer:
    poll = answer.poll if isinstance(answer, PollPage) else None
    return back_to("poll", notice, sondage=poll.ident) if poll else back_to("polls", notice)
