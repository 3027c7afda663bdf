"""`malleposte accounts tools`."""

from __future__ import annotations

from typing import Any

import click

from malleposte.accounts.mailbox.tools.model import CHANGED, Act, RuleShown, When, words_of
from malleposte.commands.accounts.context import host
from malleposte.commands.accounts.options import REASON, WHO, YES, confirm
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError
from malleposte.platform import times


@click.command("tools", cls=HostCommand)
@WHO
@click.option("--pause", metavar="RULE", default="", help="Let a rule tell nothing more; its owner can resume it.")
@click.option("--remove", metavar="RULE", default="", help="Remove a rule, its access, and what waits.")
@REASON
@YES
@AS_JSON
def tools_command(who: str, pause: str, remove: str, reason: str, yes: bool, as_json: bool) -> None:
    """Show the rules by which an agent tells tools of others of messages or events, pause one or remove it.

    No access and nothing of a message is shown. RULE is the identifier that the list shows. The owner sees a change and
    its reason in « Mon journal ».

    \b
    Example:
      sudo ./malleposte accounts tools mdupond
      sudo ./malleposte accounts tools mdupond --json
      sudo ./malleposte accounts tools mdupond --pause 3f2a90c1d4e5b687 --reason "too many alerts"
      sudo ./malleposte accounts tools mdupond --remove 3f2a90c1d4e5b687 --reason "asked by phone"
    """
    if pause and remove:
        raise InputError("--pause and --remove were given", "give one of them")
    ident, act = (remove, Act.REMOVE) if remove else (pause, Act.STOP)
    if reason and not ident:
        raise InputError("a reason was given for no change", "add --pause or --remove")
    with host(who) as (tools, _rules, _settings, uid):
        shown = tools.hosts.tools(uid)
        if ident:
            rule = next((one for one in shown.rules if one.id == ident), None)
            if rule is None:
                raise InputError(f"{uid} has no rule {ident}", f"`malleposte accounts tools {uid}` shows them")
            if act == Act.REMOVE:
                confirm(f"Remove the rule {ident} ({rule.tool}) of {uid}, with its access?", yes=yes)
            shown = tools.hosts.change_tool(uid, ident, act)
            note = words_of(rule.tool, CHANGED[act])
            tools.journal.write("tools", uid, rule=ident, note=f"{note} ({reason})" if reason else note)
    rules = [_row(one) for one in shown.rules]
    lines = map(_line, rules) if rules else ["no rule"]
    answer({"uid": uid, "rules": rules}, [f"{uid}: {line}" for line in lines], as_json=as_json)


def _row(rule: RuleShown) -> dict[str, Any]:
    return {
        "rule": rule.id, "tool": rule.tool, "host": rule.host, "when": rule.when.value, "label": rule.label,
        "first_lines": rule.lines, "agenda": f"{rule.agenda.owner}/{rule.agenda.name}" if rule.agenda else "",
        "place": rule.place, "agenda_gone": bool(rule.gone), "paused": rule.paused.value, "waiting": rule.waits,
        "last_success": _time(rule.success), "last_failure": _time(rule.failure), "failure": rule.detail,
    }  # fmt: skip


def _time(at: float) -> str:
    return times.local(at) if at else ""


def _line(row: dict[str, Any]) -> str:
    where = f" at {row['host']}" if row["host"] else ""
    moments = {When.LABEL: f"label {row['label']}", When.EVENT: f"new events of {row['agenda']}"}
    moment = moments.get(row["when"], "mail that comes") + (" (no such agenda)" if row["agenda_gone"] else "")
    failure = f"{row['last_failure']} ({row['failure'] or 'no detail'})" if row["last_failure"] else "never"
    return (
        f"{row['rule']}  {row['tool']}{where}, {moment}{', first lines' if row['first_lines'] else ''}"
        f"{', place' if row['place'] else ''}: "
        f"{row['paused'] or 'on'}, {row['waiting']} waiting, last success {row['last_success'] or 'never'}, "
        f"last failure {failure}"
    )
