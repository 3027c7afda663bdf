"""`malleposte accounts end-sessions`: works without the directory, on each host that holds sessions."""

from __future__ import annotations

import syslog
from pathlib import Path

import click

from malleposte.accounts import facts
from malleposte.accounts.actor import actor
from malleposte.accounts.channels import checked, close_all
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.settings import HostSettings
from malleposte.adapters import log_outs
from malleposte.commands.accounts.output import failed
from malleposte.commands.away import EachHostCommand
from malleposte.commands.options import AS_JSON, answer


class SessionsCommand(EachHostCommand):
    """One on every host that holds sessions; the log-in page first: a webmail asks it for another session at once."""

    host_group = ("portal", "mail", "web")
    asks_host = "This host only (repeatable)."

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """Say at the end what is still to do."""
        code = super().away(ctx, inventory, words)
        uid = ctx.params["uid"]
        click.echo(f"malleposte: {uid}: its password is still good: malleposte accounts block {uid} once the directory "
                   "answers", err=True)  # fmt: skip
        return code


@click.command("end-sessions", cls=SessionsCommand)
@click.argument("uid", metavar="LOG-IN")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@AS_JSON
def end_sessions_command(uid: str, names: tuple[str, ...], as_json: bool) -> int:
    """End every session of a compromised account while the directory does not answer.

    Each host that holds sessions ends them by itself and forgets the passwords that it remembers. LOG-IN is the
    account's own (uid), NAMES its addresses and other log-ins: without the directory, hosts know the log-in and its
    address alone. The log-in page tells the portal and both webmails; one that gives no answer is named (exit code 4),
    and its sessions end within five minutes. The password stays good for services that need no directory; accounts
    block makes it invalid once the directory answers.

    \b
    Example:
      sudo ./malleposte accounts end-sessions mdupond marie.dupond@ac-exemple.test
      sudo ./malleposte accounts end-sessions mdupond --host mail1 --json
    """
    checked(uid)
    every = [uid, f"{uid}@{facts.read()['domain']}", *(name.lower() for name in names)]
    channels = LocalHost(HostSettings.read().rules()).channels(lambda _uid: every, log_outs.tell)
    failures = close_all(channels, uid)
    ended = [one.name for one in channels if one.name not in {failure.channel for failure in failures}]
    syslog.syslog(syslog.LOG_NOTICE, f"end-sessions: account={uid}, ended={','.join(ended)}, by={actor()}")
    document = {"uid": uid, "ended": ended, "failures": list(map(str, failures))}
    line = f"{uid}: sessions ended: {', '.join(ended)}" if ended else f"{uid}: no sessions ended here"
    answer(document, [line], as_json=as_json)
    return failed(uid, failures)
