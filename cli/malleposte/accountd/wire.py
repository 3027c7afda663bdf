"""Requests to accountd and its answers: one JSON document a line, typed on both sides. Standard library alone.

A request is `{"v": 1, "call": NAME, "args": {...}}`, an answer `{"v": 1, "ok": true, "done": {...}}` or
`{"v": 1, "ok": false, "refused": {...}}`. An unknown call or field, a missing one, a value of another type or too long
is refused. Over TLS the first request is `hello`, with the client's name and secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar

from malleposte.throttle import costs
from malleposte.throttle.costs import Cost

VERSION = 16
"""Raised whenever a call or one of its fields comes, goes or changes: during a deploy over several hosts both sides
then say so, instead of misunderstanding each other. A test holds the form that each version has."""
MOST_VERSIONS = 9999
LONGEST = 16_384
"""Bytes of a line, its end included."""
LONGEST_TEXT = 1024
"""Characters of a value."""
LONGEST_TOKEN = 4096
"""Characters of a provider's token: its signature alone has 512 with a key of 3072 bits."""
MOST_ITEMS = 14
"""Values of a list."""
BROWSER = re.compile(r"(?:[0-9a-f]{32})?")
"""A `browser`: a digest of the random cookie by which a page tells browsers apart, or nothing.

It proves nothing. Delays are counted apart for a browser that has succeeded before.
"""


@dataclass(frozen=True)
class Owned:
    """A call for an agent who is logged in (`uid`): the access token that the provider gave the client proves it."""

    source: str
    uid: str
    token: str = field(repr=False)
    cost: ClassVar[Cost] = costs.ACT


class Proof:
    """A call that proves something by a secret, or asks for one: the client may send it for anybody."""

    cost: ClassVar[Cost] = costs.PROOF


class AtLogIn(Proof):
    """A call of a log-in at the log-in page."""

    cost: ClassVar[Cost] = costs.LOG_IN


@dataclass(frozen=True)
class Hello(Proof):
    """Identify the client (over TLS), and check that the daemon answers."""

    client: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Begin(Proof):
    """First log-in: NUMEN and INA code give `Done.ticket`, which stands for them in the next two calls.

    Nothing is spent, and the same two secrets open the file again where it was left. `once` is a word that is good
    for one request; with `question` it comes from a plain question, for which limits are stricter.
    """

    source: str
    numen: str = field(repr=False)
    code: str = field(repr=False)
    once: str = ""
    question: str = ""


@dataclass(frozen=True)
class Enrol(Proof):
    """One step of it: `phone`, `mail` (a code goes there), `confirm` (that code), `charter` (its version), or `look`.

    Without a value the step is passed over, where the academy lets it. `Done.enrolment` is the file after it.
    """

    source: str
    ticket: str = field(repr=False)
    step: str
    value: str = field(default="", repr=False)


@dataclass(frozen=True)
class Activate(Proof):
    """Last step of it: the password. The account is active, the code spent, and the file's means of recovery count."""

    source: str
    ticket: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True)
class Change(Proof):
    """The old password, also past its end, gives a new one."""

    source: str
    login: str
    old: str = field(repr=False)
    new: str = field(repr=False)
    browser: str = ""


@dataclass(frozen=True)
class Reset(Proof):
    """NUMEN and INA code give a new password to an account that had one, blocked or not. `login` may be empty."""

    source: str
    login: str
    numen: str = field(repr=False)
    code: str = field(repr=False)
    new: str = field(repr=False)
    once: str = ""
    question: str = ""


@dataclass(frozen=True)
class Recover(Proof):
    """As `Reset`, for an account that somebody else has used: every way in closes, and for a while it sends nothing.

    `Done.until` says until when, `Done.devices` are those whose passwords went, and `Done.ticket` opens `Check`.
    """

    source: str
    numen: str = field(repr=False)
    code: str = field(repr=False)
    new: str = field(repr=False)
    once: str = ""
    question: str = ""


