"""`malleposte password`: what the platform's policy says of a password, without setting any."""

from __future__ import annotations

import getpass
import os
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import click

from malleposte.accounts import facts
from malleposte.commands.options import AS_JSON, INVENTORY, answer
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError
from malleposte.fleet import remote
from malleposte.policy import project, rules
from malleposte.policy.model import Policy, PolicyError

MOST = 1_000_000  # bytes that are read at all
LANGUAGES = ("fr", "en")
LANGUAGE = click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the answer (default: locale).")


def policy_of(inventory: str | None) -> Policy:
    """The platform's: of this host's facts, on the controller of the inventory's. Raises InputError."""
    if paths.HOSTED:
        return facts.policy()
    where, values = _declared(inventory)
    try:
        return Policy.from_mapping(values)
    except PolicyError as error:
        raise InputError(f"{where}: {error}") from error


def _declared(inventory: str | None) -> tuple[str, Mapping[str, Any]]:
    from malleposte.platform import facts as declared  # a host has none

    path = paths.inventory(inventory, secrets=False)
    listed = remote.listing(path)
    for host in remote.members(listed, "malleposte"):
        value = listed["_meta"]["hostvars"].get(host, {}).get("malleposte_password_policy")
        policy = declared.resolved("malleposte_password_policy", value)
        if isinstance(policy, Mapping):
            return f"{path}: malleposte_password_policy", policy
    raise InputError(f"inventory {path}: no host in the group malleposte with a malleposte_password_policy")


def read_password() -> str:
    """From standard input to its end; from a terminal without echo. Raises InputError.

    One line end at the end is not part of it. What is no UTF-8 stays what it is: a character that the policy refuses.
    """
    if sys.stdin.isatty():
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass("Password: ")
            except (getpass.GetPassWarning, EOFError) as error:
                raise InputError("this terminal would show the password", "give it on standard input") from error
    raw = sys.stdin.buffer.read(MOST + 1)
    if len(raw) > MOST:
        raise InputError(f"standard input holds more than {MOST} bytes: no password")
    for end in (b"\r\n", b"\n"):
        if raw.endswith(end):
            raw = raw[: -len(end)]
            break
    return raw.decode("utf-8", "surrogateescape")


def language_of(typed: str | None) -> str:
    """The one asked for, else French where the locale is, else English."""
    if typed:
        return typed
    name = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "fr" if name.lower().startswith("fr") else "en"


@click.group("password")
def command() -> None:
    """Show the password policy, or check a password against it.

    \b
    Example:
      sudo ./malleposte password check --lang fr < password.txt
      sudo ./malleposte password rules -i inventories/standalone
    """


@command.command("check")
@INVENTORY
@click.option("--user", metavar="UID", default="", help="The log-in of the account.")
@click.option("--name", "names", metavar="NAME", multiple=True, help="A first name or a surname (repeatable).")
@click.option("--address", "addresses", metavar="MAIL", multiple=True, help="A mail address (repeatable).")
@LANGUAGE
@AS_JSON
def check_command(
    inventory: str | None, user: str, names: tuple[str, ...], addresses: tuple[str, ...], lang: str | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Check the password on standard input and name every broken rule. Nothing is set or stored.

    A password is never an argument: others on the host would see it. On a terminal it is asked without echo. Only the
    account's own history is unknown here. Exit codes: 0 accepted, 1 refused.

    \b
    Example:
      sudo ./malleposte password check < password.txt
      sudo ./malleposte password check --user jdupont --name Jean --name Dupont --lang fr --json < password.txt
    """
    policy = policy_of(inventory)
    violations = rules.check(read_password(), rules.Context(user, names=names, addresses=addresses), policy)
    language = language_of(lang)
    rows = [{"code": one.code, "message": one.message(language)} for one in violations]
    lines = [one["message"] for one in rows] or ["Accepté." if language == "fr" else "Accepted."]
    answer({"accepted": not violations, "violations": rows}, lines, as_json=as_json)
    return ExitCode.FAILURE if violations else ExitCode.DONE


@command.command("rules")
@INVENTORY
@LANGUAGE
@AS_JSON
def rules_command(inventory: str | None, lang: str | None, as_json: bool) -> None:
    """Print the policy in sentences, as agents read it.

    \b
    Example:
      sudo ./malleposte password rules --lang fr
    """
    sentences = list(project.sentences(policy_of(inventory), language_of(lang)).values())
    answer(sentences, sentences, as_json=as_json)
