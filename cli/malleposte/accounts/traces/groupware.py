"""SOGo: own forwards and filters, from which it writes the script anew, what agents open to each other, identities."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from malleposte.accounts.traces import identities
from malleposte.accounts.traces.model import Kind, Trace
from malleposte.adapters.sogo import Sql, profiles, rights

_DELETING = ("discard", "reject", "ereject")
_KEYS: Mapping[str, str] = {Kind.SIGNATURE: "signature", Kind.SENDER: "fullName", Kind.REPLY: "replyTo"}
"""The kinds of traces in an identity, and SOGo's keys."""


def find(sql: Sql, uid: str) -> list[Trace]:
    """Traces in SOGo, whether or not it writes the script in force now: it may again."""
    defaults, settings = profiles.read(sql, uid)
    traces = [Trace(Kind.FORWARD, who=one) for one in _forwards(defaults)]
    for rule in _rules(defaults):
        for act in _actions(rule):
            if act.get("method") == "redirect":
                traces.append(Trace(Kind.FORWARD, who=str(act.get("argument", ""))))
            elif act.get("method") in _DELETING:
                traces.append(Trace(Kind.DISCARD))
    if _on(defaults, "Vacation"):
        traces.append(Trace(Kind.ANSWER))
    for one in _identities(defaults):
        mail = str(one.get("email", ""))
        traces += identities.of(mail, one.get("fullName"), one.get("replyTo"), one.get("signature"))
    traces += [Trace(Kind.DELEGATE, who=one) for one in _delegates(settings)]
    traces += [Trace(Kind.AGENDA, what, who) for what, who in rights.shares(sql, uid)]
    return list(dict.fromkeys(traces))


def theirs(sql: Sql, uid: str) -> list[Trace]:
    """Agendas, address books and mail of other agents that are open to an account."""
    _defaults, settings = profiles.read(sql, uid)
    traces = [Trace(Kind.THEIR_MAIL, who=one) for one in _delegates(settings, "DelegateFrom")]
    return traces + [Trace(Kind.THEIR_AGENDA, what, who) for what, who in rights.shared_with(sql, uid)]


def remove(sql: Sql, uid: str, trace: Trace) -> None:
    """Remove one; nothing where it is not there any more."""
    if trace.kind == Kind.AGENDA:
        rights.close(sql, uid, trace.what, trace.who)
        return
    defaults, settings = profiles.read(sql, uid)
    delegate = trace.kind == Kind.DELEGATE
    column, document = (profiles.SETTINGS, settings) if delegate else (profiles.DEFAULTS, defaults)
    before = copy.deepcopy(document)
    _without(document, trace)
    if document != before:
        profiles.write(sql, uid, column, document)


def _without(settings: dict[str, Any], trace: Trace) -> None:
    if trace.kind == Kind.DELEGATE:
        settings["Mail"]["DelegateTo"] = [one for one in _delegates(settings) if one != trace.who]
    elif trace.kind == Kind.ANSWER and _on(settings, "Vacation"):
        settings["Vacation"]["enabled"] = 0
    elif trace.kind == Kind.FORWARD and trace.who in _forwards(settings):
        addresses = [one for one in _forwards(settings) if one != trace.who]
        settings["Forward"] |= {"forwardAddress": addresses, "enabled": 1 if addresses else 0}
    for one in _identities(settings) if trace.kind in _KEYS else ():
        if one.get("email") == trace.what and trace.kind == Kind.SENDER:
            one["fullName"] = trace.who
        elif one.get("email") == trace.what:
            one.pop(_KEYS[trace.kind], None)
    for rule in _rules(settings) if trace.kind in (Kind.FORWARD, Kind.DISCARD) else ():
        left = [one for one in _actions(rule) if not _meant(one, trace)]
        if len(left) != len(_actions(rule)):
            rule["actions"] = left or [{"method": "keep"}]


def _meant(act: Mapping[str, Any], trace: Trace) -> bool:
    if trace.kind == Kind.DISCARD:
        return act.get("method") in _DELETING
    return act.get("method") == "redirect" and str(act.get("argument", "")) == trace.who


def _on(settings: Mapping[str, Any], name: str) -> bool:
    part = settings.get(name)
    return isinstance(part, dict) and str(part.get("enabled", 0)) in ("1", "True", "true")


def _forwards(defaults: Mapping[str, Any]) -> list[str]:
    """Addresses of its own forward, where that is on."""
    if not _on(defaults, "Forward"):
        return []
    addresses = defaults["Forward"].get("forwardAddress", [])
    return [str(one) for one in (addresses if isinstance(addresses, list) else [addresses]) if one]


def _rules(defaults: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    rules = defaults.get("SOGoSieveFilters")
    yield from (one for one in (rules if isinstance(rules, list) else []) if isinstance(one, dict))


def _identities(defaults: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    identities = defaults.get(profiles.IDENTITIES)
    yield from (one for one in (identities if isinstance(identities, list) else []) if isinstance(one, dict))


def _actions(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    actions = rule.get("actions")
    return [one for one in (actions if isinstance(actions, list) else []) if isinstance(one, dict)]


def _delegates(settings: Mapping[str, Any], name: str = "DelegateTo") -> list[str]:
    mail = settings.get("Mail")
    delegates = mail.get(name) if isinstance(mail, dict) else None
    return [str(one) for one in delegates] if isinstance(delegates, list) else []
