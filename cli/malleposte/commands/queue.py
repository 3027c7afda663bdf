"""`malleposte queue`: on the controller it runs itself on the hosts of mail; there, on Postfix's queue."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from malleposte.accounts import facts
from malleposte.accounts.mailbox import outbound
from malleposte.accounts.mailbox.queue import Queue, Waiting
from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.away import MailCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError
from malleposte.platform.times import local

WHO = click.argument("who", metavar="ACCOUNT")
LINE = 65536  # characters of what the filter says


def _held_messages(who: str) -> list[Waiting]:
    """Held messages of an account that was logged in, or under an envelope address; all for an empty name."""
    who = who.strip().lower()
    return [one for one in Queue().held() if not who or who in (one.login, one.sender.lower())]


def _shown(one: Waiting) -> str:
    named = ", ".join(one.recipients[:3]) + (f" and {len(one.recipients) - 3} more" if len(one.recipients) > 3 else "")
    when = local(one.arrived)
    who = f"{one.login or '-':<16} {one.sender or '<>'}"
    return f"{one.ident:<16} {when} {who} to {named}, {one.size} bytes"


@click.group("queue")
def command() -> None:
    """List, release or delete held mail.

    Mail is held when an account writes to more recipients than its class may, and when an account is blocked. On the
    controller these commands run over ssh on the hosts of mail.

    \b
    Example:
      sudo ./malleposte queue held
      sudo ./malleposte queue release mdupond
    """


@command.command("held", cls=MailCommand)
@click.argument("who", metavar="[ACCOUNT]", default="")
@AS_JSON
def held_command(who: str, as_json: bool) -> None:
    """List held mail: all, or that of a log-in or a sender's address.

    \b
    Example:
      sudo ./malleposte queue held
      sudo ./malleposte queue held mdupond --json
    """
    messages = _held_messages(who)
    answer([asdict(one) for one in messages], map(_shown, messages), as_json=as_json)
    if not as_json:
        click.echo(f"{len(messages)} held", err=True)


@command.command("release", cls=MailCommand)
@WHO
@AS_JSON
def release_command(who: str, as_json: bool) -> int:
    """Send the held mail of an account. It is not counted again.

    Exit code 1 when none was held.

    \b
    Example:
      sudo ./malleposte queue release mdupond
      sudo ./malleposte queue release ce.0210001m@ac-exemple.test --json
    """
    return _report(who, Queue().release(_held_messages(_named(who))), "let go", as_json=as_json)


@command.command("drop", cls=MailCommand)
@WHO
@YES
@AS_JSON
def drop_command(who: str, yes: bool, as_json: bool) -> int:
    """Delete the held mail of an account. Nobody is notified.

    Exit code 1 when none was held.

    \b
    Example:
      sudo ./malleposte queue drop mdupond
      sudo ./malleposte queue drop mdupond --yes --json
    """
    confirm(f"Delete all held mail of {who}, for good?", yes=yes)
    return _report(who, Queue().delete(_held_messages(_named(who))), "deleted", as_json=as_json)


def _named(who: str) -> str:
    if not who.strip():
        raise InputError("no account was named", "`queue held` shows whose mail is held")
    return who


def _report(who: str, idents: Sequence[str], word: str, *, as_json: bool) -> int:
    answer({"messages": list(idents)}, [f"{len(idents)} messages {word}"] if idents else [], as_json=as_json)
    if idents:
        return ExitCode.DONE
    click.echo(f"malleposte: {who}: no mail is held here under this name; `queue held` shows whose is", err=True)
    return ExitCode.FAILURE


@command.command("alarm", hidden=True)
@click.option("--deliver", required=True, metavar="DOMAIN", help="Domain under which a uid is delivered.")
@click.option("--smtp", default="127.0.0.1:25", metavar="HOST:PORT", help="Server that takes these mails.")
@click.option("--block", "blocks", is_flag=True, help="Block an account whose mail is held.")
def alarm_command(deliver: str, smtp: str, blocks: bool) -> None:
    """Report an account that the filter names on standard input (malleposte-outbound.socket).

    \b
    Example:
      systemctl status malleposte-outbound.socket
    """
    excess = outbound.Excess.parse(sys.stdin.readline(LINE))
    outbound.tell(excess, facts.read(), deliver, outbound.by_smtp(smtp), blocks=blocks)
    click.echo(f"{excess.account}: {excess.level}: {excess.sum} recipients in {excess.seconds} s: told")
