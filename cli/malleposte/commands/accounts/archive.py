"""`malleposte accounts export|archive|purge|nightly`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from malleposte.accounts import acts
from malleposte.accounts.acts import Result
from malleposte.accounts.disclosure.export import ACCOUNTD_JOURNAL, Exporter, Subject
from malleposte.accounts.life import nightly, removal
from malleposte.accounts.life.rules import demand_override
from malleposte.accounts.settings import Settings, one_writer
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import OVERRIDE, REASON, WHO, YES, confirm
from malleposte.commands.accounts.output import failed, tell
from malleposte.commands.away import HostCommand, run
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError
from malleposte.lists.members import uids_by_url


class ExportCommand(HostCommand):
    """Over ssh, the file comes through standard output and is written here."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        out, place = Path(str(ctx.params["out"])), self.place(ctx, inventory)
        if str(out) == "-":
            return run(place, words, content=b"", out=sys.stdout.buffer)
        part = out.with_name(f".{out.name}.part")
        try:
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise InputError(f"{out}: {error.strerror}") from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                code = run(place, [*words, "--out", "-"], content=b"", out=file)
            if code not in (ExitCode.DONE, ExitCode.PARTLY) or not part.stat().st_size:
                return code
            part.rename(out)
        finally:
            part.unlink(missing_ok=True)
        click.echo(
            f"{out}: all that is held about the account" + ("" if not code else ", less what is said above"), err=True
        )
        return code


@click.command("export", cls=ExportCommand)
@WHO
@click.option("--out", required=True, metavar="FILE", help="The ZIP file to write, mode 0600; - for standard output.")
@REASON
def export_command(who: str, out: str, reason: str) -> int:
    """Write an agent's personal data into one ZIP file (RGPD, right of access).

    It contains the account's attributes under French names, devices, mail, filters, agendas and contacts, settings
    of the webmails, and the operations on the account, without digests, keys, internal data and names of operators.
    Exit code 4 when a part could not be read; the file names it too.

    \b
    Example:
      sudo ./malleposte accounts export mdupond --out mdupond.zip --reason "request of 3 May"
    """
    with host(who) as (tools, _rules, settings, uid):
        entry = acts.entry(tools.directory, uid)
        exporter = Exporter(tools.hosts.files, (settings.journal, ACCOUNTD_JOURNAL))
        if out == "-":
            report = exporter.write(Subject.of(tools.directory, entry), sys.stdout.buffer)
        else:
            path = Path(out)
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                report = exporter.write(Subject.of(tools.directory, entry), file)
        tools.journal.write("export", uid, counts=report.counts, **({"note": reason} if reason else {}))
    click.echo(f"{uid}: " + ", ".join(f"{count} {kind}" for kind, count in report.counts.items()), err=True)
    return failed(uid, report.failures, "not exported")


@click.command("archive", cls=HostCommand)
@WHO
@OVERRIDE
@AS_JSON
def archive_command(who: str, override: str, as_json: bool) -> int:
    """Store an export of a suspended account on the host, mode 0600, in the folder of accounts_archive_folder.

    `accounts nightly` does it after accounts_archive_days; earlier needs a reason. It also removes the archive, when
    the account has been gone for accounts_archive_kept_days.

    \b
    Example:
      sudo ./malleposte accounts archive mdupond
      sudo ./malleposte accounts archive mdupond --override "retired, asked for by the family"
    """
    with host(who) as (tools, rules, settings, uid):
        account, moment = acts.entry(tools.directory, uid), now()
        note = removal.demand_age(account, moment, rules.archive_days, "archive it", override)
        path, report = removal.archive(tools, rules, (settings.journal,), account, moment, note)
    return tell(Result(True), uid, f"archived in {path}", as_json=as_json, file=str(path), counts=report.counts)


@click.command("purge", cls=HostCommand)
@WHO
@OVERRIDE
@YES
@AS_JSON
def purge_command(who: str, override: str, yes: bool, as_json: bool) -> int:
    """Remove a suspended account for good: entry, mail, filters, agendas, contacts, settings.

    A tombstone reserves its log-in and addresses for ever. Backups expire with age. `accounts nightly` removes archived
    accounts after accounts_purge_days; to do it earlier, give a reason, as a member of the DSI.

    \b
    Example:
      sudo ./malleposte accounts purge mdupond
      sudo ./malleposte accounts purge mdupond --override "test account" --yes --json
    """
    with one_writer(), host(who) as (tools, rules, _settings, uid):
        if override:
            demand_override(rules.override_group)
        account, moment = acts.entry(tools.directory, uid), now()
        note = removal.demand_age(account, moment, rules.purge_days, "remove it", override)
        state = "archived" if removal.archived(account) else "NOT archived"
        confirm(f"Remove {uid} ({state}) with all its mail?", yes=yes)
        done = removal.purge(tools, uid, moment, note, seen=account.attributes)
    return tell(Result(True), uid, "removed", as_json=as_json, lines=done.stores, stores=done.stores)


@click.command("nightly", cls=HostCommand)
@click.option(
    "--step", "steps", multiple=True, type=click.Choice(list(nightly.STEPS)), help="Only this; may be repeated."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@AS_JSON
def nightly_command(steps: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Run the nightly job: end blocks, warn of expiring passwords, archive and remove accounts of former agents.

    It also ends device passwords in time and archives after accounts_archive_kept_days, and makes the copies of their
    own data that agents asked for. A timer of the directory's host starts it. When a step fails, the others still run.

    \b
    Example:
      sudo ./malleposte accounts nightly --dry-run
      sudo ./malleposte accounts nightly --step lift --json
    """
    results = nightly.run(Settings.read(), now(), steps, dry=dry_run, by_rule=uids_by_url)
    rows = [{"step": one.step, "done": one.done, "failures": one.failures} for one in results]
    answer(rows, (f"{one.step:<14} {len(one.done)} {' '.join(one.done[:20])}" for one in results), as_json=as_json)
    for one in results:
        for failure in one.failures:
            click.echo(f"malleposte: {one.step}: {failure}", err=True)
    return ExitCode.FAILURE if any(one.failures for one in results) else ExitCode.DONE