@dataclass(frozen=True)
class Check(Proof):
    """Settings that somebody else may have left: `Done.traces`, once those in `remove` (identifiers) are gone.

    `Done.open` names what could not be looked at, or not be removed: `traces`, `factors`.
    """

    source: str
    ticket: str = field(repr=False)
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prove(AtLogIn):
    """Whether a password opens an account, for a log-in elsewhere. `Done.uid` is whose account the name means."""

    source: str
    login: str
    password: str = field(repr=False)
    browser: str = ""


@dataclass(frozen=True)
class IssueCode(Proof):
    """Send a new INA code to the means of recovery that the account has. The answer never tells whether it was sent.

    `channel` is `mail` or `sms`; `once` and `question` as for `Begin`.
    """

    source: str
    login: str
    channel: str = "mail"
    once: str = ""
    question: str = ""


@dataclass(frozen=True)
class RemindLogin(Proof):
    """Send the log-in of a NUMEN to the means of recovery that its account has; as `IssueCode`."""

    source: str
    numen: str = field(repr=False)
    channel: str = "mail"
    once: str = ""
    question: str = ""


@dataclass(frozen=True)
class Block(Owned):
    """Hacked: the password void, sessions ended, nothing sent for as long as the policy says."""

    cost: ClassVar[Cost] = costs.PROTECT
    reason: str


@dataclass(frozen=True)
class EndSessions(Owned):
    """End every session of an account, on all services."""

    cost: ClassVar[Cost] = costs.PROTECT


@dataclass(frozen=True)
class SetClass(Owned):
    """Another class of service."""

    cost: ClassVar[Cost] = costs.CLASS
    profile: str


@dataclass(frozen=True)
class SetRecovery(Proof):
    """Another address (`kind` is `mail`) or telephone (`phone`) of recovery; an empty value takes it away.

    The password is asked again for it, and of an agent with a second factor the `token` of a log-in. A new address is
    confirmed first: a code goes there, `Done.ticket` stands for what is asked, and nothing is changed. Any other
    change counts after the delay of the policy, and the old means are told at once. `Done.until` says from when on.
    """

    source: str
    login: str
    password: str = field(repr=False)
    kind: str
    value: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    browser: str = ""


@dataclass(frozen=True)
class ConfirmRecovery(Owned):
    """The code that went to a new address of recovery, with the ticket of `SetRecovery`. `Done.until` as there."""

    ticket: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True)
class SetQuietHours(Owned):
    """Set the hours in which new mail skips the inbox: `DAYS HH:MM-HH:MM`, days 1 (Monday) to 7. None: never."""

    hours: tuple[str, ...] = ()


@dataclass(frozen=True)
class Devices(Owned):
    """List the devices of an account, with the last use of each."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class AddDevice(Proof):
    """Make a device password; the account's own password is asked again for it. `Done.secret` is to be shown once.

    Without `scopes` the device opens everything; `days` is its end, 0 for none. Who has a second factor gives the
    `token` of a log-in too: the password alone does not open that account.
    """

    source: str
    login: str
    password: str = field(repr=False)
    name: str
    scopes: tuple[str, ...] = ()
    days: int = 0
    token: str = field(default="", repr=False)
    browser: str = ""


@dataclass(frozen=True)
class RevokeDevice(Owned):
    """Revoke a device password, by the device's identifier; its connections end."""

    cost: ClassVar[Cost] = costs.PROTECT
    device: str


@dataclass(frozen=True)
class ShowAccount(Owned):
    """Show an account to its owner: `Done.account`."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class ShowJournal(Owned):
    """Show what was done to an account, newest first: `Done.journal`."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class ShowFactors(Owned):
    """List the second factors of an account: `Done.factors`.

    `Done.closes`: the first one will close the main password to programs and phones; `Done.diagnosis` has the log-ins
    of those that use it.
    """

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class ShowLogIns(Owned):
    """List the log-ins that are open at the log-in page, and the browsers that it trusts: `Done.log_ins`."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class EndLogIn(Owned):
    """End one of them, by its identifier."""

    cost: ClassVar[Cost] = costs.PROTECT
    log_in: str


@dataclass(frozen=True)
class Diagnose(Owned):
    """Tell an account's owner what may be wrong with it: `Done.account` and `Done.diagnosis`."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class FindDeleted(Owned):
    """List the messages that an agent deleted for good, the latest first: `Done.deleted`; `Done.more`: and others.

    `sender` and `subject` are parts of them, `days` those since the deletion; empty and 0 for any.
    """

    cost: ClassVar[Cost] = costs.LOOK
    sender: str = ""
    subject: str = ""
    days: int = 0


