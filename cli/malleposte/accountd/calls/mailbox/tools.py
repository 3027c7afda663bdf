"""« Mes outils »: messages that an agent has told to tools of others, on the host of the mailbox; links to messages."""

from __future__ import annotations

import datetime

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, RefusedValueError, reached
from malleposte.accountd.message import Done, Message, Owned, Secret, Text, fitting
from malleposte.accounts.mailbox.tools import model
from malleposte.accounts.mailbox.tools.events.model import Agenda, Look, News
from malleposte.accounts.mailbox.tools.kinds.table import TOOLS
from malleposte.accounts.mailbox.tools.model import Act, Given, RuleShown, Sent, Shown, When
from malleposte.accounts.mailbox.tools.outside import Reach, host_of
from malleposte.accounts.teams import members
from malleposte.accounts.teams.model import TITLE
from malleposte.core.errors import InputError
from malleposte.directory.model import first
from malleposte.throttle import costs

APART = "tools"
"""These calls on an account wait for each other alone."""
MOST_SENT, ROOM = 20, 6000
"""Messages of those that left, and their bytes in an answer."""
GONE = "there is no such rule any more"


class AllowedTool(Message, frozen=True):
    """A tool that the academy allows, with the hosts that are called for it."""

    name: str
    hosts: tuple[str, ...] = ()


class ToolAgenda(Message, frozen=True):
    """An agenda whose new events may be told: `ident` is `OWNER/NAME`; no title: the agent's main one."""

    ident: str
    title: str = ""


class ToolRule(Message, frozen=True):
    """A rule, without its access. `when`: `label`, `comes` or `event`; `paused`: `revoked`, `stopped` or nothing.

    `agenda` is the title of an agenda, empty for the agent's main one; `gone`: it is not there, or closed to the agent.
    """

    ident: str
    tool: str
    when: str
    label: str = ""
    sender: str = ""
    subject: str = ""
    lines: bool = False
    paused: str = ""
    host: str = ""
    waits: int = 0
    agenda: str = ""
    place: bool = False
    gone: bool = False


class ToolSent(Message, frozen=True):
    """A message that was told to a tool, or not (`detail`); `at` in ISO 8601."""

    tool: str
    title: str
    at: str
    told: bool
    detail: str = ""


class AgentTools(Done, frozen=True):
    """The tools that the academy allows, the agent's rules, what left of late."""

    tools: tuple[AllowedTool, ...] = ()
    rules: tuple[ToolRule, ...] = ()
    sent: tuple[ToolSent, ...] = ()


class AgentAgendas(Done, frozen=True):
    """The agendas whose new events the agent may have told."""

    agendas: tuple[ToolAgenda, ...] = ()


class ToolTried(Done, frozen=True):
    """The outcome of a trial: `done`, `later`, `revoked` or `refused`, and a code."""

    outcome: str = ""
    detail: str = ""


class LinkedMessage(Done, frozen=True):
    """The folder and the number of a message; empty where the link opens nothing for this agent."""

    folder: str = ""
    number: str = ""


class ShowTools(Owned[AgentTools], frozen=True):
    """Show the rules, and what left."""


class ShowAgendas(Owned[AgentAgendas], frozen=True):
    """Show the agendas whose new events a rule may tell."""


class AddTool(Owned[AgentTools], frozen=True):
    """Add a rule. `values` are those of the tool's fields, in their order; `agenda` is the `ident` of one."""

    tool: Text
    when: Text
    values: tuple[Secret, ...]
    label: Text = ""
    sender: Text = ""
    subject: Text = ""
    lines: bool = False
    agenda: Text = ""
    place: bool = False


class RenewTool(Owned[AgentTools], frozen=True):
    """Give a rule another access."""

    ident: Text
    values: tuple[Secret, ...]


class ChangeTool(Owned[AgentTools], frozen=True):
    """Stop a rule (`stop`), let it tell again (`resume`), or remove it (`remove`)."""

    ident: Text
    change: Text


class TryTool(Owned[ToolTried], frozen=True):
    """Tell a rule's tool of a made-up message."""

    ident: Text


class OpenLink(Owned[LinkedMessage], frozen=True):
    """Find the message behind a link."""

    word: Text


