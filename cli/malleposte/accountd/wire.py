"""Requests to accountd and its answers that are not in `calls` yet."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from malleposte.accountd import message
from malleposte.accountd.call import Call, Who, add
from malleposte.accountd.message import Browser, Count, Message, Owned, Refused, Request, Secret, Text, Texts, Token
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


class OpenLogIn(Message, frozen=True):
    """A log-in at the log-in page, or (`trusted`) a browser that is asked for no code until `until`.

    Times in ISO 8601, empty where they are not known; `browser` is what it called itself.
    """

    ident: str
    place: str
    since: str
    trusted: bool
    until: str
    browser: str


COMPUTED = "${}"
"""A forward to an address that the filter computes."""


class Account(Message, frozen=True):
    """An account as its owner sees it. Times as the directory writes them, empty for none.

    `recovery_mail` and `recovery_phone` are masked: a session may be somebody else's. Those that wait count from
    `recovery_next` on. `quota_mb` is 0 where the class of service says it. `forwards` and `filters` take mail away;
    with `discards` they refuse or delete some of it.
    """

    name: str = ""
    mail: str = ""
    profile: str = ""
    state: str = ""
    quota_mb: int = 0
    password_since: str = ""
    password_until: str = ""
    blocked_until: str = ""
    recovery_mail: str = ""
    recovery_phone: str = ""
    recovery_next: str = ""
    forwards: tuple[str, ...] = ()
    filters: str = ""
    absence: bool = False
    looked: bool = False
    discards: bool = False
    desk: bool = False
    """Whether its owner is of a help desk."""
    level: str = ""
    """The level of antispam: `normal`, `strict`; how many senders are allowed and blocked."""
    allowed: int = 0
    blocked: int = 0


class Person(Message, frozen=True):
    """An agent in a line of the help desk. `since` is of the list's own: locked, blocked until, password of, log-in."""

    uid: str
    name: str = ""
    mail: str = ""
    state: str = ""
    schools: tuple[str, ...] = ()
    since: str = ""


class Factor(Message, frozen=True):
    """A second factor: `kind` is the provider's word, `made` when it was enrolled (ISO 8601), empty where not known."""

    ident: str
    kind: str
    name: str
    made: str = ""


class Sheet(Message, frozen=True):
    """An account as the help desk sees it, beside its `Account`. Times as the directory writes them, empty for none.

    `codes` are those that wait, each its way and its end, and `ways` those by which a new one may go. Without
    `factors_known` the log-in page gave no answer.
    """

    function: str = ""
    schools: tuple[str, ...] = ()
    locked: str = ""
    seen: str = ""
    letter: str = ""
    codes: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    factors_known: bool = False


class Line(Message, frozen=True):
    """A line of the journal: time (ISO 8601), the act in French words, by whom, the reason.

    `by` is `portal`, `desk` (the help desk) or `operators`.
    """

    time: str
    act: str
    by: str
    note: str = ""


class LogIn(Message, frozen=True):
    """Log-ins of one kind: the last time (ISO 8601), how often, by which service, from which address, by what.

    `service` is `page` (the log-in page), `dav` or Dovecot's name of a protocol; `program` what the client called
    itself; `device` the name of a device with a password of its own. `reason` is of those that were refused:
    `password`, `wait`, `closed`, `expired`, `network`. `old`: a program that seems to use the password of before a
    change.
    """

    time: str
    accepted: bool
    service: str
    place: str = ""
    program: str = ""
    device: str = ""
    reason: str = ""
    count: int = 1
    old: bool = False


class RefusedMail(Message, frozen=True):
    """Messages that the filter refused or held: the last time, how often, `in` or `out`, the other's address, why.

    `reason`: `virus`, `attachment`, `forged`, `dmarc`, `many`, `structure`, `spam`.
    """

    time: str
    way: str
    other: str
    reason: str
    count: int = 1


class Diagnosis(Message, frozen=True):
    """Log-ins and refused mail of late, newest first; the room of the box in megabytes, 0 where it is not known.

    `looked`: whether every mail host answered.
    """

    logins: tuple[LogIn, ...] = ()
    refused: tuple[RefusedMail, ...] = ()
    used_mb: int = 0
    quota_mb: int = 0
    looked: bool = False


class Charge(Message, frozen=True):
    """A functional box or a list that an agent manages; its parts are uids, addresses outside, `@members`…"""

    kind: str
    name: str
    title: str
    mail: str
    delegates: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    moderators: tuple[str, ...] = ()


