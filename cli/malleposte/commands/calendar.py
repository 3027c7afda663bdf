"""`malleposte calendar`: from the controller it runs itself on the host of the web; there, on the store."""

from __future__ import annotations

import datetime
import json
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from malleposte.adapters import systemd
from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.accounts.shared import read_bytes
from malleposte.commands.away import HostCommand, run
from malleposte.commands.options import AS_JSON, answer
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.groupware.published import content, fetch, model
from malleposte.groupware.published.model import Published
from malleposte.groupware.published.settings import Settings
from malleposte.groupware.published.store import ROOT, Store
from malleposte.lists import rule
from malleposte.platform.times import local

GATHER = "malleposte-calendars.service"
MALLEPOSTE = "/usr/bin/malleposte"
START_SECONDS = 300


class WebCommand(HostCommand):
    """One on the host of the web."""

    host_group = "web"


class PublishCommand(WebCommand):
    """One that takes a file of the controller along."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """A file is judged here as far as it can be, and sent; an address is read there."""
        asked = ctx.params
        _judged(asked["name"], asked["colour"], asked["words"])
        source, sent = asked["source"], b""
        if not fetch.is_address(source):
            sent = read_bytes(Path(source), content.MOST_BYTES)
            content.check(sent, source)
            source = "-"
        options = ["--name", asked["name"], "--colour", asked["colour"], "--rule", asked["words"]]
        flags = ["--json"] if asked["as_json"] else []
        return run(self.place(ctx, inventory), ["calendar", "publish", *options, *flags, "--", source], content=sent)


@click.group("calendar")
def command() -> None:
    """Publish calendars to agents, list or withdraw them.

    A published calendar is read by all agents, or by those of a rule, in SOGo and on devices, and
    changed by nobody.
    Any other program subscribes to its address. On the controller these commands run over ssh on the host of the web.

    \b
    Example:
      sudo ./malleposte calendar publish https://calendrier.ministere.test/zone-a.ics --name "Vacances, zone A"
      sudo ./malleposte calendar publish examens.ics --name "Examens 2027" --rule 'departement=21' --colour "#b34000"
      sudo ./malleposte calendar list
      sudo ./malleposte calendar withdraw examens-2027
    """


@command.command("publish", cls=PublishCommand)
@click.argument("source", metavar="FILE|URL")
@click.option("--name", required=True, help="Its name for agents. The same name again replaces what it holds.")
@click.option("--rule", "words", default="", help="The agents who see it, as rules of lists say it. [default: all]")
@click.option("--colour", default=model.COLOUR, show_default=True, metavar="#RRGGBB", help="Its colour.")
@AS_JSON
def publish_command(source: str, name: str, words: str, colour: str, as_json: bool) -> None:
    """Publish an iCalendar file, or the file behind an address, which is then read again every three hours.

    \b
    Example:
      sudo ./malleposte calendar publish https://calendrier.ministere.test/zone-a.ics --name "Vacances, zone A"
      sudo ./malleposte calendar publish conseils.ics --name "Conseils de classe" --rule 'uai=9990001X'
      sudo ./malleposte calendar publish prefas.ics --name "Chefs de l'Yonne" \\
        --rule 'fonction=Principal,Proviseur departement=89' --colour "#18753c"
    """
    settings, store = Settings.read(), Store()
    one = _judged(name, colour, words, settings.base)
    raw = _fetched(fetch.checked(source)) if fetch.is_address(source) else read_bytes(Path(source), content.MOST_BYTES)
    checked = content.check(raw, name if source == "-" else source)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with store.locked():
        before = store.find(one.ident)
        _free(before)
        one = replace(
            one, source=fetch.checked(source) if fetch.is_address(source) else "", published=now, fetched=now,
            token=before.token if before else secrets.token_hex(16),
        )  # fmt: skip
        store.put(one, content.whole(checked.items, one.name))
    _show(settings, "is kept")
    _tell(settings, store, [one], as_json=as_json)


@command.command("list", cls=WebCommand)
@AS_JSON
def list_command(as_json: bool) -> None:
    """List the published calendars: for whom, from where, with which address.

    \b
    Example:
      sudo ./malleposte calendar list
      sudo ./malleposte calendar list --json
    """
    settings, store = Settings.read(), Store()
    _tell(settings, store, store.every(), as_json=as_json)


@command.command("withdraw", cls=WebCommand)
@click.argument("ident", metavar="CALENDAR")
@YES
@AS_JSON
def withdraw_command(ident: str, yes: bool, as_json: bool) -> None:
    """Withdraw a calendar: agents and subscribers see it no more. Its file is kept under a dated name.

    \b
    Example:
      sudo ./malleposte calendar withdraw examens-2027
    """
    settings, store = Settings.read(), Store()
    one = store.find(model.checked_ident(ident))
    _free(one)
    if one is not None:
        confirm(f"Withdraw {one.name!r} from {one.rule or 'all agents'}?", yes=yes)
    with store.locked():
        one = store.withdraw(ident, datetime.datetime.now(datetime.UTC))
    _show(settings, "is withdrawn from the store")
    line = f"{one.ident}: withdrawn; its file is kept in {ROOT / 'withdrawn'}"
    answer({"withdrawn": one.ident}, [line], as_json=as_json)


def _judged(name: str, colour: str, words: str, suffix: str = "") -> Published:
    """An entry of what was typed; on the controller, which knows no suffix, for its faults alone. Raises InputError."""
    url = rule.to_url(rule.parse(words), suffix) if words else ""
    return Published(model.ident(name), name.strip(), model.colour(colour), words, url)


def _free(one: Published | None) -> None:
    """Raises InputError for a calendar of the inventory."""
    if one is not None and one.fixed:
        raise InputError(
            f"{one.ident} is the calendar of the inventory's malleposte_school_holidays",
            "change that fact, then `malleposte deploy`; or give another name",
        )


def _fetched(url: str) -> bytes:
    """The file behind an address, read by a process of the store's user. Raises InputError or MallepostError."""
    user = ROOT.owner()
    done = subprocess.run(
        [MALLEPOSTE, "run", "calendars", "fetch", url], user=user, group=ROOT.group(), extra_groups=[], cwd="/",
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=fetch.SECONDS * 3,
    )  # fmt: skip
    if done.returncode:
        kind = InputError if done.returncode == ExitCode.BAD_INPUT else MallepostError
        raise kind(" ".join(done.stderr.decode("utf-8", "replace").split())[-500:] or f"{url} cannot be read")
    return done.stdout


