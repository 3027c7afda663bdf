"""The pages of the help desk."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.desk.acts import CodeGiven, DeskBlock, DeskCode, DeskRemoveFactor
from malleposte.accountd.calls.desk.looks import DeskFind, DeskList, DeskReach, DeskShow
from malleposte.accountd.calls.desk.traces import DeskTrace
from malleposte.accountd.calls.mailbox.trace import MessagesTraced
from malleposte.accountd.message import Done, Request
from malleposte.accountd.relying_party import AwayError

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.desk import forms
from malleposte_portal.log_in import shown_once, sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered
from malleposte_portal.log_in.sessions import StoreError
from malleposte_portal.own import diagnosis
from malleposte_portal.own.messages import trace

LOG = logging.getLogger("malleposte_portal")
SUBJECT = Subject("desk")
SHOW = "resultat"
"""The word in the address of a page that shows people; its value tells the searches of several tabs apart."""
MOST_SEARCHES = 3
"""Searches of a page that a session keeps."""


@SUBJECT.form("/assistance", "/en/help-desk")
@for_agent
def desk(agent: sign_on.Agent) -> Answer:
    """« Assistance »: find an agent."""
    form = forms.Find(data=looked_for())
    return looked(
        agent,
        form,
        "desk/find.html",
        lambda source, uid, token: DeskFind(source, uid, token, text=form.typed("text")),
    )


@SUBJECT.form("/assistance/listes", "/en/help-desk/lists")
@for_agent
def desk_list(agent: sign_on.Agent) -> Answer:
    """Agents of a school by state: locked, blocked, expired, never activated, idle."""
    form = forms.List(data=looked_for())
    return looked(
        agent,
        form,
        "desk/list.html",
        lambda source, uid, token: DeskList(
            source, uid, token, school=form.typed("school").upper(), state=form.typed("state")
        ),
    )


def _name() -> str:
    """The name in the session of the last searches of this page."""
    return f"searches-{request.endpoint}"


def _searches() -> list[tuple[str, dict[str, str]]]:
    """The last searches of this page, each with the value of its address; a session keeps the order of lists alone."""
    return [(value, typed) for value, typed in session.get(_name(), [])]


def looked_for() -> dict[str, str] | None:
    """The search to which this page answers."""
    return dict(_searches()).get(request.args.get(SHOW, "")) if request.method == "GET" else None


def looked(agent: sign_on.Agent, form: Any, page: str, make: Callable[[str, str, str], Request[Any]]) -> Answer:
    """A page that shows people, once its form is filled in.

    They are on a page of their own, to which a browser comes back from a sheet without sending the form again. The
    session keeps what is looked for: names stay out of addresses, and out of the journals of web servers.
    """
    refused, status, people = "", 200, None
    reach: tuple[str, ...] = ()
    if request.method == "POST":
        if form.validate():
            value = secrets.token_hex(4)
            typed = {one.short_name: one.data for one in form if one.short_name != "csrf_token"}
            session[_name()] = [*_searches(), (value, typed)][-MOST_SEARCHES:]
            return redirect(link(str(request.endpoint), **{SHOW: value}), 303)
        status = 422
    elif looked_for() is not None:
        answer = ask(agent, make, refused=_("Cette recherche n’a pas été comprise."))
        if isinstance(answer, Done):
            people = answer
        else:
            refused, status = answer.page, answer.status
    else:
        reach = answered(agent, DeskReach).reach
    return render_template(page, form=form, refused=refused, people=people, reach=reach, moment=words.moment), status


@SUBJECT.page("/assistance/agent", "/en/help-desk/agent")
@for_agent
def desk_agent(agent: sign_on.Agent) -> Answer:
    """An agent's sheet: the state, and what can be done."""
    target = request.args.get("agent", "")[: forms.LONGEST]
    if not target:
        return redirect(link("desk"), 303)
    answer = answered(agent, lambda source, uid, token: DeskShow(source, uid, token, target=target))
    last = session.pop("desk", None)
    return render_template(
        "desk/agent.html", uid=answer.uid, account=answer.account, sheet=answer.sheet, diagnosis=answer.diagnosis,
        full=diagnosis.full(answer.diagnosis), **diagnosis.record(answer.diagnosis),
        day=words.day, label=words.label(answer.account.profile), code=code_words, forwards=words.forwards,
        notice=last["act"] if isinstance(last, dict) and last.get("uid") == answer.uid else "",
    )  # fmt: skip


def code_words(waiting: str) -> str:
    """A code that waits (`WAY END`), in words."""
    way, _blank, end = waiting.partition(" ")
    names = {"mail": _("envoyé"), "letter": _("par courrier"), "desk": _("donné par l’assistance ou la DSI")}
    return _("%(way)s, valable jusqu’au %(moment)s", way=names.get(way, way), moment=words.moment(end))


def _act(
    agent: sign_on.Agent, form: forms.Act, page: str, act: str, make: Callable[[str, str, str], Request[Any]],
    shown: Callable[[Any], Answer] | None = None,
) -> Answer:  # fmt: skip
    """The form of an act; once it is done, the agent's sheet, or the answer that `shown` gives for a secret."""
    target = form.typed("agent")

    def done(answer: Any) -> Answer:
        if shown is not None and answer.secret:
            return shown(answer)
        session["desk"] = {"uid": answer.uid, "act": "late" if answer.open else act}
        return redirect(_sheet(answer.uid), 303)

    def show(refused: str) -> str:
        return render_template(page, form=form, refused=refused, target=target, sheet=_sheet)

    return acted(agent, form, make, done, show, "" if target else "desk")


