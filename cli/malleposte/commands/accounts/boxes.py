"""`malleposte accounts box …`: functional boxes, who opens them, who manages them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import click

from malleposte.accounts import boxes, here
from malleposte.accounts.acts import Tools, make
from malleposte.accounts.current import Current
from malleposte.accounts.doors import close_all, forget_all
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.shared import AS_JSON, HostCommand
from malleposte.directory.model import FunctionalBox
from malleposte.directory.protocol import Entry
from malleposte.errors import ExitCode

LISTING = Path("/etc/systemd/system/malleposte-boxes.service")
"""The unit that tells Dovecot which boxes are shared at all, where the store is on this host."""


@click.group("box")
def box_group() -> None:
    """Functional boxes, such as ce.<UAI>@: opened by delegation, never by a shared password.

    \b
    Example:
      sudo ./malleposte accounts box delegate ce.9990001x mdupond
      sudo ./malleposte accounts box show ce.9990001x
    """


def relisted() -> None:
    """Have Dovecot's list of shared boxes renewed now, rather than at the next half minute."""
    if LISTING.exists():
        words = ["systemctl", "restart", LISTING.name]
        subprocess.run(words, check=False, stdin=subprocess.DEVNULL)


def shut(tools: Tools, uids: Iterable[str], *, sessions: bool) -> int:
    """Make a change of rights hold at once: what is remembered is forgotten, and sessions end where a right ended."""
    act = close_all if sessions else forget_all
    failures = [failure for uid in uids for failure in act(tools.doors, uid)]
    for failure in failures:
        click.echo(f"warning: {failure}: there it holds in five minutes", err=True)
    return ExitCode.FAILURE if failures else ExitCode.DONE


@box_group.command("create", cls=HostCommand)
@click.argument("local")
@click.option("--name", required=True, help="Its name in address books.")
@click.option("--uai", multiple=True, help="UAI code of its school; may be repeated.")
@click.option("--delegate", "delegates", multiple=True, metavar="UID", help="Who opens it; may be repeated.")
@click.option("--manager", "managers", multiple=True, metavar="UID", help="Who says who opens it; may be repeated.")
@click.option("--quota", type=click.IntRange(1, 9_999_999), metavar="MB", help="Its size.")
def create_command(
    local: str, name: str, uai: tuple[str, ...], delegates: tuple[str, ...], managers: tuple[str, ...],
    quota: int | None,
) -> int:  # fmt: skip
    """Make a box LOCAL@<domain>. Boxes ce.<UAI>@ come with the schools' feed.

    \b
    Example:
      sudo ./malleposte accounts box create vie-scolaire.9990001x --name 'Vie scolaire' --delegate abenali-morel
    """
    settings = Settings.read()
    with here.tools(settings) as tools:
        directory = tools.directory
        people = {one.attributes["uid"][0]: one for one in (boxes.person(directory, uid) for uid in delegates)}
        heads = [boxes.person(directory, uid).attributes["uid"][0] for uid in managers]
        box = FunctionalBox(
            uid=local.lower(),
            name=name,
            mail=f"{local.lower()}@{settings.domain}",
            delegates=tuple(people),
            establishments=tuple(code.upper() for code in uai),
            quota_mb=quota,
        )
        made = boxes.create(box, people, Current(directory).names(), directory.suffix, managers=heads)
        make(directory, tools.journal, made)
        relisted()
        return shut(tools, people, sessions=False)


@box_group.command("show", cls=HostCommand)
@click.argument("box")
@AS_JSON
def show_command(box: str, as_json: bool) -> None:
    """A box by uid, address or UAI code.

    \b
    Example:
      sudo ./malleposte accounts box show 9990001X
    """
    settings = Settings.read()
    with settings.directory() as directory:
        entry = boxes.find(directory, box)
    if as_json:
        click.echo(json.dumps(_row(entry), ensure_ascii=False))
        return
    for name, value in _row(entry).items():
        click.echo(f"{name:<10} {', '.join(value) if isinstance(value, list) else value or '—'}")


@box_group.command("list", cls=HostCommand)
@click.option("--orphans", is_flag=True, help="Only those that nobody opens.")
@AS_JSON
def list_command(orphans: bool, as_json: bool) -> None:
    """All boxes.

    \b
    Example:
      sudo ./malleposte accounts box list --orphans
    """
    settings = Settings.read()
    with settings.directory() as directory:
        found = [_row(entry) for entry in directory.search("functional", boxes.BOX)]
    rows = sorted((row for row in found if not orphans or not row["delegates"]), key=lambda row: str(row["uid"]))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['uid']:<24} {len(row['delegates']):>3}  {row['name']}")


def _row(entry: Entry) -> dict[str, str | list[str]]:
    held = entry.attributes
    one = {key: (held.get(name) or [""])[0] for key, name in (("uid", "uid"), ("name", "cn"), ("mail", "mail"))}
    rest = {"state": (held.get("mpState") or [""])[0], "quota_mb": (held.get("mpQuota") or [""])[0]}
    many = {"schools": "mpEstablishment", "delegates": "mpDelegate", "managers": "mpManager"}
    return {**one, **rest, **{key: sorted(held.get(name, [])) for key, name in many.items()}}


@box_group.command("delegate", cls=HostCommand)
@click.argument("box")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
def delegate_command(box: str, uids: tuple[str, ...]) -> int:
    """Let agents open a box and send as it, from their next log-in on.

    \b
    Example:
      sudo ./malleposte accounts box delegate ce.9990001x mdupond abenali-morel
    """
    with here.tools(Settings.read()) as tools:
        members = boxes.gather(tools.directory, box, uids)
        make(tools.directory, tools.journal, boxes.delegate(members))
        relisted()
        return shut(tools, members.people, sessions=False)


@box_group.command("undelegate", cls=HostCommand)
@click.argument("box")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
def undelegate_command(box: str, uids: tuple[str, ...]) -> int:
    """Take a box away from agents, at once: their sessions end.

    \b
    Example:
      sudo ./malleposte accounts box undelegate ce.9990001x mdupond
    """
    with here.tools(Settings.read()) as tools:
        members = boxes.gather(tools.directory, box, uids, gone=True)
        make(tools.directory, tools.journal, boxes.undelegate(members))
        return shut(tools, members.people, sessions=True)


@box_group.command("manager", cls=HostCommand)
@click.argument("box")
@click.argument("uids", nargs=-1, required=True, metavar="UID...")
@click.option("--remove", is_flag=True, help="Take it away from them.")
def manager_command(box: str, uids: tuple[str, ...], remove: bool) -> None:
    """Make agents the managers of a box: they say who opens it.

    \b
    Example:
      sudo ./malleposte accounts box manager ce.9990001x elefevre
    """
    with here.tools(Settings.read()) as tools:
        members = boxes.gather(tools.directory, box, uids, gone=remove)
        make(tools.directory, tools.journal, boxes.managers(members, remove=remove))


@box_group.command("mirror", cls=HostCommand)
def mirror_command() -> int:
    """Make both sides of every delegation agree, by the boxes' word, after the directory was written by other hands.

    \b
    Example:
      sudo ./malleposte accounts box mirror
    """
    with here.tools(Settings.read()) as tools:
        made = boxes.mirror(tools.directory)
        make(tools.directory, tools.journal, made)
        relisted()
        click.echo(f"{len(made)} agents changed")
        return shut(tools, [change.uid for change in made], sessions=True)
