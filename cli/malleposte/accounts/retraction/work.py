"""The orders of the DSI's page are carried out: a step of `accounts nightly`, which a path unit starts at once too."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from malleposte.accounts.agreement import Agreement
from malleposte.accounts.retraction import acts, orders, owners, plan, store
from malleposte.accounts.retraction.alone import why_two
from malleposte.accounts.retraction.model import Order, Retraction, Stage
from malleposte.core.errors import InputError
from malleposte.core.loops import named, reason

if TYPE_CHECKING:
    from malleposte.accounts.life.steps import NightlyRun, StepResult


def step(night: NightlyRun, result: StepResult, folder: Path = store.FOLDER) -> None:
    """Carry out every order, the oldest first. One that fails is shown on the page, and the next one is carried out."""
    idents = store.ordered(folder)
    if night.dry:
        result.done += idents
        return
    for ident in idents:
        with named(result.failures.append, ident):
            _carry_out(night, ident, folder)
            result.done.append(ident)
    store.prune(night.now, folder)


def _carry_out(night: NightlyRun, ident: str, folder: Path) -> None:
    with store.alone(ident, folder):
        try:
            one = store.load(ident, folder)
        except InputError:
            store.carried_out(ident, None, folder)
            raise
        try:
            # One without an order was carried out, and the power went before that was noted.
            if one.order is not Order.NONE:
                _WAYS[one.order](night, one, folder)
        except Exception as error:
            one.failures = [reason(error)]
            raise
        finally:
            store.carried_out(ident, one, folder)


def _plan(night: NightlyRun, one: Retraction, folder: Path) -> None:
    if one.query is None:
        raise InputError(f"{one.ident} says nothing to look for", "make another plan")
    plan.fill(night.tools.hosts, one, one.query, night.settings.domain)
    acts.count(night.tools.hosts, one)
    most = night.rules.retract_alone
    one.agreement = Agreement(why_two(one, store.every(folder, orders.LOG.error), most, one.by, night.now.timestamp()))
    one.stage = Stage.PLANNED


def _take(night: NightlyRun, one: Retraction, folder: Path) -> None:
    keep = functools.partial(store.keep, folder=folder)
    plan.follow(night.tools.hosts, one, night.settings.domain)
    acts.retract(night.tools.hosts, one, keep)
    owners.journal(night.tools, one, "retract")
    owners.write(night.tools, one, keep, night.now, night.send)
    owners.thank(night.tools, one, night.now, night.send)


def _give_back(night: NightlyRun, one: Retraction, folder: Path) -> None:
    acts.undo(night.tools.hosts, one, functools.partial(store.keep, folder=folder))
    owners.journal(night.tools, one, "retract-undo")


_WAYS = {Order.PLAN: _plan, Order.TAKE: _take, Order.GIVE_BACK: _give_back}
