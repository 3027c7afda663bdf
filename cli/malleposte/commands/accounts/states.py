"""`malleposte accounts block|unblock|suspend|resume|expire`: see `sessions` for what needs no directory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from malleposte.accounts import acts
from malleposte.accounts.acts import entry
from malleposte.accounts.life.rules import demand_override
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.traces.model import Kind, Trace
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import OVERRIDE, REASON, WHO
from malleposte.commands.accounts.output import shown_time, tell
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.errors import DirectoryError, Refused
from malleposte.directory.model import first
from malleposte.platform.identity import is_uid


class BlockCommand(HostCommand):
    """A command that says what else can be done while the directory's host does not answer."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        try:
            return super().away(ctx, inventory, words)
        except InputError:
            raise
        except MallepostError as error:
            raise MallepostError(error.message, f"{error.hint}; meanwhile: {meanwhile(ctx.params['who'])}") from error


def meanwhile(who: str) -> str:
    """The command that works without the directory."""
    return f"malleposte accounts end-sessions {who if is_uid(who) else 'LOG-IN'}"


@contextlib.contextmanager
def or_meanwhile(who: str) -> Iterator[None]:
    """Say the same on a host whose directory is down."""
    try:
        yield
    except Refused:
        raise
    except DirectoryError as error:
        raise MallepostError(error.message, f"once it answers, type this again; meanwhile: {meanwhile(who)}") from error


@click.command("block", cls=BlockCommand)
@WHO
@REASON
@AS_JSON
def block_command(who: str, reason: str, as_json: bool) -> int:
    """Block a compromised account, at once.

    The password is invalid in every access channel and every session ends. Nothing is sent for 48 hours, mail in the
    queue is held, and the agent's filters are paused. The agent can read mail again with a new password (accounts
    reset), and send after that time. The output names the boxes, folders and agendas of others that the account opens:
    whoever used it may have read them, so warn their owners. A host that does not answer is named (exit code 4): run
    the command again; the block keeps its end. While the directory does not answer, accounts end-sessions ends the
    sessions alone.

    \b
    Example:
      sudo ./malleposte accounts block mdupond --reason "ticket 4711, spam since 9:30"
      sudo ./malleposte accounts block marie.dupond@ac-exemple.test --json
    """
    with or_meanwhile(who), host(who) as (tools, rules, _settings, uid):
        result = acts.block(tools, uid, now(), hours=rules.block_hours, note=reason)
        until = first(entry(tools.directory, uid).attributes, "mpBlockedUntil")
        forwards = list(acts.look(tools, uid, result).forwards)
        others = acts.opened(tools, uid, result)
    lines = [f"sends nothing until {shown_time(until)}", *held_lines(result)]
    lines += [f"its filters forward to {address}: they rest until then" for address in forwards]
    lines += [f"it opens {opened_words(one)}: warn its owner, who may have been read too" for one in others]
    lines.append(f"a new password: malleposte accounts reset {uid}")
    opened = [asdict(one) for one in others]
    return tell(
        result, uid, "blocked", as_json=as_json, lines=lines, blocked_until=until, forwards=forwards, others=opened
    )


def held_lines(result: acts.Result) -> list[str]:
    """The number of messages held; none where no queue answered, which is said as not done."""
    silent = any(failure.channel == "queue" for failure in result.failures)
    if silent and not result.held:
        return []
    return [f"{len(result.held)} messages held in the queue{' of the hosts that answered' if silent else ''}"]


def opened_words(one: Trace) -> str:
    """One box, folder or agenda of others, in words."""
    return {
        Kind.BOX: f"the functional box {one.what} ({one.who})",
        Kind.THEIR_FOLDER: f"the mail folder {one.what!r} of {one.who}",
        Kind.THEIR_AGENDA: f"{one.what} of {one.who} in SOGo",
        Kind.THEIR_MAIL: f"the mail of {one.who} in SOGo",
    }[Kind(one.kind)]


@click.command("unblock", cls=HostCommand)
@WHO
@OVERRIDE
@click.option(
    "--queued",
    type=click.Choice(["keep", "release", "delete"]),
    default="keep",
    show_default=True,
    help="The treatment of the held mail.",
)
@AS_JSON
def unblock_command(who: str, override: str, queued: str, as_json: bool) -> int:
    """Let an account send again, and show its held mail.

    After 48 hours the account can send again without this command, but the held mail needs a decision. To end the block
    earlier, give a reason, as root or in the group of accounts_override_group. For the password: accounts reset.

    \b
    Example:
      sudo ./malleposte accounts unblock mdupond --queued delete
      sudo ./malleposte accounts unblock mdupond --override "exam board tonight, seen with the head" --json
    """
    with host(who) as (tools, rules, _settings, uid):
        if override:
            demand_override(rules.override_group)
        result = acts.unblock(tools, uid, now(), override=override)
        waiting, failures = tools.hosts.queue("show", uid)
        held_messages = [message for message in waiting if message.held]
        moved: list[str] = []
        if held_messages and queued != "keep":
            done, failures = tools.hosts.queue(queued, uid)
            moved = [message.ident for message in done]
        result.failures += failures
        if moved:
            tools.journal.write(f"queue-{queued}", uid, messages=moved)
        forwards = list(acts.look(tools, uid, result).forwards)
    lines = [_line(message) for message in held_messages]
    if held_messages:
        word = {"keep": "still held: --queued release or delete", "release": "let go", "delete": "deleted"}[queued]
        lines.append(f"{len(held_messages)} messages {word}")
    lines += [f"its filters forward to {address}: ask the agent" for address in forwards]
    messages: list[dict[str, Any]] = [
        {"id": one.ident, "sender": one.sender, "recipients": list(one.recipients), "arrived": one.arrived}
        for one in held_messages
    ]
    result.changed = result.changed or bool(moved)
    return tell(
        result, uid, "may send again", as_json=as_json, lines=lines, queued=queued, messages=messages, forwards=forwards
    )


def _line(message: Waiting) -> str:
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
    """Reactivate a suspended or expired account, with its former password.

    \b
    Example:
      sudo ./malleposte accounts resume mdupond --reason "stays another year"
    """
    with host(who) as (tools, _rules, _settings, uid):
        result = acts.resume(tools, uid, now(), note=reason)
        state = first(entry(tools.directory, uid).attributes, "mpState")
    return tell(result, uid, f"{state} again", as_json=as_json, state=state)


@click.command("expire", cls=HostCommand)
@WHO
@REASON
@AS_JSON
def expire_command(who: str, reason: str, as_json: bool) -> int:
    """Expire a password now: no log-in until the agent renews it on the portal; mail still arrives.

    \b
    Example:
      sudo ./malleposte accounts expire mdupond --reason "not renewed since 2024"
    """
    with host(who) as (tools, _rules, _settings, uid):
        result = acts.expire(tools, uid, now(), note=reason)
    return tell(result, uid, "expired", as_json=as_json)