@dataclass(frozen=True)
class Undelete(Owned):
    """Bring such messages back, each by its identifier, all or none of a folder: `Done.many`."""

    messages: tuple[str, ...]


@dataclass(frozen=True)
class ShowOwnData(Owned):
    """Show the state of the copy of their own data that an agent asked for: `Done.own_data`."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class AskOwnData(Owned):
    """Ask for a copy of all that is held about an account. The password is asked again for it: `Done.own_data`."""

    password: str = field(repr=False)
    browser: str = ""


@dataclass(frozen=True)
class FetchOwnData(Owned):
    """The copy itself: after the answer follow `Done.own_data.size` bytes, and the connection ends."""

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class EndOwnData(Owned):
    """Remove the copy, or call off what is not made yet: `Done.own_data`."""


@dataclass(frozen=True)
class ShowSenders(Owned):
    """Show the level of antispam and the senders that an agent allows or blocks: `Done.level`, `Done.senders`.

    `after` is how many were told before; `Done.more`: and others. With a `box`, they are those of a functional box that
    the agent manages.
    """

    cost: ClassVar[Cost] = costs.LOOK
    after: int = 0
    box: str = ""


@dataclass(frozen=True)
class SetSenders(Owned):
    """Set the level (empty: as before), add senders (addresses, domains) to a list, or take them from either.

    A sender that comes to a list goes from the other. A value that is refused has a word of `Unfit`. `box` as in
    `ShowSenders`.
    """

    level: str = ""
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    box: str = ""


@dataclass(frozen=True)
class RemoveFactor(Owned):
    """Remove a second factor by its identifier, while another is left. The password is asked again for it."""

    password: str = field(repr=False)
    factor: str
    browser: str = ""


@dataclass(frozen=True)
class TryFactor(AtLogIn):
    """Whether a code of a second factor may be looked at now. It then counts as a try, and this code serves no more.

    `kind` is the provider's word for the factor (`totp`). The log-in page makes this call and the next five, for an
    agent whose password it has had proved.
    """

    source: str
    uid: str
    kind: str
    code: str = field(repr=False)
    browser: str = ""


@dataclass(frozen=True)
class FactorTried(AtLogIn):
    """The provider's verdict on a code that `TryFactor` let it look at."""

    source: str
    uid: str
    kind: str
    code: str = field(repr=False)
    right: bool = False
    browser: str = ""


@dataclass(frozen=True)
class SpendCode(AtLogIn):
    """Prove and spend a code that accountd knows itself.

    `recovery` (one of the agent's own), `ina` (from the desk), `mail` (sent by `MailFactorCode`).
    """

    source: str
    uid: str
    kind: str
    code: str = field(repr=False)
    browser: str = ""


@dataclass(frozen=True)
class MailFactorCode(AtLogIn):
    """Send a code to the recovery address, in place of a second factor that was lost. The answer is always the same."""

    source: str
    uid: str


@dataclass(frozen=True)
class FactorChanged(AtLogIn):
    """A second factor came (`added`) or went. `kinds` are those of all that the agent has now; the agent is told.

    `by` and `reason` say which operator removed it, and why; empty for the agent's own doing.
    """

    source: str
    uid: str
    kind: str
    name: str
    added: bool
    kinds: tuple[str, ...] = ()
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class MakeRecoveryCodes(Proof):
    """New recovery codes, in place of the old ones. `Done.codes` are to be shown once."""

    source: str
    uid: str


@dataclass(frozen=True)
class Entered(AtLogIn):
    """Somebody has logged in by the provider. From a place that the account does not know, the agent is told."""

    source: str
    uid: str
    how: str


