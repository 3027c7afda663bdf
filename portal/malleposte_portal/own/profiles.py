"""Configuration profiles for Apple's devices, from the form to the telephone: made, kept ten minutes, taken once.

A profile holds the password of a device.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from dataclasses import asdict

from flask import Flask, Response, current_app, render_template, request
from malleposte.accountd.relying_party import AwayError
from malleposte.front import profile

from malleposte_portal.core.answers import Answer
from malleposte_portal.core.settings import Settings
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import shown_once, sign_on
from malleposte_portal.log_in.sessions import StoreError

SUBJECT = Subject("profiles")
"""Pages without log-in, for the telephone that has read the QR code; the word proves where it comes from."""
PATIENCE = 10.0
"""Seconds for an answer of the signer."""
LARGEST = 64 * 1024
"""Bytes of a signed profile; with a chain of four certificates it has about 12,000."""
KIND = "application/x-apple-aspen-config"
NAME = "messagerie.mobileconfig"
LOG = logging.getLogger("malleposte_portal")
type Signer = Callable[[bytes], bytes]
"""A device as JSON gives a signed profile. Raises OSError."""


def signer(path: str) -> Signer:
    """The role's signer, behind a Unix socket."""

    def ask(document: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(PATIENCE)
            line.connect(path)
            line.sendall(document)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            while len(answer) <= LARGEST and (more := line.recv(LARGEST)):
                answer += more
        if not answer or len(answer) > LARGEST:
            raise OSError("it has signed nothing; its journal says why")
        return answer

    return ask


def make(phone: profile.Phone) -> tuple[bytes, bool]:
    """The profile of a device, and whether it is signed. Raises ProfileError."""
    settings: Settings = current_app.extensions["portal"]
    plain = profile.content(phone, profile.Servers.of(vars(settings)))
    ask: Signer | None = current_app.extensions["signer"]
    if ask is None:
        return plain, False
    try:
        return ask(json.dumps(asdict(phone)).encode()), True
    except OSError as error:
        LOG.error("a profile goes unsigned: %s: %s", settings.signer, error)
        return plain, False


def keep(content: bytes) -> str:
    """Keep a profile; the word of its link. Raises AwayError, StoreError."""
    return shown_once.keep("profile", content)


@SUBJECT.page("/profil/<word>", "/en/profile/<word>", "profile")
def page(word: str) -> Answer:
    """The page that the QR code leads to. It spends nothing: programs that look at links may look at it."""
    try:
        there = sign_on.sign_on().sessions.look_once(word)
    except (AwayError, StoreError) as error:
        LOG.error("a profile cannot be looked for: %s", error)
        return render_template("own/profile.html", state="away", word=word), 503
    return render_template("own/profile.html", state="there" if there else "gone", word=word), 200 if there else 404


@SUBJECT.page("/profil/<word>/telecharger", "/en/profile/<word>/download", "profile_file")
def file(word: str) -> Answer:
    """The profile itself, once."""
    if request.method == "HEAD":
        return page(word)
    try:
        content = shown_once.take("profile", word)
    except (AwayError, StoreError) as error:
        LOG.error("a profile cannot be given: %s", error)
        return render_template("own/profile.html", state="away", word=word), 503
    if content is None:
        return render_template("own/profile.html", state="gone", word=word), 404
    answer = Response(content, content_type=KIND)
    answer.headers["Content-Disposition"] = f'attachment; filename="{NAME}"'
    return answer


def setup_profiles(app: Flask, ask: Signer | None = None) -> None:
    """Have profiles signed by the role's signer where the settings name its socket."""
    path = app.extensions["portal"].signer
    app.extensions["signer"] = ask or (signer(path) if path else None)