class Deleted(Message, frozen=True):
    """A message that was deleted for good, and when (ISO 8601). `folder` is the one that it comes back to."""

    ident: str
    folder: str
    sender: str
    subject: str
    time: str


class OwnData(Message, frozen=True):
    """A copy of an agent's own data. Times as the directory writes them, empty for none.

    `state` is `asked`, `making`, `ready`, `failed` (`reason`: `room`, `away`), `ended`, or empty. `again`: when the
    next one may be asked for. `missing`: parts that could not be read, which the copy itself names.
    """

    state: str = ""
    asked: str = ""
    until: str = ""
    again: str = ""
    size: int = 0
    missing: int = 0
    reason: str = ""


class Sender(Message, frozen=True):
    """An address or a domain that an agent allows, or blocks."""

    value: str
    allowed: bool


class Done(message.Done, frozen=True):
    """It is done. `uid` is whose account, `before` its state until now.

    `until`: when a blocked account may send again; when means of recovery that were changed begin to count.

    `open` names what could not be told at once: sessions may live there a few minutes more.

    `devices` are those that were asked for, or the new one, whose password is `secret`.

    `ticket` is of a new address of recovery. `reach`, `people`
    (`more`: and others) and `sheet` are of a help desk. `deleted` (`more`: and others) are messages
    that can be brought back, `many` those that were. `level` and `senders` (`more`: and others) are of
    the filter of unwanted mail.
    """

    devices: tuple[Device, ...] = ()
    secret: Secret = ""
    account: Account = msgspec.field(default_factory=Account)
    journal: tuple[Line, ...] = ()
    ticket: Secret = ""
    diagnosis: Diagnosis = msgspec.field(default_factory=Diagnosis)
    reach: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    more: bool = False
    sheet: Sheet | None = None
    charges: tuple[Charge, ...] = ()
    deleted: tuple[Deleted, ...] = ()
    many: int = 0
    level: str = ""
    senders: tuple[Sender, ...] = ()
    own_data: OwnData = msgspec.field(default_factory=OwnData)
    log_ins: tuple[OpenLogIn, ...] = ()


class Block(Owned[Done], frozen=True):
    """Hacked: the password void, sessions ended, nothing sent for as long as the policy says."""

    reason: Text


class EndSessions(Owned[Done], frozen=True):
    """End every session of an account, on all services."""


class SetClass(Owned[Done], frozen=True):
    """Another class of service."""

    profile: Text


class SetRecovery(Request[Done], frozen=True):
    """Another address (`kind` is `mail`) or telephone (`phone`) of recovery; an empty value takes it away.

    The password is asked again for it, and of an agent with a second factor the `token` of a log-in. A new address is
    confirmed first: a code goes there, `Done.ticket` stands for what is asked, and nothing is changed. Any other
    change counts after the delay of the policy, and the old means are told at once. `Done.until` says from when on.
    """

    source: Text
    login: Text
    password: Secret
    kind: Text
    value: Secret = ""
    token: Token = ""
    browser: Browser = ""


class ConfirmRecovery(Owned[Done], frozen=True):
    """The code that went to a new address of recovery, with the ticket of `SetRecovery`. `Done.until` as there."""

    ticket: Secret
    code: Secret


class SetQuietHours(Owned[Done], frozen=True):
    """Set the hours in which new mail skips the inbox: `DAYS HH:MM-HH:MM`, days 1 (Monday) to 7. None: never."""

    hours: Texts = ()


class Devices(Owned[Done], frozen=True):
    """List the devices of an account, with the last use of each."""


class AddDevice(Request[Done], frozen=True):
    """Make a device password; the account's own password is asked again for it. `Done.secret` is to be shown once.

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


class ShowAccount(Owned[Done], frozen=True):
    """Show an account to its owner: `Done.account`."""


class ShowJournal(Owned[Done], frozen=True):
    """Show what was done to an account, newest first: `Done.journal`."""


class ShowLogIns(Owned[Done], frozen=True):
    """List the log-ins that are open at the log-in page, and the browsers that it trusts: `Done.log_ins`."""


class EndLogIn(Owned[Done], frozen=True):
    """End one of them, by its identifier."""

    log_in: Text


class Diagnose(Owned[Done], frozen=True):
    """Tell an account's owner what may be wrong with it: `Done.account` and `Done.diagnosis`."""


class FindDeleted(Owned[Done], frozen=True):
    """List the messages that an agent deleted for good, the latest first: `Done.deleted`; `Done.more`: and others.

    `sender` and `subject` are parts of them, `days` those since the deletion; empty and 0 for any.
    """

    sender: Text = ""
    subject: Text = ""
    days: Count = 0