@dataclass(frozen=True)
class SessionsEnded(Proof):
    """An operator (`by`) has ended an agent's log-ins at the provider."""

    source: str
    uid: str
    by: str
    reason: str
    many: int


@dataclass(frozen=True)
class Charges(Owned):
    """List the functional boxes and lists that an agent manages: `Done.charges`.

    With a `kind` (`box`, `list`) and a `name`, that one with its parts, and in `Done.people` their names.
    """

    cost: ClassVar[Cost] = costs.LOOK
    kind: str = ""
    name: str = ""


@dataclass(frozen=True)
class SetCharge(Owned):
    """Give (`add`) or take away a part of a box (`delegate`) or a list (`poster`, `moderator`) that the agent manages.

    `who` is a uid or an address; a poster may also be `@members` or `@staff`. What comes back is that of `Charges`.
    """

    kind: str
    name: str
    part: str
    who: str
    add: bool = False


@dataclass(frozen=True)
class DeskReach(Owned):
    """The schools and départements whose agents the help desk's `uid` may act on: `Done.reach`.

    This call and the next eight are a person's own, who has the role `helpdesk` and has logged in by a second factor,
    on somebody else (`target`) of these schools. What is refused is `forbidden`, with a word of `Forbidden`.
    """

    cost: ClassVar[Cost] = costs.LOOK


@dataclass(frozen=True)
class DeskFind(Owned):
    """Find agents by a part of a name, a log-in, an address or a school's code: `Done.people`."""

    cost: ClassVar[Cost] = costs.LOOK
    text: str


@dataclass(frozen=True)
class DeskList(Owned):
    """List the agents of a school in a state of `LISTS`: `Done.people`."""

    cost: ClassVar[Cost] = costs.LOOK
    school: str
    state: str


@dataclass(frozen=True)
class DeskShow(Owned):
    """Show the state of an account, no secret of it: `Done.sheet` and `Done.account`."""

    cost: ClassVar[Cost] = costs.LOOK
    target: str


@dataclass(frozen=True)
class DeskCode(Owned):
    """Give an agent an INA code by a way of `CODE_WAYS`; `letter` asks the academy to print a new letter.

    `aloud` is for an agent who was called back at a number that the academy knows (`called_back`): `Done.secret` is the
    code, to be shown once, and `Done.until` its end.
    """

    target: str
    way: str
    reason: str
    called_back: bool = False


@dataclass(frozen=True)
class DeskBlock(Owned):
    """As `Block`, of somebody else's account."""

    cost: ClassVar[Cost] = costs.BLOCK
    target: str
    reason: str


@dataclass(frozen=True)
class DeskRemoveFactor(Owned):
    """Remove a second factor that an agent has lost. `factor` is its identifier in the sheet."""

    target: str
    factor: str
    reason: str


@dataclass(frozen=True)
class DeskBoxes(Owned):
    """List the functional boxes of a `school`: `Done.charges`; or one `box` with its delegates, as `Charges` does."""

    cost: ClassVar[Cost] = costs.LOOK
    school: str = ""
    box: str = ""


@dataclass(frozen=True)
class DeskSetDelegate(Owned):
    """Let an agent open a box of a school (`add`), or no more. What comes back is that of `DeskBoxes` with a `box`."""

    box: str
    target: str
    reason: str
    add: bool = False


