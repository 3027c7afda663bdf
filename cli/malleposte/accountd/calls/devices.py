"""Devices of an agent, each with a password of its own: shown, made, revoked."""

from __future__ import annotations

import datetime

from malleposte.accountd.call import call
from malleposte.accountd.context import NO_LOG_IN, Context, NotFoundError, left_open, look_up
from malleposte.accountd.message import (
    Browser,
    Count,
    Done,
    ErrorCode,
    Message,
    Owned,
    Refused,
    Request,
    Secret,
    Text,
    Texts,
    Token,
)
from malleposte.accounts import life
from malleposte.accounts.credentials import passwords
from malleposte.accounts.credentials.passwords import Holder, Proof
from malleposte.accounts.devices import acts, follow, notice
from malleposte.accounts.devices.uses import latest
from malleposte.directory import devices as directory
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State
from malleposte.policy import devices as policy
from malleposte.throttle import costs


class Device(Message, frozen=True):
    """A device. Times as the directory writes them, empty for never; `place` is the address of the last use."""

    ident: str
    name: str
    scopes: tuple[str, ...]
    made: str = ""
    expires: str = ""
    used: str = ""
    place: str = ""


class DeviceList(Done, frozen=True):
    """The devices of an account."""

    devices: tuple[Device, ...] = ()


class NewDevice(DeviceList, frozen=True):
    """The new device alone; `secret` is its password, to be shown once."""

    secret: Secret = ""


class Devices(Owned[DeviceList], frozen=True):
    """List the devices of an account, with the last use of each."""


class AddDevice(Request[NewDevice], frozen=True):
    """Make a device password; the account's own password is asked again for it.

    Without `scopes` the device opens everything; `days` is its end, 0 for none. Who has a second factor gives the
    `token` of a log-in too: the password alone does not open that account.
    """

    source: Text
    login: Text
    password: Secret
    name: Text
    scopes: Texts = ()
    days: Count = 0
    token: Token = ""
    browser: Browser = ""


class RevokeDevice(Owned[Done], frozen=True):
    """Revoke a device password, by the device's identifier; its connections end."""

    device: Text


@call(cost=costs.LOOK)
def devices(context: Context, request: Devices) -> DeviceList:
    """List them."""
    holder = context.owner(request.uid)
    entries, uses = follow.of(context.directory, holder.uid), context.tools.uses()
    last = uses.of(one.ident for one in entries) if uses and entries else {}
    rows = tuple(shown(latest(one, last.get(one.ident))) for one in entries)
    return DeviceList(holder.uid, holder.state.value, devices=rows)


@call(paced=True)
def add_device(context: Context, request: AddDevice) -> NewDevice | Refused:
    """Make one, and tell its owner."""
    expires = context.now + datetime.timedelta(days=request.days) if request.days else None
    settings = acts.Specification(request.name, request.scopes or policy.SCOPES, expires)
    uid = look_up(context.directory, request.login)
    with context.tried(request, uid, request.password), context.alone(uid):
        holder = passwords.read(context.directory, uid) if uid else None
        proof = context.passwords.prove(uid, request.password)
        if holder is None or holder.state is not State.ACTIVE or proof is not Proof.RIGHT:
            raise context.refuse(request, uid)
        if not context.shows_second_factor(uid, request.token):
            # The password was right: this counts as no wrong one.
            return Refused(ErrorCode.UNAUTHORISED, NO_LOG_IN)
        created = acts.add(
            context.directory, context.journal, uid, settings, context.now, most=context.tools.rules.devices
        )
    # No block waits for the letter; one in between removes the device itself.
    if not _tell(context, holder, created.device, notice.created):
        # As with means of recovery: what its owner cannot be told is not done.
        follow.remove(context.directory, context.journal, created.device, "its owner could not be told")
        raise DirectoryError("mail cannot be sent: no device was made")
    return NewDevice(uid, holder.state.value, devices=(shown(created.device),), secret=created.password)


@call(cost=costs.PROTECT)
def revoke_device(context: Context, request: RevokeDevice) -> Done:
    """Revoke it, and tell its owner."""
    holder = context.owner(request.uid)
    device = next((one for one in follow.of(context.directory, holder.uid) if one.ident == request.device), None)
    if device is None:
        raise NotFoundError("no such device")
    failures = acts.revoke(context.directory, context.journal, context.tools.hosts, device)
    _tell(context, holder, device, notice.revoked)
    return Done(holder.uid, holder.state.value, open=left_open(failures))


def _tell(context: Context, holder: Holder, device: directory.Device, letter: notice.Letter) -> bool:
    return context.tell(holder, lambda to: letter(device, to, context.tools.facts(), context.now))


def shown(device: directory.Device) -> Device:
    """Return a device as a client is told of it."""
    since, expires, used = (
        life.stamp(moment) if moment else "" for moment in (device.made, device.expires, device.used)
    )
    return Device(device.ident, device.name, device.scopes, since, expires, used, device.place)
