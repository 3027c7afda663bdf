"""« Ma connexion et mes appareils »: each device and its password, each log-in to the portal, and a way to end them."""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import redirect, render_template, request, session
from malleposte.accountd.calls.devices import AddDevice, Device, Devices, NewDevice, RevokeDevice
from malleposte.accountd.calls.protection import EndSessions
from malleposte.accountd.message import Done
from malleposte.accountd.relying_party import AwayError
from wtforms import BooleanField, HiddenField
from wtforms.validators import ValidationError

from malleposte_portal import dsfr
from malleposte_portal.core import acts, browsers, words
from malleposte_portal.core.answers import Answer, back_to, filled_in, link
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import shown_once, sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered, withdrawn
from malleposte_portal.log_in.sessions import StoreError
from malleposte_portal.own import log_ins, phones
from malleposte_portal.own.forms import device_name_field, password_field

LOG = logging.getLogger("malleposte_portal")
SUBJECT = Subject("devices")
SCOPES = {"mail": ("imap", "smtp", "sieve"), "dav": ("dav",)}
"""The accesses of a device by the field that gives them, in Dovecot's names."""
HERE = "device"
"""A password that is kept for the device itself (see malleposte_portal.log_in.shown_once)."""
INVITES = "smtp"
"""The scope by which SOGo sends the invitations of a device, with its password."""


class AddDeviceForm(Form):
    """A device and what it may open; the password is asked for again."""

    name = device_name_field(
        "Pour le reconnaître dans la liste, par exemple : téléphone de Marie, ordinateur de la maison."
    )
    mail = BooleanField("Courriel", description="Lire, envoyer, classer.", widget=dsfr.Checkbox())
    dav = BooleanField("Agenda et contacts", description="Par CalDAV et CardDAV.", widget=dsfr.Checkbox())
    password = password_field()
    kind = HiddenField()
    """The kind of device whose steps the agent comes from, if any."""
    invites = False
    """Whether the agenda of this account sends its invitations with the password of the device."""

    def validate_mail(self, field: Any) -> None:
        """A device that may open nothing would be of no use."""
        if not field.data and not self["dav"].data:
            raise ValidationError("Choisissez au moins un accès.")

    @property
    def scopes(self) -> tuple[str, ...]:
        """The accesses that were ticked."""
        ticked = [one for name, many in SCOPES.items() if self[name].data for one in many]
        return tuple(dict.fromkeys([*ticked, INVITES] if self.invites and "dav" in ticked else ticked))


@SUBJECT.page("/compte/appareils", "/en/account/devices")
@for_agent
def devices(agent: sign_on.Agent) -> Answer:
    """« Ma connexion et mes appareils »: each device, each log-in to the portal, and a way to end them."""
    answer = answered(agent, Devices)
    try:
        open_ = sign_on.sign_on().sessions.of(agent.session.uid)
    except StoreError:
        open_ = {}
    notice = session.pop("told", "")
    return render_template(
        "own/devices.html", devices=answer.devices, sessions=open_, here=agent.key, notice=notice,
        scopes=scopes, log_ins=log_ins.shown(agent),
        moment=words.moment, day=words.day, browser=words.browser,
    )  # fmt: skip


def scopes(device: Device) -> str:
    """The accesses of a device, in words."""
    names = (
        # Beside an agenda alone, smtp sends its invitations.
        (_("courriel"), bool({"imap", "sieve"} & set(device.scopes)) or set(device.scopes) == {"smtp"}),
        (_("agenda et contacts"), "dav" in device.scopes),
    )
    return ", ".join(name for name, there in names if there)


@SUBJECT.form("/compte/appareils/ajouter", "/en/account/devices/add")
@for_agent
def device_add(agent: sign_on.Agent) -> Answer:
    """Make a device password. The page that shows it is another, so that a reload makes no second device."""
    kind = phones.checked_kind(request.args.get("kind", ""))
    ticked = dict.fromkeys(phones.OPENS.get(kind, ("mail",)), True)
    form = AddDeviceForm(data={"kind": kind, **ticked} if request.method == "GET" else None)
    form.invites = words.class_of(agent.session.profile).get("agenda") == "sogo"

    def add() -> Answer | acts.Refusal:
        typed = (form.typed("password"), form.typed("name"), form.scopes)
        answer = ask(
            agent,
            lambda source, uid, token: AddDevice(source, uid, *typed, token=token, browser=browsers.digest()),
            _("Mot de passe inexact."),
        )
        kind = phones.checked_kind(form.typed("kind"))
        return _on_its_way(agent, answer, kind) if isinstance(answer, Done) else answer

    return filled_in(form, add, lambda refused: render_template("own/device_add.html", form=form, refused=refused))


def _on_its_way(agent: sign_on.Agent, answer: NewDevice, kind: str) -> Answer | acts.Refusal:
    """To the page that shows the password of a device; why there is none, once the device is revoked."""
    device, uid = answer.devices[0], agent.session.uid
    facts = {"uid": uid, "name": device.name, "scopes": device.scopes, "secret": answer.secret, "kind": kind}
    try:
        address = phones.away("device_here", word=shown_once.keep(HERE, json.dumps(facts).encode()))
        shown_once.hand_on("device_made", {**facts, "address": address})
    except (AwayError, StoreError) as error:
        return withdrawn(agent, device, error)
    return redirect(link("device_made"), 303)


@SUBJECT.page("/compte/appareils/mot-de-passe", "/en/account/devices/password")
@for_agent
def device_made(_found: sign_on.Agent) -> Answer:
    """The password of the device that was just made, once; the list of devices from then on."""
    content = shown_once.handed("device_made")
    if content is None:
        return back_to("devices", "shown")
    return render_template("own/device_made.html", code=phones.qr(content.pop("address")), here=False, **content)


@SUBJECT.form("/appareil/<word>", "/en/device/<word>")
def device_here(word: str) -> Answer:
    """The same page on the device itself, which has read its QR code; the word proves where it comes from.

    The code holds a link, not the password: programs that read codes keep their history, and some look texts up. The
    password is behind a button, once: what looks at links spends nothing.
    """
    try:
        if request.method != "POST":
            there = sign_on.sign_on().sessions.look_once(word)
            return render_template("own/device_here.html", state="there" if there else "gone"), 200 if there else 404
        content = shown_once.take(HERE, word)
    except (AwayError, StoreError) as error:
        LOG.error("the password of a device cannot be given: %s", error)
        return render_template("own/device_here.html", state="away"), 503
    if content is None:
        return render_template("own/device_here.html", state="gone"), 404
    return render_template("own/device_made.html", **json.loads(content), here=True, code="")


@SUBJECT.act("/compte/appareils/supprimer", "/en/account/devices/revoke")
@for_agent
def device_revoke(agent: sign_on.Agent) -> Answer:
    """Revoke a device."""
    ident = request.form.get("device", "")[:100]
    answered(agent, lambda source, uid, token: RevokeDevice(source, uid, token, ident))
    return back_to("devices", "revoked")


@SUBJECT.act("/compte/sessions/fermer", "/en/account/sessions/end")
@for_agent
def sessions_end(agent: sign_on.Agent) -> Answer:
    """End one other log-in to the portal, or everything that is open on every service."""
    key = request.form.get("session", "")
    try:
        sessions = sign_on.sign_on().sessions
        if key:
            if key in sessions.of(agent.session.uid):
                sessions.close(key)
            return back_to("devices", "ended")
        answered(agent, EndSessions)
        sessions.end_all(agent.session.uid)
    except (StoreError, AwayError):
        return unanswered(acts.Refusal(503, _(acts.AWAY)))
    return sign_on.logout()