Request = (
    Hello | Begin | Enrol | Activate | RemindLogin | Change | Reset | Prove | IssueCode | Block | EndSessions
    | SetClass | SetRecovery | ConfirmRecovery | SetQuietHours | Devices | AddDevice | RevokeDevice | ShowAccount
    | ShowJournal | Diagnose | FindDeleted | Undelete | ShowFactors | RemoveFactor | ShowLogIns | EndLogIn
    | TryFactor | FactorTried | SpendCode
    | MailFactorCode
    | FactorChanged | MakeRecoveryCodes | Entered | SessionsEnded
    | Recover | Check | Charges | SetCharge | ShowSenders | SetSenders
    | ShowOwnData | AskOwnData | FetchOwnData | EndOwnData
    | DeskReach | DeskFind | DeskList | DeskShow | DeskCode | DeskBlock | DeskRemoveFactor
    | DeskBoxes | DeskSetDelegate
)  # fmt: skip
CALLS: dict[str, type[Request]] = {
    "hello": Hello,
    "begin": Begin,
    "enrol": Enrol,
    "activate": Activate,
    "remind_login": RemindLogin,
    "change": Change,
    "reset": Reset,
    "recover": Recover,
    "check": Check,
    "charges": Charges,
    "set_charge": SetCharge,
    "prove": Prove,
    "issue_code": IssueCode,
    "block": Block,
    "end_sessions": EndSessions,
    "set_class": SetClass,
    "set_recovery": SetRecovery,
    "confirm_recovery": ConfirmRecovery,
    "set_quiet_hours": SetQuietHours,
    "devices": Devices,
    "add_device": AddDevice,
    "revoke_device": RevokeDevice,
    "show_account": ShowAccount,
    "show_journal": ShowJournal,
    "show_factors": ShowFactors,
    "remove_factor": RemoveFactor,
    "show_log_ins": ShowLogIns,
    "end_log_in": EndLogIn,
    "diagnose": Diagnose,
    "find_deleted": FindDeleted,
    "undelete": Undelete,
    "show_senders": ShowSenders,
    "set_senders": SetSenders,
    "show_own_data": ShowOwnData,
    "ask_own_data": AskOwnData,
    "fetch_own_data": FetchOwnData,
    "end_own_data": EndOwnData,
    "try_factor": TryFactor,
    "factor_tried": FactorTried,
    "spend_code": SpendCode,
    "mail_factor_code": MailFactorCode,
    "factor_changed": FactorChanged,
    "make_recovery_codes": MakeRecoveryCodes,
    "entered": Entered,
    "sessions_ended": SessionsEnded,
    "desk_reach": DeskReach,
    "desk_find": DeskFind,
    "desk_list": DeskList,
    "desk_show": DeskShow,
    "desk_code": DeskCode,
    "desk_block": DeskBlock,
    "desk_remove_factor": DeskRemoveFactor,
    "desk_boxes": DeskBoxes,
    "desk_set_delegate": DeskSetDelegate,
}
LISTS = ("locked", "blocked", "expired", "pending", "idle")
"""Lists of a school: locked after wrong passwords, blocked as hacked, password at its end, never activated, idle."""
CODE_WAYS = ("mail", "sms", "letter", "aloud")
PROVIDER = (
    *("try_factor", "factor_tried", "spend_code", "factor_changed", "make_recovery_codes", "entered"),
    *("mail_factor_code", "sessions_ended"),
)
"""Calls of the log-in page: refused to every client that is not named for them."""
NAMES = {kind: name for name, kind in CALLS.items()}


class ErrorCode(StrEnum):
    """The reason for a refusal."""

    BAD_REQUEST = "bad_request"
    """Not understood: `message` says what."""
    VERSION = "version"
    UNAUTHORISED = "unauthorised"
    """The client is not known, or may not call this: an act on somebody else's account is for the command line."""
    NOT_PROVED = "not_proved"
    """No such account, wrong password, wrong NUMEN, wrong or old code, or nothing to do here: one answer for all."""
    MUST_RENEW = "must_renew"
    """The password is right, and its owner must choose a new one before it opens anything."""
    SLOW_DOWN = "slow_down"
    """Too many tries: again after `wait` seconds."""
    REFUSED_PASSWORD = "refused_password"  # noqa: S105  # a name, no password
    """The new password breaks `violations`."""
    REFUSED_VALUE = "refused_value"
    """A value cannot be taken: `message` says why."""
    NOT_FOUND = "not_found"
    """No such account; only where the caller acts for the academy."""
    FORBIDDEN = "forbidden"
    """The help desk, or an agent, may not do this: `message` is a word of `Forbidden`."""
    UNAVAILABLE = "unavailable"
    """The directory or what else is needed does not answer."""


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