@call(cost=costs.LOOK)
def show_tools(context: Context, request: ShowTools) -> AgentTools:
    """Read them on the host of the mailbox."""
    holder = context.owner(request.uid)
    return _answer(holder.uid, holder.state.value, _shown(context, holder.uid))


@call(cost=costs.LOOK)
def show_agendas(context: Context, request: ShowAgendas) -> AgentAgendas:
    """Read the agent's own agendas on their host, and the teams of the agent in the directory."""
    holder = context.owner(request.uid)
    shown = [ToolAgenda(_ident(one), one.title) for one in _agendas(context, holder.uid)]
    return AgentAgendas(holder.uid, holder.state.value, agendas=fitting(shown, ROOM))


@call()
def add_tool(context: Context, request: AddTool) -> AgentTools:
    """Seal the access there and keep the rule; the journal has what leaves by it."""
    holder = context.owner(request.uid)
    if request.when not in [*When]:
        raise RefusedValueError("no such moment")
    words = (request.label, request.sender, request.subject)
    agenda = None
    if request.when == When.EVENT:
        agenda = next((one for one in _agendas(context, holder.uid) if _ident(one) == request.agenda), None)
        if agenda is None:
            raise RefusedValueError("agenda")
    try:
        model.check(Given(request.tool, When(request.when), {}, *words, agenda=agenda))
    except InputError as error:
        raise RefusedValueError("word") from error
    with context.alone(holder.uid, APART):
        shown = _shown(context, holder.uid)
        values = _values(shown, request.tool, request.values)
        if len(shown.rules) >= model.MOST_RULES:
            raise RefusedValueError("full")
        rule = Given(
            request.tool, When(request.when), values, *words, request.lines and not agenda, agenda,
            request.place and agenda is not None,
        )  # fmt: skip
        begun = _begun(context, holder.uid, agenda) if agenda else None
        with reached():
            shown = context.tools.hosts.add_tool(holder.uid, rule, begun)
        if agenda:
            leaves = "événements\N{NO-BREAK SPACE}: titre, date" + (", lieu" if rule.place else "")
        else:
            leaves = "objet, expéditeur, lien" + (", premières lignes" if rule.lines else "")
        _note(context, holder.uid, request.tool, f"règle ajoutée ({leaves})")
    return _answer(holder.uid, holder.state.value, shown)


@call()
def renew_tool(context: Context, request: RenewTool) -> AgentTools:
    """Seal the new access there."""
    holder = context.owner(request.uid)
    with context.alone(holder.uid, APART):
        shown = _shown(context, holder.uid)
        rule = _rule(shown, request.ident)
        values = _values(shown, rule.tool, request.values)
        with reached():
            shown = context.tools.hosts.renew_tool(holder.uid, rule.id, values)
        _note(context, holder.uid, rule.tool, "nouvel accès")
    return _answer(holder.uid, holder.state.value, shown)


@call()
def change_tool(context: Context, request: ChangeTool) -> AgentTools:
    """Change it there; the journal has each change."""
    holder = context.owner(request.uid)
    if request.change not in [*Act]:
        raise RefusedValueError("no such change")
    change = Act(request.change)
    with context.alone(holder.uid, APART):
        rule = _rule(_shown(context, holder.uid), request.ident)
        with reached():
            shown = context.tools.hosts.change_tool(holder.uid, rule.id, change)
        _note(context, holder.uid, rule.tool, model.CHANGED[change])
    return _answer(holder.uid, holder.state.value, shown)


@call(slow=True)
def try_tool(context: Context, request: TryTool) -> ToolTried:
    """Have the host of the mailbox tell the tool, and say what came of it."""
    holder = context.owner(request.uid)
    with context.alone(holder.uid, APART):
        rule = _rule(_shown(context, holder.uid), request.ident)
        with reached():
            verdict = context.tools.hosts.try_tool(holder.uid, rule.id)
        _note(context, holder.uid, rule.tool, "essai")
    return ToolTried(holder.uid, holder.state.value, outcome=verdict.outcome.value, detail=verdict.detail)