def acted(
    agent: sign_on.Agent, form: forms.Act, make: Callable[[str, str, str], Request[Any]],
    done: Callable[[Any], Answer], show: Callable[[str], str], instead: str = "", wrong: str = forms.WRONG,
) -> Answer:  # fmt: skip
    """The form of an act, as `show` renders it with why it is refused; once it is done, the answer of `done`.

    `instead` names the page to go to where the form is opened without what it is about; `wrong` is the sentence for a
    value that accountd does not take.
    """
    refused, status = "", 200
    if request.method == "GET":
        answered(agent, DeskReach)
        if instead:
            return redirect(link(instead), 303)
    else:
        status = 422
        if form.validate():
            answer = ask(agent, make, refused=_(wrong))
            if isinstance(answer, Done):
                return done(answer)
            refused, status = answer.page, answer.status
        elif form.misread():
            return unanswered(acts.Refusal(422, _(forms.WRONG)))
    return show(refused), status


def _sheet(uid: str) -> str:
    """The address of an agent's sheet."""
    return link("desk_agent", agent=uid)


def link_values(*names: str) -> dict[str, str] | None:
    """The words of the links that lead to a form, while it is shown first."""
    return {name: request.args.get(name, "")[:256] for name in names} if request.method == "GET" else None


@SUBJECT.form("/assistance/code", "/en/help-desk/code")
@for_agent
def desk_code(agent: sign_on.Agent) -> Answer:
    """Give a code. The page that shows one to be read aloud is another, so that a reload makes no second code."""
    form = forms.Code(data=link_values("agent", "factor"))
    form.offer(request.args.get("ways", "") if request.method == "GET" else form.typed("ways"))
    back = form.called_back.data if "called_back" in form else False
    return _act(
        agent,
        form,
        "desk/code.html",
        form.typed("way"),
        lambda source, uid, token: DeskCode(
            source,
            uid,
            token,
            target=form.typed("agent"),
            way=form.typed("way"),
            reason=form.typed("reason"),
            called_back=bool(back),
        ),
        _on_its_way,
    )


def _on_its_way(done: CodeGiven) -> Answer:
    """Hand a code on to the page that shows it; one that cannot be shown ends by itself, or by the next one."""
    try:
        shown_once.hand_on("desk_aloud", {"uid": done.uid, "secret": done.secret, "until": done.until})
    except (AwayError, StoreError) as error:
        LOG.error("a code that was made cannot be shown: %s", error)
        return unanswered(acts.Refusal(503, _(acts.AWAY)))
    return redirect(link("desk_aloud", agent=done.uid), 303)


@SUBJECT.page("/assistance/code/lire", "/en/help-desk/code/read")
@for_agent
def desk_aloud(_found: sign_on.Agent) -> Answer:
    """The code to read aloud, once; the agent's sheet from then on."""
    code = shown_once.handed("desk_aloud")
    if code is None:
        target = request.args.get("agent", "")[: forms.LONGEST]
        session["desk"] = {"uid": target, "act": "shown"}
        return redirect(_sheet(target), 303)
    return render_template("desk/aloud.html", done=CodeGiven(**code), moment=words.moment, sheet=_sheet)


@SUBJECT.form("/assistance/bloquer", "/en/help-desk/block")
@for_agent
def desk_block(agent: sign_on.Agent) -> Answer:
    """Block an account that somebody else is using."""
    form = forms.Act(data=link_values("agent", "factor"))
    return _act(
        agent,
        form,
        "desk/block.html",
        "block",
        lambda source, uid, token: DeskBlock(
            source, uid, token, target=form.typed("agent"), reason=form.typed("reason")
        ),
    )


@SUBJECT.form("/assistance/facteur", "/en/help-desk/factor")
@for_agent
def desk_factor(agent: sign_on.Agent) -> Answer:
    """Remove a second factor that its owner has lost."""
    form = forms.Factor(data=link_values("agent", "factor"))
    return _act(
        agent,
        form,
        "desk/factor.html",
        "factor",
        lambda source, uid, token: DeskRemoveFactor(
            source, uid, token, target=form.typed("agent"), factor=form.typed("factor"), reason=form.typed("reason")
        ),
    )


@SUBJECT.form("/assistance/message", "/en/help-desk/message")
@for_agent
def desk_trace(agent: sign_on.Agent) -> Answer:
    """« Un message n’est jamais arrivé »: what became of an agent's messages."""
    form = forms.Trace(data=link_values("agent"))
    target = form.typed("agent")

    def page(answer: MessagesTraced | None = None, refused: str = "") -> str:
        return render_template(
            "desk/trace.html", form=form, refused=refused, target=target, sheet=_sheet, **trace.shown(answer)
        )

    return acted(
        agent,
        form,
        lambda source, uid, token: DeskTrace(
            source, uid, token, target=target, reason=form.typed("reason"), sender=form.typed("sender"),
            word=form.typed("word"),
        ),
        page,
        lambda refused: page(refused=refused),
        "" if target else "desk",
        wrong=trace.SHORT_WORD,
    )  # fmt: skip
