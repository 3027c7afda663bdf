"""`malleposte accounts undelete`."""

from __future__ import annotations

from dataclasses import asdict

import click

from malleposte.accounts.mailbox.deleted import Wanted
from malleposte.commands.accounts.context import host
from malleposte.commands.accounts.options import REASON, WHO
from malleposte.commands.away import HostCommand
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import InputError


@click.command("undelete", cls=HostCommand)
@WHO
@click.argument("messages", nargs=-1, metavar="[FOLDER:NUMBER]...")
@click.option("--from", "sender", default="", metavar="TEXT", help="A part of the sender.")
@click.option("--subject", default="", metavar="TEXT", help="A part of the subject.")
@click.option("--days", type=click.IntRange(min=1), default=None, help="Deleted since so many days.")
@click.option("--all", "everything", is_flag=True, help="Bring back all that the search finds.")
@REASON
@AS_JSON
def undelete_command(
    who: str, messages: tuple[str, ...], sender: str, subject: str, days: int | None, everything: bool, reason: str,
    as_json: bool,
) -> None:  # fmt: skip
    """List the messages that an agent deleted for good, and bring them back.

    Deleted messages are kept for the days of malleposte_undelete_days and count against no quota. Each comes back to
    its folder; those deleted in the trash or in junk come to the inbox. The agent finds the same in the webmail's
    settings.

    \b
    Example:
      sudo ./malleposte accounts undelete mdupond --from inspection --days 7
      sudo ./malleposte accounts undelete mdupond Projets:12 INBOX:3
      sudo ./malleposte accounts undelete mdupond --subject "conseil de classe" --all --json
    """
    if messages and (sender or subject or days or everything):
        raise InputError("messages and a search were given", "give one or the other")
    with host(who) as (tools, _rules, _settings, uid):
        query = Wanted(sender, subject, days or 0)
        deleted = [] if messages else tools.hosts.deleted(uid, query)
        chosen = list(messages) or ([one.ident for one in deleted] if everything else [])
        restored = tools.hosts.undelete(uid, chosen) if chosen else {}
        if restored:
            tools.journal.write("undelete", uid, folders=restored, **({"note": reason} if reason else {}))
    if chosen:
        lines = [f"{uid}: {count} brought back to {folder}" for folder, count in restored.items()]
    else:
        lines = [f"{one.ident:<20} {one.deleted:<20} {one.sender[:40]:<40} {one.subject}" for one in deleted]
    if not deleted and not messages:
        lines.append(f"{uid}: no such message was deleted")
    shown = {"messages": [asdict(one) for one in deleted]} if not chosen else {"restored": restored}
    answer({"uid": uid, **shown}, lines, as_json=as_json)
