"""Log-in by the provider, log-out, and who is logged in. Pages that need no log-in work without all of it."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate

from flask import Flask, current_app, g, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from malleposte.accountd import client
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.message import ErrorCode
from malleposte.accountd.relying_party import Agent as Known
from malleposte.accountd.relying_party import AwayError, RefusedError, RelyingParty, Tokens

from malleposte_portal.core import acts
from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.settings import LANGUAGES
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import not_in
from malleposte_portal.log_in.sessions import Session, Sessions, StoreError, key_of

SUBJECT = Subject("log_in")
COOKIE = "__Host-agent"
"""Of this name, a cookie is Secure, has Path=/ and no Domain, or browsers refuse it (RFC 6265bis, 4.1.3.2)."""
RETURN = "/connexion/retour"
END = "/connexion/fin"
BEGUN_SECONDS = 600
"""A log-in that was begun is good for so long."""
BEGUN = 3
"""Log-ins that one browser may have begun, as in several tabs."""
AHEAD = 30.0
"""Seconds before its end at which an access token is renewed."""
LOG = logging.getLogger("malleposte_portal")
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")


@dataclass(frozen=True)
class SignOn:
    """The provider, its page on which an agent adds a second factor, and the log-ins that are kept.

    `factors_page` may be empty. `factors_here`: whether the platform shows and removes factors.
    """

    provider: RelyingParty
    sessions: Sessions
    factors_page: str
    factors_here: bool = True

    @classmethod
    def read(cls, path: Path) -> SignOn | None:
        """From the role's file; None where it is empty. Raises OSError, ValueError, KeyError."""
        import redis

        document = json.loads(path.read_text("utf-8"))
        if not document:
            return None
        valkey = document["valkey"]
        store = redis.Redis(
            unix_socket_path=valkey["socket"], username=valkey["username"], password=valkey["password"],
            decode_responses=True, socket_timeout=2, socket_connect_timeout=2,
        )  # fmt: skip
        more = {key: document[key] for key in ("uid_claim", "algorithms", "scope") if key in document}
        provider = RelyingParty(document["issuer"], document["client_id"], document["client_secret"], **more)
        idle, longest = 60.0 * document["idle_minutes"], 3600.0 * document["hours"]
        sessions = Sessions(store, redis.RedisError, idle=idle, longest=longest)
        return cls(provider, sessions, document["factors_page"], document.get("factors_here", True))

    def end_log_ins(self, uid: str) -> None:
        """End every log-in of an agent to the portal, as after a new password."""
        try:
            self.sessions.end_all(uid)
        except StoreError as error:
            LOG.error("log-ins cannot be ended: %s", error)


@dataclass(frozen=True)
class Agent:
    """The agent who is logged in. `identifier` is the browser's."""

    identifier: str
    session: Session

    @property
    def key(self) -> str:
        """The name of this log-in among the agent's own."""
        return key_of(self.identifier)


def sign_on() -> SignOn:
    """Raises AwayError where the portal has no provider."""
    configured: SignOn | None = current_app.extensions["sign_on"]
    if configured is None:
        raise AwayError("no provider is known")
    return configured


def agent() -> Agent | None:
    """The agent who is logged in; None where there is none, or where that cannot be known."""
    if "agent" not in g:
        g.agent = _looked_up()
    current: Agent | None = g.agent
    return current


def _looked_up() -> Agent | None:
    identifier = request.cookies.get(COOKIE, "")
    if not identifier or current_app.extensions["sign_on"] is None:
        return None
    try:
        log_in = sign_on().sessions.read(identifier)
    except StoreError as error:
        LOG.error("log-ins cannot be read: %s", error)
        return None
    return Agent(identifier, log_in) if log_in else None


def local(address: str) -> str:
    """An address of the portal itself, to which a log-in may lead back; the first page in place of any other."""
    good = _LOCAL.fullmatch(address) and len(address) <= 200 and not address.startswith((RETURN, END))
    return address if good else "/"


def forget_agent() -> None:
    """End the log-in of this browser: here, whatever the provider does."""
    current = agent()
    if current is not None:
        try:
            sign_on().sessions.close(current.key)
        except StoreError as error:
            LOG.error("a log-in cannot be ended: %s", error)
    g.agent = None
    session.clear()


def with_token() -> str:
    """A good token of the agent who is logged in. Raises RefusedError where the log-in has ended, AwayError."""
    current = agent()
    if current is None:
        raise RefusedError("nobody is logged in")
    if _good(current.session):
        return current.session.access
    try:
        # A refresh token is good once: of requests at the same time one renews, and the others take what it got.
        with sign_on().sessions.turn(current.identifier) as now:
            if now is None:
                raise RefusedError("the log-in was ended")
            log_in = now if _good(now) else _with_new_tokens(current, now)
    except StoreError as error:
        raise AwayError(str(error)) from error
    g.agent = replace(current, session=log_in)
    return log_in.access