@dataclass(frozen=True)
class Violation:
    """A rule that a password breaks; `malleposte.policy.rules.Violation(code, values)` has its sentence."""

    code: str
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Device:
    """A device. Times as the directory writes them, empty for never; `place` is the address of the last use."""

    ident: str
    name: str
    scopes: tuple[str, ...]
    made: str = ""
    expires: str = ""
    used: str = ""
    place: str = ""


@dataclass(frozen=True)
class OpenLogIn:
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


@dataclass(frozen=True)
class Account:
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


@dataclass(frozen=True)
class Person:
    """An agent in a line of the help desk. `since` is of the list's own: locked, blocked until, password of, log-in."""

    uid: str
    name: str = ""
    mail: str = ""
    state: str = ""
    schools: tuple[str, ...] = ()
    since: str = ""


@dataclass(frozen=True)
class Factor:
    """A second factor: `kind` is the provider's word, `made` when it was enrolled (ISO 8601), empty where not known."""

    ident: str
    kind: str
    name: str
    made: str = ""


@dataclass(frozen=True)
class Sheet:
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


@dataclass(frozen=True)
class Line:
    """A line of the journal: time (ISO 8601), the act in French words, by whom, the reason.

    `by` is `portal`, `desk` (the help desk) or `operators`.
    """

    time: str
    act: str
    by: str
    note: str = ""


@dataclass(frozen=True)
class LogIn:
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


@dataclass(frozen=True)
class RefusedMail:
    """Messages that the filter refused or held: the last time, how often, `in` or `out`, the other's address, why.

    `reason`: `virus`, `attachment`, `forged`, `dmarc`, `many`, `structure`, `spam`.
    """

    time: str
    way: str
    other: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Diagnosis:
    """Log-ins and refused mail of late, newest first; the room of the box in megabytes, 0 where it is not known.

    `looked`: whether every mail host answered.
    """

    logins: tuple[LogIn, ...] = ()
    refused: tuple[RefusedMail, ...] = ()
    used_mb: int = 0
    quota_mb: int = 0
    looked: bool = False


@dataclass(frozen=True)
class Trace:
    """A setting that somebody else may have left; `kind`, `what` and `who` as in `malleposte.accounts.traces.model`.

    `made` is when it came, where that is known. What is `kept` cannot be removed here; so are the kinds that others
    opened to the account (OTHERS there), in which `who` is a name.
    """

    ident: str
    kind: str
    what: str = ""
    who: str = ""
    made: str = ""
    kept: bool = False


@dataclass(frozen=True)
class Charge:
    """A functional box or a list that an agent manages; its parts are uids, addresses outside, `@members`…"""

    kind: str
    name: str
    title: str
    mail: str
    delegates: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    moderators: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deleted:
    """A message that was deleted for good, and when (ISO 8601). `folder` is the one that it comes back to."""

    ident: str
    folder: str
    sender: str
    subject: str
    time: str


@dataclass(frozen=True)
class OwnData:
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


@dataclass(frozen=True)
class Sender:
    """An address or a domain that an agent allows, or blocks."""

    value: str
    allowed: bool


