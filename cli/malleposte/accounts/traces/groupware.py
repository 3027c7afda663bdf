"""SOGo: own forwards and filters, from which it writes the script anew, what agents open to each other, identities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from malleposte.accounts.agendas.sogo import quoted, rows
from malleposte.accounts.traces import identities
from malleposte.accounts.traces.model import Kind, Trace

Sql = Callable[[str], str]
"""Statements for SOGo's database -> what they print."""
_PROFILE = """SELECT row_to_json(one) FROM (
  SELECT c_defaults AS defaults, c_settings AS settings FROM sogo_user_profile WHERE c_uid = {uid}) AS one;"""
_SHARES = """SELECT DISTINCT row_to_json(one)::text FROM (
  SELECT i.c_path3 || '/' || i.c_path4 AS what, a.c_uid AS who
  FROM sogo_acl a JOIN sogo_folder_info i USING (c_folder_id)
  WHERE i.c_path2 = {uid} AND a.c_uid <> {uid}) AS one;"""
_THEIRS = """SELECT DISTINCT row_to_json(one)::text FROM (
  SELECT i.c_path3 || '/' || i.c_path4 AS what, i.c_path2 AS who
  FROM sogo_acl a JOIN sogo_folder_info i USING (c_folder_id)
  WHERE a.c_uid = {uid} AND i.c_path2 <> {uid}) AS one;"""
_CLOSE = """DELETE FROM sogo_acl a USING sogo_folder_info i WHERE a.c_folder_id = i.c_folder_id
  AND i.c_path2 = {uid} AND i.c_path3 || '/' || i.c_path4 = {what} AND a.c_uid = {who};"""
_WRITE = "UPDATE sogo_user_profile SET {column} = {text} WHERE c_uid = {uid};"
_DELETING = ("discard", "reject", "ereject")
_KEYS: Mapping[str, str] = {Kind.SIGNATURE: "signature", Kind.SENDER: "fullName", Kind.REPLY: "replyTo"}
"""The kinds of traces in an identity, and SOGo's keys."""


def find(sql: Sql, uid: str) -> list[Trace]:
    """Traces in SOGo, whether or not it writes the script in force now: it may again."""
    defaults, settings = _profile(sql, uid)
    found = [Trace(Kind.FORWARD, who=one) for one in _forwards(defaults)]
    for rule in _rules(defaults):
        for act in _actions(rule):
            if act.get("method") == "redirect":
                found.append(Trace(Kind.FORWARD, who=str(act.get("argument", ""))))
            elif act.get("method") in _DELETING:
                found.append(Trace(Kind.DISCARD))
    if _on(defaults, "Vacation"):
        found.append(Trace(Kind.ANSWER))
    for one in _identities(defaults):
        mail = str(one.get("email", ""))
        found += identities.of(mail, one.get("fullName"), one.get("replyTo"), one.get("signature"))
    found += [Trace(Kind.DELEGATE, who=one) for one in _delegates(settings)]
    found += [
        Trace(Kind.AGENDA, str(one["what"]), str(one["who"])) for one in rows(sql(_SHARES.format(uid=quoted(uid))))
    ]
    return list(dict.fromkeys(found))


def theirs(sql: Sql, uid: str) -> list[Trace]:
    """Agendas, address books and mail of other agents that are open to an account."""
    _defaults, settings = _profile(sql, uid)
    found = [Trace(Kind.THEIR_MAIL, who=one) for one in _delegates(settings, "DelegateFrom")]
    shares = rows(sql(_THEIRS.format(uid=quoted(uid))))
    return found + [Trace(Kind.THEIR_AGENDA, str(one["what"]), str(one["who"])) for one in shares]


def remove(sql: Sql, uid: str, trace: Trace) -> None:
    """Remove one; nothing where it is not there any more."""
    if trace.kind == Kind.AGENDA:
        sql(_CLOSE.format(uid=quoted(uid), what=quoted(trace.what), who=quoted(trace.who)))
        return
    defaults, settings = _profile(sql, uid)
    column, held = ("c_settings", settings) if trace.kind == Kind.DELEGATE else ("c_defaults", defaults)
    before = json.dumps(held)
    _without(held, trace)
    if json.dumps(held) != before:
        text = quoted(json.dumps(held, ensure_ascii=False))
        sql(_WRITE.format(column=column, text=text, uid=quoted(uid)))


def _without(held: dict[str, Any], trace: Trace) -> None:
    if trace.kind == Kind.DELEGATE:
        held["Mail"]["DelegateTo"] = [one for one in _delegates(held) if one != trace.who]
    elif trace.kind == Kind.ANSWER and _on(held, "Vacation"):
        held["Vacation"]["enabled"] = 0
    elif trace.kind == Kind.FORWARD and trace.who in _forwards(held):
        addresses = [one for one in _forwards(held) if one != trace.who]
        held["Forward"] |= {"forwardAddress": addresses, "enabled": 1 if addresses else 0}
    for one in _identities(held) if trace.kind in _KEYS else ():
        if one.get("email") == trace.what and trace.kind == Kind.SENDER:
            one["fullName"] = trace.who
        elif one.get("email") == trace.what:
            one.pop(_KEYS[trace.kind], None)
    for rule in _rules(held) if trace.kind in (Kind.FORWARD, Kind.DISCARD) else ():
        left = [one for one in _actions(rule) if not _meant(one, trace)]
        if len(left) != len(_actions(rule)):
            rule["actions"] = left or [{"method": "keep"}]


def _meant(act: Mapping[str, Any], trace: Trace) -> bool:
    if trace.kind == Kind.DISCARD:
        return act.get("method") in _DELETING
    return act.get("method") == "redirect" and str(act.get("argument", "")) == trace.who


def _profile(sql: Sql, uid: str) -> tuple[dict[str, Any], dict[str, Any]]:
    row = next(rows(sql(_PROFILE.format(uid=quoted(uid)))), {})
    return _document(row.get("defaults")), _document(row.get("settings"))


def _document(text: Any) -> dict[str, Any]:
    """SOGo writes JSON, which the database may have as text or as an object."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _on(held: Mapping[str, Any], name: str) -> bool:
    part = held.get(name)
    return isinstance(part, dict) and str(part.get("enabled", 0)) in ("1", "True", "true")


def _forwards(defaults: Mapping[str, Any]) -> list[str]:
    """Addresses of its own forward, where that is on."""
    if not _on(defaults, "Forward"):
        return []
    told = defaults["Forward"].get("forwardAddress", [])
    return [str(one) for one in (told if isinstance(told, list) else [told]) if one]


def _rules(defaults: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    held = defaults.get("SOGoSieveFilters")
    yield from (one for one in (held if isinstance(held, list) else []) if isinstance(one, dict))


def _identities(defaults: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    held = defaults.get("SOGoMailIdentities")
    yield from (one for one in (held if isinstance(held, list) else []) if isinstance(one, dict))


def _actions(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    held = rule.get("actions")
    return [one for one in (held if isinstance(held, list) else []) if isinstance(one, dict)]


def _delegates(settings: Mapping[str, Any], name: str = "DelegateTo") -> list[str]:
    mail = settings.get("Mail")
    held = mail.get(name) if isinstance(mail, dict) else None
    return [str(one) for one in held] if isinstance(held, list) else []