def _good(log_in: Session) -> bool:
    return sign_on().provider.now() < log_in.good_until - AHEAD


def _with_new_tokens(agent: Agent, log_in: Session) -> Session:
    """The log-in with the tokens that follow, kept. Raises RefusedError, AwayError, StoreError."""
    ours = sign_on()
    if log_in.begun <= ours.sessions.ended(log_in.uid):
        raise RefusedError("the log-ins of its owner were ended")
    new = ours.provider.renew(log_in.refresh)
    log_in = replace(log_in, access=new.access, refresh=new.refresh, good_until=new.good_until)
    ours.sessions.keep(agent.identifier, log_in)
    return log_in


def profile_is(agent: Agent, profile: str) -> None:
    """Keep the class of service of a log-in, another one than before. Raises AwayError."""
    try:
        with sign_on().sessions.turn(agent.identifier) as now:
            log_in = replace(now or agent.session, profile=profile)
            sign_on().sessions.keep(agent.identifier, log_in)
    except StoreError as error:
        raise AwayError(str(error)) from error
    g.agent = replace(agent, session=log_in)


def logged_in[**P](view: Callable[Concatenate[Agent, P], Answer]) -> Callable[P, Answer]:
    """A view for agents who are logged in: it gets the agent; all others are sent to log in, and come back to it.

    A form that comes after the end of the log-in is answered by a page that says so: nothing is lost without a word.
    """

    @wraps(view)
    def guarded(*words: P.args, **named: P.kwargs) -> Answer:
        current = agent()
        if current is None:
            if request.method == "POST":
                return render_template("log_in/log_in_ended.html"), 403
            back = request.full_path.removesuffix("?")
            back = back if local(back) == back else request.path
            return redirect(url_for("login", language=g.language, vers=back), 303)
        return view(current, *words, **named)

    return guarded


# --- pages ---


@SUBJECT.page("/connexion", "/en/login")
def login() -> Answer:
    """Send the browser to the provider; it comes back to a page of this site alone."""
    to = local(request.args.get("vers") or link("account"))
    return redirect(to, 303) if agent() is not None else _sending(to)


@SUBJECT.page("/connexion/de-nouveau", "/en/login/again")
def login_again() -> Answer:
    """As `login`, for whoever must prove again what was proved a while ago."""
    return _sending(local(request.args.get("vers") or link("account")), anew=True)


def _sending(to: str, *, anew: bool = False) -> Answer:
    """Send the browser to the provider, or say that it is away."""
    try:
        return _sent(to, anew=anew)
    except (AwayError, StoreError) as error:
        return not_in.away(error)


def _sent(to: str, *, anew: bool = False) -> Answer:
    """Send the browser to the provider. Raises AwayError, StoreError."""
    # Nobody is to give a password for a log-in that cannot be kept afterwards.
    sign_on().sessions.reach()
    provider = sign_on().provider
    begun = provider.start(_back(), anew=anew)
    # In the browser's signed cookie, and in no store: nobody fills one by beginning log-ins.
    beginning = {
        "state": begun.state, "verifier": begun.verifier, "to": to, "language": g.language, "at": int(provider.now()),
        **({"anew": "yes"} if anew else {}),
    }  # fmt: skip
    session["begun"] = [*session.get("begun", []), beginning][-BEGUN:]
    return redirect(begun.address, 303)


def _begun(state: str) -> dict[str, Any] | None:
    """The log-in that this browser began with a state, once; None where there is none, or it is too old."""
    beginnings: list[dict[str, Any]] = session.get("begun", [])
    match = next((one for one in beginnings if secrets.compare_digest(one["state"].encode(), state.encode())), None)
    if match is None:
        return None
    session["begun"] = [one for one in beginnings if one is not match]
    return match if sign_on().provider.now() < match["at"] + BEGUN_SECONDS else None


