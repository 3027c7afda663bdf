"""`malleposte backup`: on the controller it runs itself on the hosts; on a host it works on that host's backups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from malleposte.backup.archive import archives, config
from malleposte.backup.archive import run as running
from malleposte.backup.archive.state import State, only_one
from malleposte.backup.vault import check as checking
from malleposte.commands.backup_kept import command as kept_command
from malleposte.commands.backup_options import BackedUpCommand, Moment, when
from malleposte.commands.backup_restore import command as restore_command
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.core.progress import Progress
from malleposte.platform.times import local


@click.group("backup")
def command() -> None:
    """Back up hosts to the vaults (backup servers), list, check and restore.

    On the controller, these commands run over ssh on the hosts; on a host they work on its own backups.

    \b
    Example:
      sudo ./malleposte backup run
      sudo ./malleposte backup list
      sudo ./malleposte backup list --host mail1 --vault vault2 --source system
    """


@command.command("run", cls=BackedUpCommand)
@click.option("--vault", "vaults", multiple=True, metavar="NAME", help="To this vault only (repeatable).")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="This source only (repeatable).")
@click.option("--fresh-cache", is_flag=True, help="Discard borg's cache of the vaults, as after `vault undo`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; progress goes to standard error.")
def run_command(
    vaults: tuple[str, ...],
    sources: tuple[str, ...],
    fresh_cache: bool,
    as_json: bool,
) -> int:
    """Make an archive of every source on every vault, now.

    The nightly timer does the same. When a vault does not answer, the others are still used; the command then
    fails and names it.

    \b
    Example:
      sudo ./malleposte backup run
      sudo ./malleposte backup run --host mail1 --vault vault2 --source ldap
    """
    settings = config.read()
    targets = archives.vaults(settings, vaults)
    with only_one(settings.state):
        if fresh_cache:
            running.forget(targets)
        state = State(settings.state)
        chosen = running.chosen(settings, sources, before=state.names())
        outcomes = running.Run(settings, state, Progress().say).all(targets, chosen)
        if not sources:
            state.keep([vault.name for vault in targets], [archives.MADE, *(one.name for one in chosen)])
    lost = running.failures(outcomes)
    document = {"ok": not lost, "errors": lost, "sources": [vars(one) for one in outcomes]}
    answer(document, (), as_json=as_json, indent=2)
    return _name_failures(lost, as_json=as_json)


def _name_failures(lost: Sequence[str], *, as_json: bool) -> int:
    """Name what failed, which a JSON document has already; 1 when there is something."""
    for line in () if as_json else lost:
        click.echo(line, err=True)
    return ExitCode.FAILURE if lost else ExitCode.DONE


@command.command("list", cls=BackedUpCommand)
@click.option("--vault", "vaults", multiple=True, metavar="NAME", help="This vault only (repeatable).")
@click.option("--source", metavar="NAME", help="Ask the vaults for all archives of this source, such as system.")
@click.option("--as-of", "as_of", metavar="DATE", callback=when, help="With --source: archives of that date or before.")
@AS_JSON
def list_command(
    vaults: tuple[str, ...],
    source: str | None,
    as_of: Moment | None,
    as_json: bool,
) -> None:
    """Show the last archive of each source, or all archives of one.

    \b
    Example:
      sudo ./malleposte backup list
      sudo ./malleposte backup list --host mail1 --source ldap --as-of 2026-03-14
    """
    settings = config.read()
    targets = archives.vaults(settings, vaults)
    if source:
        if as_of:
            click.echo(f"as of {as_of}", err=True)
        listed = [one for vault in targets for one in vault.archives(source, as_of.at if as_of else None)]
        rows = [{**vars(one), "start": one.start.isoformat()} for one in listed]
        table = [f"{one.vault:<10} {local(one.start)}  {one.name}" for one in listed]
        click.echo(json.dumps({"archives": rows}, indent=2) if as_json else "\n".join(table))
        return
    state = State(settings.state).read()["vaults"]
    shown = {vault.name: state.get(vault.name, {"sources": {}}) for vault in targets}
    click.echo(json.dumps({"vaults": shown}, indent=2) if as_json else "\n".join(last_lines(shown)))


@command.command("keys", cls=BackedUpCommand)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with the keys.")
def keys_command(as_json: bool) -> None:
    """Show the repositories that have a key; with --json, print the keys for `secrets export`.

    A key opens nothing without its repository's passphrase.

    \b
    Example:
      sudo ./malleposte backup keys
    """
    settings = config.read()
    pairs = [(vault, name) for vault in archives.vaults(settings) for name in vault.repositories]
    with ThreadPoolExecutor(settings.parallel) as pool:
        fetched = list(pool.map(lambda pair: pair[0].key(pair[1]), pairs))
    keys = [(vault.name, name, key) for (vault, name), key in zip(pairs, fetched, strict=True) if key]
    rows = [{"vault": vault, "repository": name, "key": key} for vault, name, key in keys]
    answer({"keys": rows}, (f"{vault:<10} {name}" for vault, name, _ in keys), as_json=as_json, indent=2)


def last_lines(vaults: Mapping[str, Any]) -> list[str]:
    """The table of the last archives: a line a vault and source."""
    lines = []
    for vault, of_vault in vaults.items():
        sources = of_vault.get("sources", {})
        if not sources:
            lines.append(f"{vault:<10} no archive yet")
        for name, entry in sources.items():
            last, attempt = entry.get("success"), entry["attempt"]
            if attempt["state"] == "empty" and not last:
                continue
            text = "never"
            if last:
                text = f"{local(last['start'])} {last['files']:>9} files {running.size(last['bytes']):>10}"
            if attempt["state"] == "error":
                text += f"  FAILED {local(attempt['end'])}: {attempt['error']}"
            lines.append(f"{vault:<10} {name:<24} {text}")
        checked = of_vault.get("checked")
        if checked:
            lines.append(f"{vault:<10} checked {local(checked['end'])}: {'sound' if checked['ok'] else 'FAULTS'}")
    return lines


@command.command("check", cls=BackedUpCommand)
@click.option("--vault", "vaults", multiple=True, metavar="NAME", help="This vault only (repeatable).")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="This source only (repeatable).")
@click.option("--limit", default=checking.LIMIT, show_default=True, help="Seconds at most for one repository.")
@AS_JSON
def check_command(
    vaults: tuple[str, ...],
    sources: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> int:
    """Check the vaults with the key, and compare a restored sample with the disk.

    \b
    Example:
      sudo ./malleposte backup check
      sudo ./malleposte backup check --host mail1 --vault vault1 --source system
    """
    settings = config.read()
    state = State(settings.state)
    reports = []
    with only_one(settings.state):
        chosen = running.chosen(settings, sources)
        for vault in archives.vaults(settings, vaults):
            begun = running.now()
            archived = [one for one in chosen if state.has_archive(vault.name, one.name)]
            if not archived:
                raise MallepostError(f"{vault.name} holds nothing of this host yet", "type: malleposte backup run")
            report = checking.check(vault, archived, limit)
            end = running.now().isoformat()
            state.checked(vault.name, {"start": begun.isoformat(), "end": end, "ok": not report.errors})
            reports.append(report)
    lost = [line for report in reports for line in report.errors]
    lines = (
        f"{one.vault}: {len(one.findings)} checked, {sum(each.compared for each in one.findings)} files compared, "
        f"{len(one.errors)} faults"
        for one in reports
    )
    answer({"ok": not lost, "vaults": [one.as_dict() for one in reports]}, lines, as_json=as_json, indent=2)
    return _name_failures(lost, as_json=as_json)


command.add_command(restore_command)
command.add_command(kept_command)
