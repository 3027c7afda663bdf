"""`malleposte accounts block|unblock|suspend|resume|expire`."""

from __future__ import annotations

from typing import Any

import click

from malleposte.accounts import acts, filters
from malleposte.accounts.acts import entry
from malleposte.accounts.here import HostKeeper
from malleposte.accounts.life.base import one
from malleposte.accounts.life.rules import LifeRules, demand_override
from malleposte.accounts.queue import Queue, Waiting
from malleposte.commands.accounts.shared import AS_JSON, HostCommand
from malleposte.commands.accounts.words import OVERRIDE, REASON, WHO, host, now, shown_time, tell


def _forwards(uid: str, rules: LifeRules) -> list[str]:
    return list(filters.read(filters.home_of(uid, rules.store)).forwards)


@click.command("block", cls=HostCommand)
@WHO
@REASON
@AS_JSON
def block_command(who: str, reason: str, as_json: bool) -> int:
    """Block a hacked account, at once.

    The password is void at every door and every session ends; nothing is sent for 48 hours, and mail that waits in the
    queue is held; the agent's own filters rest. Reading returns with a new password (accounts reset), sending after the
    time. Run again after a failure: what is done already stays done.

    \b
    Example:
      sudo ./malleposte accounts block mdupond --reason "ticket 4711, spam since 9:30"
      sudo ./malleposte accounts block marie.dupond@ac-exemple.test --json
    """
    with host(who) as (tools, rules, _settings, uid):
        result = acts.block(tools, uid, now(), hours=rules.block_hours, note=reason)
        until = one(entry(tools.directory, uid).attributes, "mpBlockedUntil")
        forwards = _forwards(uid, rules)
    lines = [f"sends nothing until {shown_time(until)}", f"{len(result.held)} messages held in the queue"]
    lines += [f"its filters forward to {address}: they rest until then" for address in forwards]
    lines.append(f"a new password: malleposte accounts reset {uid}")
    return tell(result, uid, "blocked", as_json=as_json, lines=lines, blocked_until=until, forwards=forwards)


@click.command("unblock", cls=HostCommand)
@WHO
@OVERRIDE
@click.option(
    "--queued",
    type=click.Choice(["keep", "release", "delete"]),
    default="keep",
    show_default=True,
    help="What becomes of the mail that was held.",
)
@AS_JSON
def unblock_command(who: str, override: str, queued: str, as_json: bool) -> int:
    """Let an account send again, and show the mail that was held.

    After 48 hours this happens by itself, but for the held mail, which a person must look at. Before, it needs a reason
    and the DSI (root, or the group of accounts_override_group). The password is another matter: accounts reset.

    \b
    Example:
      sudo ./malleposte accounts unblock mdupond --queued delete
      sudo ./malleposte accounts unblock mdupond --override "exam board tonight, seen with the head" --json
    """
    with host(who) as (tools, rules, _settings, uid):
        if override:
            demand_override(rules.override_group)
        result = acts.unblock(tools, uid, now(), override=override)
        keeper = HostKeeper(rules, tools.directory)
        held = [message for message in keeper.waiting(uid) if message.held]
        moved = _settle(held, queued)
        if moved:
            tools.journal.write(f"queue-{queued}", uid, messages=moved)
        forwards = _forwards(uid, rules)
    lines = [_told(message) for message in held]
    if held:
        word = {"keep": "still held: --queued release or delete", "release": "let go", "delete": "deleted"}[queued]
        lines.append(f"{len(held)} messages {word}")
    lines += [f"its filters forward to {address}: ask the agent" for address in forwards]
    messages: list[dict[str, Any]] = [
        {"id": one.ident, "sender": one.sender, "recipients": list(one.recipients), "arrived": one.arrived}
        for one in held
    ]
    result.changed = result.changed or bool(moved)
    return tell(
        result, uid, "may send again", as_json=as_json, lines=lines, queued=queued, messages=messages, forwards=forwards
    )


def _settle(held: list[Waiting], queued: str) -> list[str]:
    if queued == "release":
        return Queue().release(held)
    return Queue().delete(held) if queued == "delete" else []


def _told(message: Waiting) -> str:
    more = f" and {len(message.recipients) - 1} more" if len(message.recipients) > 1 else ""
    return f"{message.ident} from {message.sender} to {', '.join(message.recipients[:1])}{more}"


@click.command("suspend", cls=HostCommand)
@WHO
@REASON
@AS_JSON
def suspend_command(who: str, reason: str, as_json: bool) -> int:
    """Suspend an account: no log-in, no mail, at once. Archive and removal follow after their delays.

    \b
    Example:
      sudo ./malleposte accounts suspend mdupond --reason "left on 31 August"
    """
    with host(who) as (tools, _rules, _settings, uid):
        result = acts.suspend(tools, uid, now(), note=reason)
    return tell(result, uid, "suspended", as_json=as_json)


@click.command("resume", cls=HostCommand)
@WHO
@REASON
@AS_JSON
def resume_command(who: str, reason: str, as_json: bool) -> int:
    """Let a suspended or expired account back in, with its password as it was.

    \b
    Example:
      sudo ./malleposte accounts resume mdupond --reason "stays another year"
    """
    with host(who) as (tools, _rules, _settings, uid):
        result = acts.resume(tools, uid, now(), note=reason)
        state = one(entry(tools.directory, uid).attributes, "mpState")
    return tell(result, uid, f"{state} again", as_json=as_json, state=state)


@click.command("expire", cls=HostCommand)
@WHO
@REASON
@AS_JSON
def expire_command(who: str, reason: str, as_json: bool) -> int:
    """End a password's time now: no log-in until it is renewed on the portal; mail still arrives.

    \b
    Example:
      sudo ./malleposte accounts expire mdupond --reason "not renewed since 2024"
    """
    with host(who) as (tools, _rules, _settings, uid):
        result = acts.expire(tools, uid, now(), note=reason)
    return tell(result, uid, "expired", as_json=as_json)