@dataclass(frozen=True)
class Enrolment:
    """The file of a first log-in: the agent's names and academic address, answers so far, and the steps that are left.

    `waiting` is an address that waits for its code. `needed` are the steps that cannot be passed over.
    """

    given: str = ""
    surname: str = ""
    mail: str = ""
    phone: str = ""
    recovery: str = ""
    waiting: str = ""
    left: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """It is done. `uid` is whose account, `before` its state until now.

    `until`: when a blocked account may send again; when means of recovery that were changed begin to count.

    `open` names what could not be told at once: sessions may live there a few minutes more.

    `devices` are those that were asked for, or the new one, whose password is `secret`; `codes` are new recovery codes.

    `ticket` and `enrolment` are of a first log-in; `ticket` is also of a new address of recovery and
    (with `traces`) of an account that was taken back. `reach`, `people`
    (`more`: and others) and `sheet` are of a help desk. `deleted` (`more`: and others) are messages
    that can be brought back, `many` those that were. `level` and `senders` (`more`: and others) are of
    the filter of unwanted mail.
    """

    uid: str = ""
    before: str = ""
    until: str = ""
    open: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    secret: str = field(default="", repr=False)
    account: Account = field(default_factory=Account)
    journal: tuple[Line, ...] = ()
    codes: tuple[str, ...] = field(default=(), repr=False)
    factors: tuple[Factor, ...] = ()
    ticket: str = field(default="", repr=False)
    enrolment: Enrolment | None = None
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    reach: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    more: bool = False
    sheet: Sheet | None = None
    traces: tuple[Trace, ...] = ()
    charges: tuple[Charge, ...] = ()
    deleted: tuple[Deleted, ...] = ()
    many: int = 0
    level: str = ""
    senders: tuple[Sender, ...] = ()
    own_data: OwnData = field(default_factory=OwnData)
    closes: bool = False
    log_ins: tuple[OpenLogIn, ...] = ()


@dataclass(frozen=True)
class Refused:
    """It is not done, and nothing is changed."""

    error: ErrorCode
    message: str = ""
    wait: int = 0
    violations: tuple[Violation, ...] = ()


Answer = Done | Refused


class BadMessageError(ValueError):
    """A line that is not of this protocol; the text says what is wrong and repeats no value."""


class OtherVersionError(BadMessageError):
    """A line of another version, as in the middle of a deploy."""

    def __init__(self, theirs: object) -> None:
        known = isinstance(theirs, int) and not isinstance(theirs, bool) and 0 < theirs <= MOST_VERSIONS
        version = f"version {theirs}" if known else "no known version"
        super().__init__(
            f"the other host speaks {version} of accountd's protocol, this one version {VERSION}: "
            "finish the deploy, or deploy all hosts again from one version of Malleposte"
        )


def encode(request: Request) -> bytes:
    """The line of a request."""
    return _line({"call": NAMES[type(request)], "args": asdict(request)})


def decode(line: bytes) -> Request:
    """The request of a line. Raises BadMessageError."""
    document = _document(line, {"v", "call", "args"})
    call, args = document["call"], document["args"]
    if not isinstance(call, str) or call not in CALLS:
        raise BadMessageError("unknown call")
    if not isinstance(args, dict):
        raise BadMessageError("args is no object")
    return read(CALLS[call], args)


def read[R: Request](kind: type[R], args: Mapping[str, Any]) -> R:
    """A request with these fields, each of its type. Raises BadMessageError."""
    return kind(**_checked(kind, args))


def encode_answer(answer: Answer) -> bytes:
    """The line of an answer."""
    return _line({"ok": True, "done": asdict(answer)} if isinstance(answer, Done) else
                 {"ok": False, "refused": asdict(answer)})  # fmt: skip


def decode_answer(line: bytes) -> Answer:
    """The answer of a line. Raises BadMessageError. Fields that a newer accountd adds are left out."""
    document = _document(line, None)
    try:
        if document["ok"] is True:
            held = document["done"]
            return Done(
                str(held["uid"]), str(held["before"]), str(held["until"]), tuple(map(str, held["open"])),
                tuple(map(_device, held["devices"])), str(held["secret"]),
                codes=tuple(map(str, held["codes"])), factors=tuple(Factor(**one) for one in held["factors"]),
                account=_account(held["account"]),
                journal=tuple(Line(**one) for one in held["journal"]),
                ticket=str(held["ticket"]), enrolment=_enrolment(held["enrolment"]),
                diagnosis=_diagnosis(held["diagnosis"]),
                reach=tuple(map(str, held["reach"])), people=tuple(map(_person, held["people"])),
                more=held["more"] is True, sheet=_sheet(held["sheet"]),
                traces=tuple(Trace(**one) for one in held["traces"]),
                charges=tuple(map(_charge, held["charges"])),
                deleted=tuple(Deleted(**one) for one in held["deleted"]), many=int(held["many"]),
                level=str(held["level"]), senders=tuple(Sender(**one) for one in held["senders"]),
                own_data=OwnData(**held["own_data"]), closes=held["closes"] is True,
                log_ins=tuple(OpenLogIn(**one) for one in held["log_ins"]),
            )  # fmt: skip
        held = document["refused"]
        broken = tuple(Violation(str(one["code"]), dict(one["values"])) for one in held["violations"])
        return Refused(ErrorCode(held["error"]), str(held["message"]), int(held["wait"]), broken)
    except (KeyError, TypeError, ValueError) as error:
        raise BadMessageError("not an answer") from error