@SUBJECT.get(RETURN, endpoint="login_return")
def returned() -> Answer:
    """The browser comes back from the provider: once, the one that was sent, with a code for us."""
    parameters = request.args
    try:
        ours = sign_on()
        begun = _begun(parameters.get("state", ""))
        if begun is None and agent() is not None:
            # The button back of the browser leads once more through the provider, by a log-in that is done.
            return redirect(link("account"), 303)
        if begun is None:
            raise RefusedError("no such log-in was begun in this browser")
        _speak(begun["language"])
        if "code" not in parameters:
            raise RefusedError(f"the provider says {parameters.get('error', 'nothing')[:40]!r}")
        # RFC 9207: which provider it is that answers.
        if parameters.get("iss", ours.provider.issuer) != ours.provider.issuer:
            raise RefusedError("another provider answers")
        who, tokens = ours.provider.redeem(parameters["code"], begun["verifier"], _back())
        now = ours.provider.now()
        ended = ours.sessions.ended(who.uid)
        if ended and who.since <= ended:
            # The provider knew the agent from before all log-ins were ended: maybe it was the thief.
            if begun.get("anew"):
                raise RefusedError("the provider did not ask for the password again")
            return _sent(begun["to"], anew=True)
        profile = _admitted(who, tokens)
        others = session.get("begun", [])
        forget_agent()
        # Another tab of this browser may be at the log-in page too, and come back after this one.
        session["begun"] = others
        log_in = Session(
            who.uid, who.name, who.sid, tokens.identity, tokens.access, tokens.refresh, tokens.good_until, now, now,
            profile, acts.source(), (request.user_agent.string or "")[:200],
        )  # fmt: skip
        identifier = ours.sessions.open(log_in)
    except RefusedError as error:
        LOG.warning("a log-in was refused: %s", error)
        return not_in.refused(_("La connexion n’a pas abouti. Recommencez."), 400)
    except (AwayError, StoreError) as error:
        return not_in.away(error)
    answer = redirect(begun["to"], 303)
    answer.set_cookie(COOKIE, identifier, secure=True, httponly=True, samesite="Lax", path="/")
    return answer


def _admitted(who: Known, tokens: Tokens) -> str:
    """The class of service of an agent who has logged in, empty where it is not known.

    Raises RefusedError where accountd lets the agent do nothing, as after a block: the provider's own session may be
    from before.
    """
    try:
        answer = current_app.extensions["accountd"].call(ShowAccount(acts.source(), who.uid, tokens.access))
    except client.RefusedError as error:
        if error.refused.error in (ErrorCode.UNAUTHORISED, ErrorCode.NOT_PROVED):
            raise RefusedError("accountd does not admit the agent") from error
    except client.UnavailableError as error:
        LOG.error("%s", error)
    else:
        return str(answer.account.profile or who.profile)
    return who.profile


@SUBJECT.post(END, endpoint="login_end")
def end() -> Answer:
    """The provider says that a session has ended (Back-Channel Logout 1.0, section 2.8)."""
    try:
        ours = sign_on()
        sid, uid = ours.provider.ended(request.form.get("logout_token", ""))
        ours.sessions.close_all(sid=sid) if sid else ours.sessions.close_all(uid=uid)
    except RefusedError as error:
        LOG.warning("a log-out was refused: %s", error)
        return "", 400
    except (AwayError, StoreError) as error:
        LOG.error("a log-out cannot be carried out: %s", error)
        return "", 503
    return "", 200


@SUBJECT.act("/deconnexion", "/en/logout")
def logout() -> Answer:
    """End the log-in here and at the provider, which leads back to a page that says so."""
    current = agent()
    done = url_for("logged_out", language=g.language, _external=True, _scheme="https")
    forget_agent()
    try:
        where = sign_on().provider.log_out(current.session.id_token, done) if current else done
    except AwayError as error:
        LOG.error("the provider's session was not ended: %s", error)
        where = done
    answer = redirect(where, 303)
    answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
    return answer


@SUBJECT.page("/deconnecte", "/en/logged-out")
def logged_out() -> Answer:
    """« Vous êtes déconnecté »."""
    return render_template("log_in/logged_out.html")


def _back() -> str:
    return url_for("login_return", _external=True, _scheme="https")


def _speak(language: str) -> None:
    """Go on in the language in which a log-in was begun: the provider knows one address to come back to."""
    if language in LANGUAGES:
        g.language = language
        g.catalogue = current_app.extensions["catalogues"][language]


def setup_sign_on(app: Flask, configured: SignOn | None) -> None:
    """Templates have `agent()`, and know where factors are seen to."""
    app.extensions["sign_on"] = configured
    protection: Any = app.extensions["csrf"]
    assert isinstance(protection, CSRFProtect)
    # The provider's message is proved by its signature, and no browser sends it.
    protection.exempt(end)
    app.jinja_env.globals.update(
        agent=agent,
        has_log_in=configured is not None,
        factors_here=configured is None or configured.factors_here,
        factors_page=configured.factors_page if configured else "",
    )
