"""« Mes outils » of one agent, for root on the host of the mailbox: rules, a trial, what left, a link's message."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from malleposte.accounts import facts
from malleposte.accounts.mailbox.tools import ledger, model, place, sealed, send
from malleposte.accounts.mailbox.tools.events.model import News
from malleposte.accounts.mailbox.tools.kinds.base import Note, Outcome, Verdict
from malleposte.accounts.mailbox.tools.kinds.table import TOOLS, checked, parted
from malleposte.accounts.mailbox.tools.links import Links
from malleposte.accounts.mailbox.tools.model import Act, Given, Paused, Rule, RuleShown, Sent, Shown, State, When
from malleposte.accounts.mailbox.tools.outside import Reach, allowed, host_of
from malleposte.accounts.mailbox.tools.place import Place
from malleposte.accounts.mailbox.tools.send import Delivery
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.accounts.traces.model import Kind, Trace
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import STORE
from malleposte.platform.times import iso_here

MOST_SENT = 50
"""Messages that are shown of those that left."""
TRIAL = Note(
    "",
    "Essai de la messagerie",
    "vous-même",
    "",
    "Ce message vient du bouton «\N{NO-BREAK SPACE}Essayer\N{NO-BREAK SPACE}».",
)


class Box:
    """The rules of agents on this host."""

    def __init__(
        self, root: Path = STORE, path: Path = ledger.FOLDER / ledger.FILE,
        allows: Callable[[], dict[str, Reach]] = lambda: allowed(facts.read()),
        ask: Callable[[Delivery], Verdict] = send.ask, secret: Callable[[], str] = sealed.read_key,
    ) -> None:  # fmt: skip
        """`secret` reads the key, where it is needed alone."""
        self._store, self._path, self._allows, self._ask, self._secret = Store(root), path, allows, ask, secret

    def shown(self, uid: str) -> Shown:
        """Return what the agent may choose, has chosen, and what left. Raises MallepostError."""
        tools = {name: reach.hosts for name, reach in self._allows().items()}
        return Shown(tools, *self._chosen(uid))

    def _chosen(self, uid: str) -> tuple[tuple[RuleShown, ...], tuple[Sent, ...]]:
        """Return the rules, and what left by them of late."""
        rules = self._store.read(uid)
        waits: dict[str, int] = {}
        last: dict[tuple[str, bool], tuple[float, str]] = {}
        gone: dict[str, float] = {}
        sent: tuple[Sent, ...] = ()
        if self._path.exists():
            with ledger.opened(self._path) as orders:
                for row in orders.open(uid):
                    waits[row.rule] = waits.get(row.rule, 0) + 1
                last = orders.last(uid)
                gone = {rule.id: orders.watch(uid, rule).gone for rule in rules if rule.agenda}
                sent = tuple(
                    Sent(row.tool, row.title, row.changed, row.state, row.detail)
                    for row in orders.of_late(uid, MOST_SENT)
                )  # fmt: skip
        return tuple(_stated(_shown(rule, waits.get(rule.id, 0), gone.get(rule.id, 0.0)), last) for rule in rules), sent

    def own_terms(self, uid: str) -> dict[str, Any]:
        """Return the rules and what left in the agent's own terms, for a copy of the own data; nothing where none is.

        What is secret in a rule is in no copy. Raises MallepostError.
        """
        chosen, left = self._chosen(uid)
        rules = [
            {
                "outil": one.tool, "site": one.host, "étiquette": one.label, "mot de l’expéditeur": one.sender,
                "mot de l’objet": one.subject, "premières lignes": one.lines, "arrêtée": one.paused != Paused.NO,
                **({"agenda": one.agenda.title or one.agenda.name, "lieu": one.place} if one.agenda else {}),
            }
            for one in chosen
        ]  # fmt: skip
        sent = [
            {
                "outil": one.tool, "objet": one.title, "envoyé": one.state == State.TOLD,
                "date": iso_here(one.at),
            }
            for one in left
        ]  # fmt: skip
        return {"règles": rules, "messages signalés": sent} if rules or sent else {}

    def add(self, uid: str, new: Given, begun: News | None = None) -> Shown:
        """Add a rule. `begun`: the events that its agenda has. Raises InputError, MallepostError."""
        ident = secrets.token_hex(8)
        shown, access = self._values(uid, ident, new.tool, new.values)
        model.check(new)
        rule = Rule(ident, new.tool, new.when, shown, access, new.label, new.sender, new.subject, new.lines,
                    agenda=new.agenda, place=new.place)  # fmt: skip

        def change(rules: tuple[Rule, ...]) -> list[Rule]:
            if len(rules) >= model.MOST_RULES:
                raise InputError(f"{model.MOST_RULES} rules are the most", "remove one")
            return [*rules, rule]

        self._store.change(uid, change)
        if begun:
            with ledger.opened(self._path) as orders:
                orders.looked(uid, ident, begun, time.time())
        return self.shown(uid)

    def renew(self, uid: str, ident: str, values: dict[str, str]) -> Shown:
        """Give a rule another access; what waits goes then. Raises InputError, MallepostError."""
        rule = self._rule(uid, ident)
        shown, access = self._values(uid, ident, rule.tool, values)
        new = msgspec.structs.replace(rule, shown=shown, sealed=access, paused=Paused.NO)
        self._store.change(uid, lambda rules: [new if one.id == ident else one for one in rules])
        self._wake(uid, ident)
        return self.shown(uid)

    def change(self, uid: str, ident: str, act: Act) -> Shown:
        """Stop a rule, let it tell again, or remove it. Raises InputError, MallepostError."""
        return self.remove(uid, ident) if act == Act.REMOVE else self.pause(uid, ident, stopped=act == Act.STOP)

    def pause(self, uid: str, ident: str, *, stopped: bool) -> Shown:
        """Stop a rule, or let it tell again. Raises InputError, MallepostError."""
        self._rule(uid, ident)
        self._store.pause(uid, ident, Paused.STOPPED if stopped else Paused.NO)
        if not stopped:
            self._wake(uid, ident)
        elif self._path.exists():
            with ledger.opened(self._path) as orders:
                orders.unwatch(uid, ident)
        return self.shown(uid)

    def remove(self, uid: str, ident: str) -> Shown:
        """Remove a rule, its access, and what waits. Raises InputError, MallepostError."""
        self._rule(uid, ident)
        self._drop(uid, ident)
        return self.shown(uid)

    def _drop(self, uid: str, ident: str) -> None:
        self._store.change(uid, lambda rules: [one for one in rules if one.id != ident])
        if self._path.exists():
            with ledger.opened(self._path) as orders:
                orders.end_rule(uid, ident, time.time())
                orders.unwatch(uid, ident)
                orders.written_off(uid, ident)

    def traces(self, uid: str) -> list[Trace]:
        """Return the rules, each of which somebody else may have left. Raises MallepostError."""
        rules = self._store.read(uid)
        return [Trace(Kind.TOOL, f"{one.tool} {_shown(one, 0).host}".strip(), one.id) for one in rules]

    def untrace(self, uid: str, trace: Trace) -> None:
        """Remove the rule of a trace, its access, and what waits; nothing where there is none."""
        if any(one.id == trace.who for one in self._store.read(uid)):
            self._drop(uid, trace.who)

    def trial(self, uid: str, ident: str) -> Verdict:
        """Tell the tool of a made-up message, now; the outcome. Raises InputError, MallepostError."""
        rule = self._rule(uid, ident)
        page = f"https://{facts.read()['hostnames']['portal']}/"
        note = msgspec.structs.replace(_trial(rule, page), key=secrets.token_hex(20))
        verdict = self._ask(Delivery(uid, ident, rule.tool, rule.shown, rule.sealed, note))
        if verdict.outcome == Outcome.DONE and rule.paused == Paused.REVOKED:
            self.pause(uid, ident, stopped=False)
        return verdict

    def linked(self, uid: str, word: str, find: Callable[[str, str], Place] = place.of) -> Place:
        """The place of the message behind a link of this agent's; an empty one for any other. Raises MallepostError."""
        message_id = Links(self._secret(), "").message_id(uid, word)
        return find(uid, message_id) if message_id else Place()

    def forget(self, uid: str) -> bool:
        """Remove all of an account that ends; whether there was anything."""
        there = self._store.forget(uid)
        if not self._path.exists():
            return there
        with ledger.opened(self._path) as orders:
            return orders.erase(uid) or there

    def _values(self, uid: str, ident: str, tool: str, values: dict[str, str]) -> tuple[dict[str, str], str]:
        """The values that are shown, and the sealed ones."""
        reach = self._allows().get(tool)
        if not reach:
            raise InputError(f"{tool[:40]!r}: the academy does not allow this tool", "ask the DSI")
        right = checked(tool, values)
        host_of(TOOLS[tool].address(right), reach)
        shown, secret = parted(tool, right)
        return shown, sealed.close_access(sealed.Seal(self._secret()), uid, ident, secret)

    def _rule(self, uid: str, ident: str) -> Rule:
        rule = next((one for one in self._store.read(uid) if one.id == ident), None)
        if rule is None:
            raise InputError("there is no such rule any more", "look at the page again")
        return rule

    def _wake(self, uid: str, ident: str) -> None:
        if self._path.exists():
            with ledger.opened(self._path) as orders:
                orders.delay(uid, ident, 0)
                orders.written_off(uid, ident)


def _stated(rule: RuleShown, last: Mapping[tuple[str, bool], tuple[float, str]]) -> RuleShown:
    (success, _detail), (failure, detail) = (last.get((rule.id, good), (0.0, "")) for good in (True, False))
    return msgspec.structs.replace(rule, success=success, failure=failure, detail=detail)


def _trial(rule: Rule, page: str) -> Note:
    """The made-up message, or event, of a trial."""
    if rule.when != When.EVENT:
        return msgspec.structs.replace(TRIAL, link=page)
    begin = datetime.datetime.now().astimezone().replace(minute=0, second=0, microsecond=0)
    begin, end = (begin + datetime.timedelta(days=1, hours=hours) for hours in (0, 1))
    return Note("", TRIAL.title, "", "", begin=begin.isoformat(), end=end.isoformat())


def _shown(rule: Rule, waits: int, gone: float = 0.0) -> RuleShown:
    shown = rule.shown.get("url") or rule.shown.get("server") or ""
    return RuleShown(
        rule.id, rule.tool, rule.when, rule.label, rule.sender, rule.subject, rule.lines, rule.paused,
        urlsplit(shown).hostname or "", waits, agenda=rule.agenda, place=rule.place, gone=gone,
    )  # fmt: skip
