"""`malleposte accounts bulk`: one act on many accounts, with a plan first."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from malleposte.accounts import here, search
from malleposte.accounts.feed.table import MOST_BYTES
from malleposte.accounts.life.rules import demand_override
from malleposte.accounts.plan import bulk
from malleposte.accounts.plan import store as plans
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.feed import ALL, FORCE, carry_through, texts
from malleposte.commands.accounts.options import OVERRIDE, YES, confirm
from malleposte.commands.accounts.search import PROFILE, SCHOOL, STATE
from malleposte.commands.accounts.shared import emit, read_bytes
from malleposte.commands.away import HostCommand, run
from malleposte.commands.options import AS_JSON
from malleposte.core.errors import ExitCode, InputError
from malleposte.platform import profiles

LIST = "--from"


class ListCommand(HostCommand):
    """Over ssh, the list goes in by standard input."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        path = ctx.params["path"]
        if path is None:
            return super().away(ctx, inventory, words)
        if not ctx.params["yes"] and not ctx.params["dry_run"]:
            raise InputError("a list leaves no input for a confirmation", "add --yes, or --dry-run to see the plan")
        words = [f"{LIST}=-" if word.startswith(f"{LIST}=") else word for word in words]
        at = words.index(LIST) if LIST in words else None
        if at is not None:
            words[at + 1] = "-"
        return run(self.place(ctx, inventory), words, content=read_bytes(path, MOST_BYTES))


@click.command("bulk", cls=ListCommand)
@click.argument("act", type=click.Choice(bulk.NAMES))
@click.argument("new_class", metavar="[CLASS]", default="")
@click.option(LIST, "path", type=click.Path(path_type=Path), metavar="FILE", help="A log-in or address a line.")
@SCHOOL
@PROFILE
@STATE
@ALL
@FORCE
@OVERRIDE
@click.option("--dry-run", is_flag=True, help="Show the plan and keep it; change nothing.")
@YES
@AS_JSON
def bulk_command(
    act: str, new_class: str, path: Path | None, school: str, profile: str, state: str | None, whole_list: bool,
    forced: tuple[str, ...], override: str, dry_run: bool, yes: bool, as_json: bool,
) -> int:  # fmt: skip
    """Suspend, resume or remove many accounts, or give them another class: those of a file, or of a selection.

    Shows a plan and asks, as an import does; more changes than is usual need --force. Accounts that cannot be changed
    are listed with the reason (exit code 4). The plan has an id: accounts apply goes on after an interruption,
    accounts revert takes it back, except `purge`: that removes for good, as accounts purge does, those who have been
    suspended for accounts_purge_days and are archived; --override REASON the others.

    \b
    Example:
      sudo ./malleposte accounts bulk suspend --from leave.txt --dry-run
      sudo ./malleposte accounts bulk resume --school 0210001M --state suspended
      sudo ./malleposte accounts bulk profile CLASS --from pilots.txt --yes --json
      sudo ./malleposte accounts bulk purge --from gone.txt --dry-run
    """
    if (path is None) == (not any((school, profile, state))):
        raise InputError("no accounts are named, or twice", "give --from FILE, or a school, a class, a state")
    if (act == "profile") != bool(new_class):
        raise InputError("a class goes with `profile`, and with it alone", "accounts bulk profile CLASS …")
    if new_class and new_class not in profiles.read():
        raise InputError(f"no class {new_class}", f"the platform has {', '.join(profiles.read())}")
    if override and act != "purge":
        raise InputError("--override goes with `purge` alone", "accounts bulk purge --override REASON …")
    settings, now = Settings.read(), datetime.datetime.now(datetime.UTC)
    with settings.directory() as directory:
        if path is not None:
            chosen = bulk.listed(directory, read_bytes(path, MOST_BYTES))
        else:
            query = search.narrowed(state=state or "", school=school, profile=profile)
            chosen = bulk.selected(directory, query)
        title = " ".join(filter(None, (act, new_class, "of a list" if path else "of a selection")))
        rules = here.rules_of(settings)
        does = bulk.acts(now, new_class, days=rules.purge_days, override=override)[act]
        new_plan = bulk.plan(title, does, chosen, directory, settings.domain, now)
    ident = plans.keep(new_plan, now)
    if not as_json or dry_run:
        emit(new_plan.pieces() if as_json else texts(new_plan, settings, whole=whole_list))
    if dry_run:
        click.echo(f"to apply it: malleposte accounts apply {ident}", err=True)
        return ExitCode.PARTLY if new_plan.left_alone else ExitCode.DONE
    if override:
        demand_override(rules.override_group)
    if new_plan.changes:
        confirm(
            f"Remove {len(new_plan.changes)} accounts with all their mail?" if act == "purge" else "Apply?", yes=yes
        )
    return carry_through(ident, new_plan, f"apply {ident}", forced=forced, as_json=as_json)