def _device(held: Mapping[str, Any]) -> Device:
    texts = {name: str(held[name]) for name in ("ident", "name", "made", "expires", "used", "place")}
    return Device(scopes=tuple(map(str, held["scopes"])), **texts)


def _account(held: Mapping[str, Any]) -> Account:
    return Account(**{**held, "forwards": tuple(map(str, held["forwards"]))})


def _diagnosis(held: Mapping[str, Any]) -> Diagnosis:
    lists = {
        "logins": tuple(LogIn(**one) for one in held["logins"]),
        "refused": tuple(RefusedMail(**one) for one in held["refused"]),
    }
    return Diagnosis(**{**held, **lists})


def _enrolment(held: Mapping[str, Any] | None) -> Enrolment | None:
    if held is None:
        return None
    texts = {name: str(held[name]) for name in ("given", "surname", "mail", "phone", "recovery", "waiting")}
    return Enrolment(left=tuple(map(str, held["left"])), needed=tuple(map(str, held["needed"])), **texts)


def _person(held: Mapping[str, Any]) -> Person:
    return Person(**{**held, "schools": tuple(map(str, held["schools"]))})


def _charge(held: Mapping[str, Any]) -> Charge:
    lists = {name: tuple(map(str, held[name])) for name in ("delegates", "posters", "moderators")}
    return Charge(**{**held, **lists})


def _sheet(held: Mapping[str, Any] | None) -> Sheet | None:
    if held is None:
        return None
    lists = {name: tuple(map(str, held[name])) for name in ("schools", "codes", "ways")}
    return Sheet(**{**held, **lists, "factors": tuple(Factor(**one) for one in held["factors"])})


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps({"v": VERSION, **content}, separators=(",", ":")).encode() + b"\n"


def _document(line: bytes, keys: set[str] | None) -> dict[str, Any]:
    if len(line) > LONGEST:
        raise BadMessageError("too long")
    try:
        document = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadMessageError("not JSON") from error
    if not isinstance(document, dict):
        raise BadMessageError("no object")
    theirs = document.get("v")
    if theirs != VERSION or isinstance(theirs, bool):
        raise OtherVersionError(theirs)
    if keys is not None and set(document) != keys:
        raise BadMessageError(f"the keys are {', '.join(sorted(keys))}")
    return document


def _checked(kind: type[Any], args: Mapping[str, Any]) -> dict[str, Any]:
    known = {one.name: one for one in fields(kind)}
    for name in args:
        if name not in known:
            raise BadMessageError("unknown field")
    found: dict[str, Any] = {}
    for name, one in known.items():
        if name in args:
            found[name] = _value(name, str(one.type), args[name])
        elif one.default is MISSING:
            raise BadMessageError(f"{name} is missing")
    return found


def _value(name: str, kind: str, value: Any) -> Any:
    if name == "browser" and not (isinstance(value, str) and BROWSER.fullmatch(value)):
        raise BadMessageError("browser is no digest")
    longest = LONGEST_TOKEN if name == "token" else LONGEST_TEXT
    if kind == "str" and isinstance(value, str) and len(value) <= longest and _encodes(value):
        return value
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "tuple[str, ...]" and isinstance(value, list) and len(value) <= MOST_ITEMS:
        return tuple(_value(name, "str", one) for one in value)
    raise BadMessageError(f"{name} is not of its type, or too long")


def _encodes(text: str) -> bool:
    """Whether it holds no half of a character (JSON lets lone surrogates through)."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
