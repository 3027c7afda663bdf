"""The pages of « Mes équipes ». accountd judges at each call who may do what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, session
from malleposte.accountd.calls.shared import teams as calls
from malleposte.accountd.calls.shared.teams import MakeTeam, SetMember, SetTeam, TeamList, Teams
from malleposte.accountd.message import Request

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to, filled_in
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered
from malleposte_portal.own.charges import lost_to, typed
from malleposte_portal.own.teams import forms

SUBJECT = Subject("teams")
WRONG = {
    calls.NAME: "Ce nom ne convient pas : des lettres, des chiffres et des espaces, 60 caractères au plus.",
    calls.USED: "Ce nom est ou a été celui d’une équipe : choisissez-en un autre.",
    calls.DAY: "Choisissez un jour dans plus de deux semaines, et dans les deux ans.",
    calls.WHO: "Cet agent n’est pas connu, ou son compte est suspendu.",
    calls.LINK: "Donnez un nom et une adresse qui commence par https://",
    calls.LAST: "Il faut un autre animateur d’abord : une équipe en a un au moins.",
    calls.RULE: "Une règle dit qui participe à cette équipe : on n’y ajoute que des animateurs et des lecteurs.",
    calls.FULL: "Il y en a autant que permis : retirez-en d’abord.",
}
"""The words of accountd for what it does not take."""
type Make = Callable[[str, str, str], Request[TeamList]]


@SUBJECT.page("/compte/equipes", "/en/account/teams")
@for_agent
def teams(agent: sign_on.Agent) -> Answer:
    """The teams of the agent."""
    return render_template(
        "own/teams/list.html",
        answer=answered(agent, Teams),
        roles=_roles(),
        day=words.day,
        notice=session.pop("told", ""),
    )


@SUBJECT.page("/compte/equipes/equipe", "/en/account/teams/team")
@for_agent
def team(agent: sign_on.Agent) -> Answer:
    """One of them: members, next meetings, tools."""
    name = typed("team")
    answer = ask(agent, lambda source, uid, token: Teams(source, uid, token, name))
    if isinstance(answer, acts.Refusal):
        return lost_to("teams", answer)
    if not name or not answer.teams:
        return back_to("teams", "")
    return render_template(
        "own/teams/team.html", answer=answer, one=answer.teams[0], roles=_roles(), day=words.day, span=words.span,
        notice=session.pop("told", ""), me=agent.session.uid,
    )  # fmt: skip


@SUBJECT.form("/compte/equipes/nouvelle", "/en/account/teams/new")
@for_agent
def team_new(agent: sign_on.Agent) -> Answer:
    """A new one."""
    form = forms.MakeTeamForm()

    def make() -> Answer | acts.Refusal:
        answer = _ask(
            agent, lambda source, uid, token: MakeTeam(source, uid, token, form.typed("name"), form.typed("ends"))
        )
        if isinstance(answer, acts.Refusal):
            return answer
        return back_to("team", "made", team=answer.teams[0].uid) if answer.teams else back_to("teams", "")

    return _filled(form, make, "", _("Créer une équipe"), _("Créer l’équipe"), "name")


@SUBJECT.form("/compte/equipes/membre", "/en/account/teams/member")
@for_agent
def team_member(agent: sign_on.Agent) -> Answer:
    """One more member, or another role."""
    form, name = forms.TeamMemberForm(), typed("team")

    def make(source: str, uid: str, token: str) -> SetMember:
        return SetMember(source, uid, token, name, form.typed("who"), form.typed("role"))

    title = _("Ajouter un membre ou changer son rôle")
    return _filled(form, lambda: _back(agent, name, make), name, title, _("Enregistrer"), "who")


@SUBJECT.act("/compte/equipes/retirer", "/en/account/teams/remove")
@for_agent
def team_remove(agent: sign_on.Agent) -> Answer:
    """One member less; the agent, who leaves, too."""
    name, who = typed("team"), typed("who")
    done = _ask(agent, lambda source, uid, token: SetMember(source, uid, token, name, who))
    if isinstance(done, acts.Refusal):
        return lost_to("teams", done)
    return back_to("team", "set", team=name) if done.teams else back_to("teams", "left")


@SUBJECT.form("/compte/equipes/fin", "/en/account/teams/end")
@for_agent
def team_end(agent: sign_on.Agent) -> Answer:
    """Another last day, or none."""
    form, name = forms.TeamEndForm(), typed("team")

    def make(source: str, uid: str, token: str) -> SetTeam:
        return SetTeam(source, uid, token, name, form.typed("ends") or calls.NO_END)

    title = _("Changer le dernier jour")
    return _filled(form, lambda: _back(agent, name, make), name, title, _("Enregistrer"), "ends")


@SUBJECT.form("/compte/equipes/lien", "/en/account/teams/link")
@for_agent
def team_link(agent: sign_on.Agent) -> Answer:
    """One more link."""
    form, name = forms.TeamLinkForm(), typed("team")

    def make(source: str, uid: str, token: str) -> SetTeam:
        return SetTeam(source, uid, token, name, words=form.typed("words"), address=form.typed("address") or "-")

    return _filled(form, lambda: _back(agent, name, make), name, _("Ajouter un lien"), _("Ajouter"), "address")


@SUBJECT.act("/compte/equipes/lien/retirer", "/en/account/teams/link/remove")
@for_agent
def team_unlink(agent: sign_on.Agent) -> Answer:
    """One link less."""
    name, address = typed("team"), typed("address")
    done = _back(agent, name, lambda source, uid, token: SetTeam(source, uid, token, name, remove=address))
    return unanswered(done) if isinstance(done, acts.Refusal) else done


def _ask(agent: sign_on.Agent, make: Make) -> TeamList | acts.Refusal:
    return ask(agent, make, refused={word: _(sentence) for word, sentence in WRONG.items()})


def _back(agent: sign_on.Agent, name: str, make: Make) -> Answer | acts.Refusal:
    """Have it done, and go back to the team; why not, where it is not done."""
    done = _ask(agent, make)
    return done if isinstance(done, acts.Refusal) else back_to("team", "late" if done.open else "set", team=name)


def _filled(
    form: Any, act: Callable[[], Answer | acts.Refusal], name: str, title: str, send: str, field: str
) -> Answer:
    return filled_in(
        form, act,
        lambda refused: render_template(
            "own/teams/form.html", form=form, refused=refused, title=title, submit=send, team=name
        ),
        field,
    )  # fmt: skip


def _roles() -> dict[str, str]:
    return {"anime": _("Anime"), "participe": _("Participe"), "lit": _("Lit")}
