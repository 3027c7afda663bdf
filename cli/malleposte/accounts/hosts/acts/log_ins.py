"""Second factors and log-ins of an account at the log-in page."""

from __future__ import annotations

from dataclasses import replace

from malleposte.accounts.channels import checked
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import SIGN_ON
from malleposte.accounts.hosts.table import Replies, Uid, act, first_answer, holding
from malleposte.adapters import lemonldap
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import InputError

LOG_IN_PAGES = holding(SIGN_ON)


def by_ident(replies: Replies[list[Factor]]) -> list[Factor]:
    """Return the factors of all pages, each once."""
    return list({factor.ident: factor for answer in replies for factor in answer}.values())


@act(on=LOG_IN_PAGES, merge=by_ident, accountd=True)
def factors(_host: LocalHost, uid: Uid) -> list[Factor]:
    """Return the second factors."""
    return lemonldap.factors(checked(uid))


def kinds_by_uid(replies: Replies[dict[str, list[str]]]) -> dict[str, list[str]] | None:
    """Return the kinds of factors of each agent; None where no host has a log-in page of the platform's."""
    if not replies.calls:
        return None
    kinds: dict[str, set[str]] = {}
    for answer in replies:
        for uid, more in answer.items():
            kinds.setdefault(uid, set()).update(more)
    return {uid: sorted(each) for uid, each in kinds.items()}


@act(on=LOG_IN_PAGES, merge=kinds_by_uid)
def enrolled(_host: LocalHost) -> dict[str, list[str]]:
    """Return the kinds of factors by the uid of each agent who has one."""
    return lemonldap.enrolled()


def removed_somewhere(replies: Replies[Factor | None]) -> Factor:
    """Return the factor that was removed wherever it was. Raises InputError where no page had it."""
    gone = [factor for factor in replies if factor]
    if not gone:
        uid = replies.arguments["uid"]
        raise InputError(
            f"{uid} has no factor {replies.arguments['ident']}", f"`malleposte sso factors list {uid}` names them"
        )
    return gone[-1]


@act(on=LOG_IN_PAGES, merge=removed_somewhere, accountd=True)
def unfactor(_host: LocalHost, uid: Uid, ident: str) -> Factor | None:
    """Remove one of them and return it; None where there is none of that name."""
    if all(factor.ident != ident for factor in lemonldap.factors(checked(uid))):
        return None
    return lemonldap.remove(uid, ident)[0]


def latest_first(replies: Replies[list[Session]]) -> list[Session]:
    """Return the log-ins of all pages, the latest first."""
    sessions = [session for answer in replies for session in answer]
    return sorted(sessions, key=lambda one: one.since.timestamp() if one.since else 0, reverse=True)


@act(on=LOG_IN_PAGES, merge=latest_first, accountd=True)
def log_ins(_host: LocalHost, uid: Uid) -> list[Session]:
    """Return the log-ins that are open and the browsers that are trusted, without the keys that would open them."""
    return [replace(session, key="") for session in lemonldap.sessions(checked(uid))]


@act(on=LOG_IN_PAGES, merge=first_answer, accountd=True)
def end_log_in(_host: LocalHost, uid: Uid, ident: str) -> tuple[str, ...] | None:
    """End one of them; return the services that were not told of it, None where it is none of this host's."""
    ended = lemonldap.end_one(checked(uid), ident)
    return ended.untold if ended else None