class Undelete(Owned[Done], frozen=True):
    """Bring such messages back, each by its identifier, all or none of a folder: `Done.many`."""

    messages: Texts


class ShowOwnData(Owned[Done], frozen=True):
    """Show the state of the copy of their own data that an agent asked for: `Done.own_data`."""


class AskOwnData(Owned[Done], frozen=True):
    """Ask for a copy of all that is held about an account. The password is asked again for it: `Done.own_data`."""

    password: Secret
    browser: Browser = ""


class FetchOwnData(Owned[Done], frozen=True):
    """The copy itself: after the answer follow `Done.own_data.size` bytes, and the connection ends."""


class EndOwnData(Owned[Done], frozen=True):
    """Remove the copy, or call off what is not made yet: `Done.own_data`."""


class ShowSenders(Owned[Done], frozen=True):
    """Show the level of antispam and the senders that an agent allows or blocks: `Done.level`, `Done.senders`.

    `after` is how many were told before; `Done.more`: and others. With a `box`, they are those of a functional box that
    the agent manages.
    """

    after: Count = 0
    box: Text = ""


class SetSenders(Owned[Done], frozen=True):
    """Set the level (empty: as before), add senders (addresses, domains) to a list, or take them from either.

    A sender that comes to a list goes from the other. A value that is refused has a word of `Unfit`. `box` as in
    `ShowSenders`.
    """

    level: Text = ""
    allow: Texts = ()
    block: Texts = ()
    remove: Texts = ()
    box: Text = ""


class Charges(Owned[Done], frozen=True):
    """List the functional boxes and lists that an agent manages: `Done.charges`.

    With a `kind` (`box`, `list`) and a `name`, that one with its parts, and in `Done.people` their names.
    """

    kind: Text = ""
    name: Text = ""


class SetCharge(Owned[Done], frozen=True):
    """Give (`add`) or take away a part of a box (`delegate`) or a list (`poster`, `moderator`) that the agent manages.

    `who` is a uid or an address; a poster may also be `@members` or `@staff`. What comes back is that of `Charges`.
    """

    kind: Text
    name: Text
    part: Text
    who: Text
    add: bool = False


class DeskReach(Owned[Done], frozen=True):
    """The schools and départements whose agents the help desk's `uid` may act on: `Done.reach`.

    This call and the next eight are a person's own, who has the role `helpdesk` and has logged in by a second factor,
    on somebody else (`target`) of these schools. What is refused is `forbidden`, with a word of `Forbidden`.
    """


class DeskFind(Owned[Done], frozen=True):
    """Find agents by a part of a name, a log-in, an address or a school's code: `Done.people`."""

    text: Text


class DeskList(Owned[Done], frozen=True):
    """List the agents of a school in a state of `LISTS`: `Done.people`."""

    school: Text
    state: Text


class DeskShow(Owned[Done], frozen=True):
    """Show the state of an account, no secret of it: `Done.sheet` and `Done.account`."""

    target: Text


class DeskCode(Owned[Done], frozen=True):
    """Give an agent an INA code by a way of `CODE_WAYS`; `letter` asks the academy to print a new letter.

    `aloud` is for an agent who was called back at a number that the academy knows (`called_back`): `Done.secret` is the
    code, to be shown once, and `Done.until` its end.
    """

    target: Text
    way: Text
    reason: Text
    called_back: bool = False


class DeskBlock(Owned[Done], frozen=True):
    """As `Block`, of somebody else's account."""

    target: Text
    reason: Text


class DeskRemoveFactor(Owned[Done], frozen=True):
    """Remove a second factor that an agent has lost. `factor` is its identifier in the sheet."""

    target: Text
    factor: Text
    reason: Text


class DeskBoxes(Owned[Done], frozen=True):
    """List the functional boxes of a `school`: `Done.charges`; or one `box` with its delegates, as `Charges` does."""

    school: Text = ""
    box: Text = ""


class DeskSetDelegate(Owned[Done], frozen=True):
    """Let an agent open a box of a school (`add`), or no more. What comes back is that of `DeskBoxes` with a `box`."""

    box: Text
    target: Text
    reason: Text
    add: bool = False


LISTS = ("locked", "blocked", "expired", "pending", "idle")
"""Lists of a school: locked after wrong passwords, blocked as hacked, password at its end, never activated, idle."""
CODE_WAYS = ("mail", "sms", "letter", "aloud")


