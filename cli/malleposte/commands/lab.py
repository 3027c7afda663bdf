"""``malleposte lab``: test hosts on this machine."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from malleposte.commands.accounts.options import YES, confirm
from malleposte.commands.options import INVENTORY_WORDS, answer
from malleposte.core import paths
from malleposte.core.paths import ENV_PREFIX
from malleposte.dev.lab import Bind, Lab, LabError, Twin
from malleposte.dev.lab.settings import ENV_NETWORK
from malleposte.dev.lab.twin import SUFFIXES


def _report(line: str) -> None:
    click.echo(line, err=True)


@click.group("lab", no_args_is_help=True)
@click.option("-i", "--inventory", **INVENTORY_WORDS)
@click.option("--prefix", envvar=ENV_PREFIX, help="Another lab beside the inventory's: names, network follow.")
@click.option("--network", envvar=ENV_NETWORK, help="Network of the lab, such as 10.213.90.0/24.")
@click.pass_context
def command(context: click.Context, inventory: str | None, prefix: str | None, network: str | None) -> None:
    """Manage real Debian hosts on this machine, for trials and tests.

    \b
    Examples:
      malleposte lab up                     make and boot the five hosts
      malleposte lab ssh mail1              enter one
      malleposte lab snapshot converged     keep their content
      malleposte lab restore converged      bring it back, in seconds
      malleposte lab down                   remove every trace
    """
    if context.resilient_parsing:
        return
    path = paths.inventory(inventory, secrets=False)
    context.obj = Lab.load(path, prefix=prefix or None, network=network or None, report=_report)


@command.command("up")
@click.argument("hosts", nargs=-1)
@click.pass_obj
def up(lab: Lab, hosts: tuple[str, ...]) -> None:
    """Make and boot HOSTS (all by default).

    Running hosts are left alone, missing ones made, half-made ones finished.

    \b
    Examples:
      malleposte lab up
      malleposte lab up world mail1
      malleposte lab --prefix trial up      a second lab on a network of its own
    """
    booted = lab.up(hosts)
    running = len(lab.hosts(hosts)) - len(booted)
    click.echo(f"lab {lab.settings.prefix}: {len(booted)} booted, {running} were running")
    click.echo(f"inventory: {lab.deploy_inventory}")


@command.command("down")
@click.option("--purge", is_flag=True, help="Also remove the base tree and the package files all labs share.")
@YES
@click.pass_obj
def down(lab: Lab, purge: bool, yes: bool) -> None:
    """Remove the lab: hosts and their content, network, keys.

    A lab that another checkout made is removed after a question, or with --yes.

    \b
    Examples:
      malleposte lab down
      malleposte lab -i fleet down --yes
      malleposte lab down --purge
    """
    if lab.other_maker:
        confirm(f"The lab {lab.settings.prefix} was made by {lab.other_maker}. Remove it?", yes=yes)
    for suffix in SUFFIXES:
        Twin(lab, suffix).remove()
    lab.down(purge=purge)
    click.echo(f"lab {lab.settings.prefix}: gone")


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(lab: Lab, as_json: bool) -> None:
    """Show every host. Exit code 1 unless all run and answer.

    \b
    Examples:
      malleposte lab status
      malleposte lab status --json
    """
    hosts = lab.status()
    facts = {
        "prefix": lab.settings.prefix,
        "network": str(lab.settings.network),
        "state": str(lab.settings.state),
        "inventory": str(lab.deploy_inventory),
        "hosts": [asdict(host) for host in hosts],
    }
    rows = [("HOST", "ADDRESS", "STATE", "SSH", "UPTIME", "SNAPSHOTS")]
    rows += [
        (host.name, host.address, host.state, "yes" if host.ssh else "no",
         f"{host.uptime:.0f} s" if host.uptime else "-", " ".join(host.snapshots) or "-")
        for host in hosts
    ]  # fmt: skip
    answer(facts, _table(rows), as_json=as_json, indent=2)
    sys.exit(0 if all(host.state == "running" and host.ssh for host in hosts) else 1)


@command.command("ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("host")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
@click.pass_obj
def ssh(lab: Lab, host: str, words: tuple[str, ...]) -> None:
    """Enter HOST as root, or run COMMAND there; the exit code is that of the command.

    \b
    Examples:
      malleposte lab ssh mail1
      malleposte lab ssh mail1 journalctl -u postfix -n 20
      malleposte lab ssh mail1 -- systemctl --failed
    """
    words = words[1:] if words[:1] == ("--",) else words
    argv = lab.ssh_command(host)
    if sys.stdin.isatty() and not words:
        argv.insert(1, "-t")
    if words:
        argv.append(words[0] if len(words) == 1 else shlex.join(words))
    os.execvp(argv[0], argv)  # noqa: S606 - ssh takes this process's place, without a shell


@command.command("start")
@click.argument("hosts", nargs=-1)
@click.option("--bind", "binds", multiple=True, metavar="SOURCE:TARGET",
              help="Show SOURCE of this machine as TARGET on the host; replaces earlier binds.")  # fmt: skip
@click.pass_obj
def start(lab: Lab, hosts: tuple[str, ...], binds: tuple[str, ...]) -> None:
    """Boot HOSTS (all by default) that were stopped or killed.

    \b
    Examples:
      malleposte lab start mail1
      malleposte lab start mail1 --bind /mnt/image:/srv/mail
    """
    _names("booted", lab.start(hosts, tuple(Bind.parse(text) for text in binds) or None))


@command.command("stop")
@click.argument("hosts", nargs=-1)
@click.pass_obj
def stop(lab: Lab, hosts: tuple[str, ...]) -> None:
    """Shut HOSTS down cleanly (all by default).

    \b
    Example:
      malleposte lab stop mail1
    """
    _names("stopped", lab.stop(hosts))


@command.command("kill")
@click.argument("hosts", nargs=-1, required=True)
@click.pass_obj
def kill(lab: Lab, hosts: tuple[str, ...]) -> None:
    """Kill every process of HOSTS at once, as a power loss would.

    \b
    Example:
      malleposte lab kill mail1 && malleposte lab start mail1
    """
    _names("killed", lab.kill(hosts))


@command.command("snapshot")
@click.argument("label", required=False)
@click.argument("hosts", nargs=-1)
@click.option("--list", "listing", is_flag=True, help="List the snapshots instead.")
@click.option("--delete", is_flag=True, help="Delete the snapshot LABEL instead.")
@click.option("--replace", is_flag=True, help="Take the place of an older snapshot LABEL.")
@click.pass_obj
def snapshot(lab: Lab, label: str | None, hosts: tuple[str, ...], listing: bool, delete: bool, replace: bool) -> None:
    """Keep the content of HOSTS (all by default) under LABEL; they stop and boot again.

    \b
    Examples:
      malleposte lab snapshot converged
      malleposte lab snapshot --list
      malleposte lab snapshot --delete converged
    """
    if listing:
        rows = [(name, " ".join(hosts)) for name, hosts in sorted(lab.snapshots().items())]
        click.echo("\n".join(_table([("SNAPSHOT", "HOSTS"), *rows])))
    elif label is None:
        raise click.UsageError("a LABEL is needed (or --list)")
    elif delete:
        lab.forget(label, hosts)
        click.echo(f"snapshot {label}: deleted")
    else:
        lab.snapshot(label, hosts, replace=replace)
        click.echo(f"snapshot {label}: taken")


@command.command("restore")
@click.argument("label")
@click.argument("hosts", nargs=-1)
@click.pass_obj
def restore(lab: Lab, label: str, hosts: tuple[str, ...]) -> None:
    """Return HOSTS (all by default) to the snapshot LABEL; later changes are lost.

    \b
    Examples:
      malleposte lab restore converged
      malleposte lab restore converged mail1
    """
    lab.restore(label, hosts)
    click.echo(f"snapshot {label}: restored")


@command.command("accounts")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def accounts(lab: Lab, as_json: bool) -> None:
    """Print the sample accounts and their passwords, which were drawn at random for this lab.

    \b
    Examples:
      malleposte lab accounts
      malleposte lab accounts --json
    """
    path = lab.deploy_inventory / "secrets" / "accounts.json"
    try:
        samples: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LabError(f"no sample account yet ({path} is absent): they come with malleposte up") from error
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: {error}") from error
    keys = ("password", "mail", "profile", "numen", "name")
    rows = [[uid, *(str(one.get(key, "")) for key in keys)] for uid, one in samples.items()]
    lines = _table([["LOGIN", "PASSWORD", "ADDRESS", "PROFILE", "NUMEN", "NAME"], *rows])
    answer(samples, lines, as_json=as_json, indent=2)


def _names(word: str, names: list[str]) -> None:
    click.echo(f"{word}: {' '.join(names) if names else 'none'}")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
