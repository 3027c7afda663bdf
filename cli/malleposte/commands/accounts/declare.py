"""`malleposte accounts declare`: one account as a JSON document says, for the Ansible module and for scripts."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import click

from malleposte.accounts import acts
from malleposte.accounts.acts import Result, Tools
from malleposte.accounts.channels import forget_all
from malleposte.accounts.life.base import ASKED
from malleposte.accounts.plan import declare
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.settings import one_writer
from malleposte.accounts.used_names import UsedNames
from malleposte.commands.accounts.context import host, now
from malleposte.commands.accounts.options import REASON
from malleposte.commands.away import TypedCommand
from malleposte.core.errors import ExitCode, InputError
from malleposte.directory.model import first
from malleposte.platform import profiles

MOST = 1 << 20


def document() -> object:
    """The document on standard input. Raises InputError."""
    try:
        return json.loads(sys.stdin.buffer.read(MOST))
    except (ValueError, RecursionError) as error:
        raise InputError(f"standard input holds no JSON ({error})") from error


def done(tools: Tools, todo: list[Change], reason: str) -> Result:
    """Make the changes by the acts, so that they hold at once."""
    result = Result()
    for change in todo:
        if change.kind == Kind.SUSPEND:
            outcome = acts.suspend(tools, change.uid, now(), note=reason)
        elif change.kind == Kind.RESUME:
            outcome = acts.resume(tools, change.uid, now(), note=reason)
        elif change.kind == Kind.PROFILE:
            outcome = acts.set_class(tools, change.uid, change.after["mpProfile"][0], note=reason)
        else:
            outcome = Result(acts.make(tools.directory, tools.journal, [change], reason))
        result.changed = result.changed or outcome.changed
        result.failures += outcome.failures
    if result.changed and not result.failures and todo[0].kind != Kind.CREATE:
        result.failures += forget_all(tools.channels, todo[0].uid)
    return result


@click.command("declare", cls=TypedCommand)
@click.option("--check", is_flag=True, help="Show what would change; change nothing.")
@REASON
def declare_command(check: bool, reason: str) -> int:
    """Apply the declaration of an account, a JSON document on standard input; print the changes as JSON.

    The document holds `uid`, `state` (present, suspended or absent) and any of given_name, surname, mail, profile,
    schools, quota_mb (0: that of the class), corps, discipline, function, hidden, recovery_mail, recovery_phone, and
    numen for a new account. Other attributes are unchanged. The Ansible module academie.malleposte.account runs
    this.

    \b
    Example:
      echo '{"uid": "mdupond", "surname": "Dupond", "given_name": "Marie"}' | sudo ./malleposte accounts declare
      sudo ./malleposte accounts declare --check < compte.json
    """
    declared = declare.Declared.parse(document())
    with contextlib.nullcontext() if check else one_writer(), host() as (tools, _rules, settings, _uid):
        account = next(iter(tools.directory.search("people", ASKED, {"uid": declared.uid})), None)
        keys, classes = settings.keys(), profiles.read()
        house = declare.House(
            suffix=tools.directory.suffix,
            domain=settings.domain,
            profiles=sorted(classes),
            default_profile=classes.default,
            taken=UsedNames(tools.directory),
            numen_digest=lambda numen: keys.digest("numen", numen),
        )
        todo = declare.changes(declared, account, house, now())
        result = Result(bool(todo)) if check else done(tools, todo, reason)
        report: dict[str, Any] = {"uid": declared.uid, "changed": result.changed, **declare.difference(todo)}
        if check:
            mail = next((change.after["mail"][0] for change in todo if "mail" in change.after), "")
        else:
            account = next(iter(tools.directory.search("people", ASKED, {"uid": declared.uid})), None)
            mail = first(account.attributes, "mail") if account else ""
    click.echo(json.dumps(report | {"mail": mail, "failures": list(map(str, result.failures))}, ensure_ascii=False))
    return ExitCode.FAILURE if result.failures else ExitCode.DONE