class Forbidden(StrEnum):
    """The reason why the help desk may not do something, or an agent with the own data."""

    ROLE = "role"
    """The agent who is logged in is of no help desk."""
    FACTOR = "factor"
    """No second factor was shown for this log-in."""
    REACH = "reach"
    """No such account, or none of the help desk's schools: one answer for both."""
    ONESELF = "oneself"
    PROTECTED = "protected"
    """The account has a role of its own."""
    CAP = "cap"
    """No more of this today."""
    ALOUD = "aloud"
    """Codes are not read aloud here."""
    CALL_BACK = "call_back"
    """The agent was not called back."""
    NUMEN = "numen"
    """The account has no NUMEN, without which a code opens nothing."""
    MEANS = "means"
    """The account has no means of recovery for this way."""
    STATE = "state"
    """Not in the state that the account is in."""
    COPY_TODAY = "copy_today"
    """A copy of the own data was asked for within a day."""
    COPY_ROOM = "copy_room"
    """No room for one at the moment."""


class Unfit(StrEnum):
    """The reason why a sender is neither allowed nor blocked."""

    FORM = "form"
    """No address and no domain."""
    OWN = "own"
    """An address of the agent's."""
    ACADEMY = "academy"
    """The whole domain of the academy, or an address from which it tells of accounts."""
    FULL = "full"
    """The list has no room."""


Answer = message.Done | Refused
for one in (
    Call("charges", Charges, Done, Who.OWNER, costs.LOOK),
    Call("set_charge", SetCharge, Done, Who.OWNER, costs.ACT),
    Call("block", Block, Done, Who.OWNER, costs.PROTECT),
    Call("end_sessions", EndSessions, Done, Who.OWNER, costs.PROTECT),
    Call("set_class", SetClass, Done, Who.OWNER, costs.CLASS, slow=True),
    Call("set_recovery", SetRecovery, Done, Who.ANYBODY, costs.PROOF, paced=True),
    Call("confirm_recovery", ConfirmRecovery, Done, Who.OWNER, costs.ACT),
    Call("set_quiet_hours", SetQuietHours, Done, Who.OWNER, costs.ACT),
    Call("devices", Devices, Done, Who.OWNER, costs.LOOK),
    Call("add_device", AddDevice, Done, Who.ANYBODY, costs.PROOF, paced=True),
    Call("revoke_device", RevokeDevice, Done, Who.OWNER, costs.PROTECT),
    Call("show_account", ShowAccount, Done, Who.OWNER, costs.LOOK),
    Call("show_journal", ShowJournal, Done, Who.OWNER, costs.LOOK),
    Call("show_log_ins", ShowLogIns, Done, Who.OWNER, costs.LOOK),
    Call("end_log_in", EndLogIn, Done, Who.OWNER, costs.PROTECT),
    Call("diagnose", Diagnose, Done, Who.OWNER, costs.LOOK),
    Call("find_deleted", FindDeleted, Done, Who.OWNER, costs.LOOK, slow=True),
    Call("undelete", Undelete, Done, Who.OWNER, costs.ACT, slow=True),
    Call("show_senders", ShowSenders, Done, Who.OWNER, costs.LOOK),
    Call("set_senders", SetSenders, Done, Who.OWNER, costs.ACT),
    Call("show_own_data", ShowOwnData, Done, Who.OWNER, costs.LOOK),
    Call("ask_own_data", AskOwnData, Done, Who.OWNER, costs.ACT, paced=True),
    Call("fetch_own_data", FetchOwnData, Done, Who.OWNER, costs.LOOK),
    Call("end_own_data", EndOwnData, Done, Who.OWNER, costs.ACT),
    Call("desk_reach", DeskReach, Done, Who.DESK, costs.LOOK),
    Call("desk_find", DeskFind, Done, Who.DESK, costs.LOOK),
    Call("desk_list", DeskList, Done, Who.DESK, costs.LOOK, slow=True),
    Call("desk_show", DeskShow, Done, Who.DESK, costs.LOOK),
    Call("desk_code", DeskCode, Done, Who.DESK, costs.ACT),
    Call("desk_block", DeskBlock, Done, Who.DESK, costs.BLOCK),
    Call("desk_remove_factor", DeskRemoveFactor, Done, Who.DESK, costs.ACT),
    Call("desk_boxes", DeskBoxes, Done, Who.DESK, costs.LOOK),
    Call("desk_set_delegate", DeskSetDelegate, Done, Who.DESK, costs.ACT),
):
    add(one)