@call(cost=costs.LOOK)
def open_link(context: Context, request: OpenLink) -> LinkedMessage:
    """Look for the message in the agent's own box; whose link it is, nobody is told."""
    holder = context.owner(request.uid)
    with reached():
        place = context.tools.hosts.linked(holder.uid, request.word)
    return LinkedMessage(holder.uid, holder.state.value, folder=place.folder, number=place.number)


def _agendas(context: Context, uid: str) -> list[Agenda]:
    """The agendas of an agent, and those of the teams of which the agent is a member."""
    with reached(what="the host of the agendas"):
        own: list[Agenda] = context.tools.hosts.agendas_of(uid, _profile(context, uid))
    teams = [
        Agenda(first(one.attributes, "uid").lower(), title=f"{TITLE}{first(one.attributes, 'cn').removeprefix(TITLE)}")
        for one in members.of(context.directory, uid)
        if members.is_running(one) and first(one.attributes, "mpAgenda") == "TRUE"
    ]
    return [*own, *teams]


def _begun(context: Context, uid: str, agenda: Agenda) -> News:
    """The events that an agenda has as a rule begins."""
    profile = _profile(context, uid) if agenda.owner == uid else ""
    with reached(what="the host of the agendas"):
        (changes,) = context.tools.hosts.agenda_changes((Look(agenda.owner, agenda.name, profile),))
    if changes.fault or not changes.there:
        raise RefusedValueError("agenda")
    if changes.more:
        raise RefusedValueError("large")
    return News(changes.at, tuple(dict.fromkeys(one.key for one in changes.events)), anew=True)


def _profile(context: Context, uid: str) -> str:
    entries = context.directory.search("people", ["mpProfile"], {"uid": uid})
    return next((first(one.attributes, "mpProfile") for one in entries), "")


def _ident(agenda: Agenda) -> str:
    return f"{agenda.owner}/{agenda.name}"


def _values(shown: Shown, tool: str, values: tuple[str, ...]) -> dict[str, str]:
    """The values by their names. Raises RefusedValueError, which says the field's name."""
    if tool not in shown.tools or tool not in TOOLS:
        raise RefusedValueError("tool")
    fields = TOOLS[tool].fields
    if len(values) != len(fields):
        raise RefusedValueError("tool")
    named = {field.name: value for field, value in zip(fields, values, strict=True)}
    wrong = next((field.name for field in fields if not field.form.fullmatch(named[field.name])), "")
    if wrong:
        raise RefusedValueError(f"{tool}.{wrong}")
    try:
        host_of(TOOLS[tool].address(named), Reach(shown.tools[tool]))
    except InputError as error:
        raise RefusedValueError("host") from error
    return named


def _shown(context: Context, uid: str) -> Shown:
    with reached():
        shown: Shown = context.tools.hosts.tools(uid)
    return shown


def _rule(shown: Shown, ident: str) -> RuleShown:
    rule = next((one for one in shown.rules if one.id == ident), None)
    if rule is None:
        raise RefusedValueError(GONE)
    return rule


def _note(context: Context, uid: str, tool: str, done: str) -> None:
    context.journal.write("tools", uid, note=model.words_of(tool, done))


def _answer(uid: str, before: str, shown: Shown) -> AgentTools:
    rules = tuple(_rule_of(one) for one in shown.rules)
    sent = [_sent(one) for one in shown.sent[:MOST_SENT]]
    tools = tuple(AllowedTool(name, hosts) for name, hosts in shown.tools.items())
    return AgentTools(uid, before, tools=tools, rules=rules, sent=fitting(sent, ROOM))


def _rule_of(rule: RuleShown) -> ToolRule:
    return ToolRule(
        rule.id, rule.tool, rule.when.value, rule.label, rule.sender, rule.subject, rule.lines, rule.paused.value,
        rule.host, rule.waits, rule.agenda.title if rule.agenda else "", rule.place, bool(rule.gone),
    )  # fmt: skip


def _sent(one: Sent) -> ToolSent:
    at = datetime.datetime.fromtimestamp(one.at, datetime.UTC).astimezone().isoformat(timespec="seconds")
    return ToolSent(one.tool, one.title, at, one.state == model.State.TOLD, one.detail)
