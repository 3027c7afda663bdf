"""« Régler mon téléphone »: for each kind of device the steps and the addresses; for Apple's, a profile."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import segno
from flask import g, redirect, render_template, url_for
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.calls.devices import AddDevice
from malleposte.accountd.relying_party import AwayError
from malleposte.front.profile import Phone, ProfileError

from malleposte_portal.core import acts, browsers
from malleposte_portal.core.answers import Answer, filled_in, link
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import shown_once, sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent, withdrawn
from malleposte_portal.log_in.sessions import StoreError
from malleposte_portal.own import profiles
from malleposte_portal.own.forms import device_name_field, password_field

SUBJECT = Subject("phones")
OPENS: Mapping[str, tuple[str, ...]] = {
    "android": ("mail", "dav"),
    "thunderbird": ("mail", "dav"),
    "outlook": ("mail",),
    "apple": ("mail", "dav"),
}
"""The kinds of device for which there are steps (`templates/own/steps`), and the accesses that are ticked for each, by
the fields of the form. An iPhone comes there where it takes no profile.
"""
OF_STEPS = tuple(name for name in OPENS if name != "apple")
"""Those whose page has steps alone."""
ACCESS = ("imap", "smtp", "dav")
"""Accesses of a device that gets a profile."""


class Profile(Form):
    """An iPhone, an iPad or a Mac that gets a profile; the password is asked for again."""

    name = device_name_field("Pour le reconnaître dans la liste, par exemple : iPhone de Marie.")
    password = password_field()


def checked_kind(name: str) -> str:
    """The name of a kind; empty for any other word."""
    return name if name in OPENS else ""


def qr(text: str) -> str:
    """A QR code as the address of an image: in the page, so that no cache and no other page has it."""
    return str(segno.make(text, error="m", micro=False).svg_data_uri(scale=5, border=4, light="#fff"))


def away(name: str, **values: str) -> str:
    """The whole address of a page, as another device opens it."""
    return url_for(name, language=g.language, _external=True, _scheme="https", **values)


def _steps(agent: sign_on.Agent, name: str) -> Answer:
    """The page of a kind: steps and addresses alone."""
    return render_template(f"own/setup_{name}.html", uid=agent.session.uid, kind=name, here=qr(away(f"setup_{name}")))


for _device in OF_STEPS:
    SUBJECT.page(
        f"/compte/appareils/regler/{_device}", f"/en/account/devices/set-up/{_device}", f"setup_{_device}"
    )(for_agent(partial(_steps, name=_device)))  # fmt: skip


@SUBJECT.form("/compte/appareils/regler/apple", "/en/account/devices/set-up/apple")
@for_agent
def setup_apple(agent: sign_on.Agent) -> Answer:
    """The form of a profile. The page with its QR code is another, so that a reload makes no second device."""
    form = Profile()
    return filled_in(
        form, lambda: _profile(agent, form),
        lambda refused: render_template("own/setup_apple.html", form=form, refused=refused, uid=agent.session.uid),
    )  # fmt: skip


def _profile(agent: sign_on.Agent, form: Profile) -> Answer | acts.Refusal:
    """Have a device made, put its password into a profile, and go to the page of its link; why there is none."""
    account = ask(agent, ShowAccount)
    if isinstance(account, acts.Refusal):
        return account
    typed = (form.typed("password"), form.typed("name"), ACCESS)
    created = ask(
        agent,
        lambda source, uid, token: AddDevice(source, uid, *typed, token=token, browser=browsers.digest()),
        _("Mot de passe inexact."),
    )
    if isinstance(created, acts.Refusal):
        return created
    owner = account.account.name or agent.session.uid
    device = created.devices[0]
    try:
        phone = Phone(agent.session.uid, owner, account.account.mail, device.name, created.secret, True, g.language)
        content, signed = profiles.make(phone)
        address = away("profile", word=profiles.keep(content))
        shown_once.hand_on("setup_apple_made", {"name": device.name, "address": address, "signed": signed})
    except (AwayError, StoreError, ProfileError) as error:
        return withdrawn(agent, device, error)
    return redirect(link("setup_apple_made"), 303)


@SUBJECT.page("/compte/appareils/regler/apple/pret", "/en/account/devices/set-up/apple/ready")
@for_agent
def setup_apple_made(_found: sign_on.Agent) -> Answer:
    """The QR code of the profile that was just made, for as long as its link serves; the list of devices after that."""
    content = shown_once.still_handed("setup_apple_made")
    if content is None:
        return redirect(link("devices"), 303)
    return render_template("own/profile_made.html", code=qr(content["address"]), **content)


@SUBJECT.page("/compte/appareils/regler", "/en/account/devices/set-up")
@for_agent
def setup(_found: sign_on.Agent) -> Answer:
    """The kinds of devices."""
    return render_template("own/setup.html")
