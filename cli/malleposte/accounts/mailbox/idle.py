"""Filters that do not run, because they ask for an extension that filters may not use: owners and operators are told.

Dovecot then leaves all mail of that agent in the inbox. Each script is told of once, until it changes. It runs as a
user that may read the mail store; what was told is kept in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.accounts.mailbox import filters
from malleposte.accounts.mailbox.outbound import Deliver, letter
from malleposte.core.loops import named
from malleposte.platform import opening
from malleposte.runtime import durable, kit

ALWAYS = frozenset({"comparator-i;octet", "comparator-i;ascii-casemap", "imapflags"})
"""The extensions that every Sieve has without a name, and the old names that Dovecot accepts."""
_TO_OWNER = """\
Bonjour,

Vos règles de tri ({script}) utilisent une fonction que la messagerie ne propose plus : {names}.
Elles ne s’exécutent donc plus. Rien n’est perdu : tous vos messages arrivent dans la boîte de réception.

À faire : ouvrez vos filtres dans la messagerie, retirez les règles de notification, puis enregistrez.
Pour être prévenu ailleurs, une redirection ou le carillon de la messagerie conviennent.

Assistance : {phone}, {mail} ({hours}).
{academy}

--------------------------------------------------------------------------------
In English

Your filters ({script}) use a function that this mail service no longer offers: {names}. So they no longer run. Nothing
is lost: all your mail goes to your inbox. Open your filters in the webmail, remove the rules that notify, and save.
Help desk: {phone}, {mail}.
"""
_TO_OPERATORS = """\
Les filtres de {count} comptes ne s’exécutent pas : ils demandent une extension de Sieve qui n’est pas offerte
(dovecot_sieve_extensions). Leurs messages arrivent dans la boîte de réception, et chacun a été prévenu une fois.

English: the filters of {count} accounts do not run: they ask for a Sieve extension that is not offered. Their mail goes
to the inbox, and each was told once.

{rows}
"""


@dataclass(frozen=True)
class Idle:
    """A script that does not run: whose, its name, the extensions that it lacks, a digest of its text."""

    uid: str
    script: str
    missing: tuple[str, ...]
    digest: str


def find(store: Path, offered: Collection[str], failed: Callable[[str], object]) -> Iterator[Idle]:
    """The scripts in force of a mail store that ask for more than is offered; `failed` is told of unread boxes."""
    available = {*offered, *ALWAYS}
    for link in sorted(store.glob(f"*/*/{filters.ACTIVE}")):
        with named(failed, link.parent.name):
            scripts = filters.read(link.parent)
            for name in filter(None, (scripts.active, filters.CARRIED if scripts.carried else "", *scripts.included)):
                text = scripts.texts[name]
                missing = tuple(one for one in filters.required(text) if one not in available)
                if missing:
                    yield Idle(link.parent.name, name, missing, hashlib.sha256(text.encode()).hexdigest())


def tell(
    idle: Collection[Idle],
    facts: Mapping[str, Any],
    deliver_domain: str,
    state: Path,
    deliver: Deliver,
    failed: Callable[[str], object],
) -> list[Idle]:
    """Write to the owners of scripts that were not told of, then to the operators; those told now. Raises OSError.

    `failed` is told of owners who could not be written to: the next time tries again.
    """
    notified_before: dict[str, str] = kit.state(state, lambda text: dict(json.loads(text))) or {}
    fresh = list[Idle]()
    notified = {f"{one.uid}/{one.script}": one.digest for one in idle}
    support = facts["support"]
    for one in (one for one in idle if notified_before.get(f"{one.uid}/{one.script}") != one.digest):
        del notified[f"{one.uid}/{one.script}"]
        with named(failed, one.uid):
            text = _TO_OWNER.format(
                script=one.script, names=", ".join(one.missing), phone=support["phone"], mail=support["mail"],
                hours=opening.hours(support)[0], academy=facts["academy"],
            )  # fmt: skip
            subject = "Vos filtres ne s’exécutent plus / Your filters no longer run"
            deliver(f"{one.uid}@{deliver_domain}", letter(facts, subject, text))
            notified[f"{one.uid}/{one.script}"] = one.digest
            fresh.append(one)
    if notified != notified_before:
        durable.write(state, json.dumps(notified, sort_keys=True))
    if fresh:
        rows = "\n".join(f"{one.uid}  {one.script}  {', '.join(one.missing)}" for one in fresh)
        subject = f"Filtres de {len(fresh)} comptes sans effet / filters that do not run"
        text = _TO_OPERATORS.format(count=len(fresh), rows=rows)
        deliver(f"postmaster@{facts['domain']}", letter(facts, subject, text))
    return fresh