def _show(settings: Settings, done: str) -> None:
    """Have the jobs bring the engines to the store, now. Raises MallepostError where one fails."""
    for unit in (GATHER, *settings.units):
        try:
            systemd.run_job(unit, START_SECONDS)
        except MallepostError as error:
            raise MallepostError(f"it {done}, but {error}; the timer tries again", error.hint) from error


def _tell(settings: Settings, store: Store, listed: Sequence[Published], *, as_json: bool) -> None:
    shown = {one.ident: one.members for one in store.shown()}
    rows: list[dict[str, Any]] = []
    for one in listed:
        members = shown.get(one.ident)
        row = {name: value for name, value in one.as_dict().items() if name not in ("token", "url")}
        rows.append(
            row | {"agents": None if members is None else len(members), "address": f"{settings.address}/{one.file}"}
        )
    if as_json:
        click.echo(json.dumps({"calendars": rows}, ensure_ascii=False))
        return
    for row in rows:
        whom = f"{row['agents']} agents ({row['rule']})" if row["rule"] else "all agents"
        click.echo(f"{row['ident']}  {row['name']}  {whom}")
        click.echo(f"    address: {row['address']}")
        if row["fixed"]:
            click.echo("    from:    the inventory (malleposte_school_holidays)")
        if row["source"]:
            click.echo(f"    source:  {row['source']}, last good content {local(str(row['fetched']))}")
        if row["error"]:
            click.echo(f"    fault:   {row['error']}")
    click.echo(f"{len(rows)} calendar(s)", err=True)
