"""Requests to accountd and its answers that are not in `calls` yet."""

from __future__ import annotations

import msgspec

from malleposte.accountd import message, own
from malleposte.accountd.call import Call, Counts, Who, add
from malleposte.accountd.calls.devices import Device
from malleposte.accountd.message import Browser, Count, Message, Owned, Refused, Request, Secret, Text, Texts
from malleposte.throttle import costs


class Factor(Message, frozen=True):
    """A second factor: `kind` is the provider's word, `made` when it was enrolled (ISO 8601), empty where not known."""

    ident: str
    kind: str
    name: str
    made: str = ""


class Trace(Message, frozen=True):
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


class Enrolment(Message, frozen=True):
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


class Done(message.Done, frozen=True):
    """It is done. `uid` is whose account, `before` its state until now.

    `until`: when a blocked account may send again; when means of recovery that were changed begin to count.

    `open` names what could not be told at once: sessions may live there a few minutes more.

    `devices` are those whose passwords went; `codes` are new recovery codes. `ticket` and `enrolment` are of a first
    log-in; `ticket` is also (with `traces`) of an account that was taken back.
    """

    devices: tuple[Device, ...] = ()
    codes: tuple[Secret, ...] = ()
    factors: tuple[Factor, ...] = ()
    ticket: Secret = ""
    enrolment: Enrolment | None = None
    diagnosis: own.Diagnosis = msgspec.field(default_factory=own.Diagnosis)
    traces: tuple[Trace, ...] = ()
    closes: bool = False


class Begin(Request[Done], frozen=True):
    """First log-in: NUMEN and INA code give `Done.ticket`, which stands for them in the next two calls.

    Nothing is spent, and the same two secrets open the file again where it was left. `once` is a word that is good
    for one request; with `question` it comes from a plain question, for which limits are stricter.
    """

    source: Text
    numen: Secret
    code: Secret
    once: Text = ""
    question: Text = ""


class Enrol(Request[Done], frozen=True):
    """One step of it: `phone`, `mail` (a code goes there), `confirm` (that code), `charter` (its version), or `look`.

    Without a value the step is passed over, where the academy lets it. `Done.enrolment` is the file after it.
    """

    source: Text
    ticket: Secret
    step: Text
    value: Secret = ""


class Activate(Request[Done], frozen=True):
    """Last step of it: the password. The account is active, the code spent, and the file's means of recovery count."""

    source: Text
    ticket: Secret
    new: Secret


class Change(Request[Done], frozen=True):
    """The old password, also past its end, gives a new one."""

    source: Text
    login: Text
    old: Secret
    new: Secret
    browser: Browser = ""


class Reset(Request[Done], frozen=True):
    """NUMEN and INA code give a new password to an account that had one, blocked or not. `login` may be empty."""

    source: Text
    login: Text
    numen: Secret
    code: Secret
    new: Secret
    once: Text = ""
    question: Text = ""


class Recover(Request[Done], frozen=True):
    """As `Reset`, for an account that somebody else has used: every way in closes, and for a while it sends nothing.

    `Done.until` says until when, `Done.devices` are those whose passwords went, and `Done.ticket` opens `Check`.
    """

    source: Text
    numen: Secret
    code: Secret
    new: Secret
    once: Text = ""
    question: Text = ""


class Check(Request[Done], frozen=True):
    """Settings that somebody else may have left: `Done.traces`, once those in `remove` (identifiers) are gone.

    `Done.open` names what could not be looked at, or not be removed: `traces`, `factors`.
    """

    source: Text
    ticket: Secret
    remove: Texts = ()


class Prove(Request[Done], frozen=True):
    """Whether a password opens an account, for a log-in elsewhere. `Done.uid` is whose account the name means."""

    source: Text
    login: Text
    password: Secret
    browser: Browser = ""


class IssueCode(Request[Done], frozen=True):
    """Send a new INA code to the means of recovery that the account has. The answer never tells whether it was sent.

    `channel` is `mail` or `sms`; `once` and `question` as for `Begin`.
    """

    source: Text
    login: Text
    channel: Text = "mail"
    once: Text = ""
    question: Text = ""


class RemindLogin(Request[Done], frozen=True):
    """Send the log-in of a NUMEN to the means of recovery that its account has; as `IssueCode`."""

    source: Text
    numen: Secret
    channel: Text = "mail"
    once: Text = ""
    question: Text = ""


class ShowFactors(Owned[Done], frozen=True):
    """List the second factors of an account: `Done.factors`.

    `Done.closes`: the first one will close the main password to programs and phones; `Done.diagnosis` has the log-ins
    of those that use it.
    """


class RemoveFactor(Owned[Done], frozen=True):
    """Remove a second factor by its identifier, while another is left. The password is asked again for it."""

    password: Secret
    factor: Text
    browser: Browser = ""


class TryFactor(Request[Done], frozen=True):
    """Whether a code of a second factor may be looked at now. It then counts as a try, and this code serves no more.

    `kind` is the provider's word for the factor (`totp`). The log-in page makes this call and the next five, for an
    agent whose password it has had proved.
    """

    source: Text
    uid: Text
    kind: Text
    code: Secret
    browser: Browser = ""


class FactorTried(Request[Done], frozen=True):
    """The provider's verdict on a code that `TryFactor` let it look at."""

    source: Text
    uid: Text
    kind: Text
    code: Secret
    right: bool = False
    browser: Browser = ""


class SpendCode(Request[Done], frozen=True):
    """Prove and spend a code that accountd knows itself.

    `recovery` (one of the agent's own), `ina` (from the desk), `mail` (sent by `MailFactorCode`).
    """

    source: Text
    uid: Text
    kind: Text
    code: Secret
    browser: Browser = ""


class MailFactorCode(Request[Done], frozen=True):
    """Send a code to the recovery address, in place of a second factor that was lost. The answer is always the same."""

    source: Text
    uid: Text


class FactorChanged(Request[Done], frozen=True):
    """A second factor came (`added`) or went. `kinds` are those of all that the agent has now; the agent is told.

    `by` and `reason` say which operator removed it, and why; empty for the agent's own doing.
    """

    source: Text
    uid: Text
    kind: Text
    name: Text
    added: bool
    kinds: Texts = ()
    by: Text = ""
    reason: Text = ""


class MakeRecoveryCodes(Request[Done], frozen=True):
    """New recovery codes, in place of the old ones. `Done.codes` are to be shown once."""

    source: Text
    uid: Text


class Entered(Request[Done], frozen=True):
    """Somebody has logged in by the provider. From a place that the account does not know, the agent is told."""

    source: Text
    uid: Text
    how: Text


class SessionsEnded(Request[Done], frozen=True):
    """An operator (`by`) has ended an agent's log-ins at the provider."""

    source: Text
    uid: Text
    by: Text
    reason: Text
    many: Count


Answer = message.Done | Refused
for one in (
    Call("begin", Begin, Done, Who.ANYBODY, costs.PROOF, paced=True, counts=Counts.CODES, asks_slapd=False),
    Call("enrol", Enrol, Done, Who.ANYBODY, costs.PROOF, counts=Counts.TICKET),
    Call("activate", Activate, Done, Who.ANYBODY, costs.PROOF, counts=Counts.TICKET),
    Call("remind_login", RemindLogin, Done, Who.ANYBODY, costs.PROOF, paced=True, later=True, counts=Counts.CODES),
    Call("change", Change, Done, Who.ANYBODY, costs.PROOF, paced=True),
    Call("reset", Reset, Done, Who.ANYBODY, costs.PROOF, paced=True, counts=Counts.CODES, asks_slapd=False),
    Call("recover", Recover, Done, Who.ANYBODY, costs.PROOF, paced=True, counts=Counts.CODES, asks_slapd=False),
    Call("check", Check, Done, Who.ANYBODY, costs.PROOF, counts=Counts.TICKET),
    Call("prove", Prove, Done, Who.ANYBODY, costs.LOG_IN, paced=True),
    Call("issue_code", IssueCode, Done, Who.ANYBODY, costs.PROOF, paced=True, later=True),
    Call("show_factors", ShowFactors, Done, Who.OWNER, costs.LOOK),
    Call("remove_factor", RemoveFactor, Done, Who.OWNER, costs.ACT, paced=True),
    Call("try_factor", TryFactor, Done, Who.PROVIDER, costs.LOG_IN, counts=Counts.FACTOR),
    Call("factor_tried", FactorTried, Done, Who.PROVIDER, costs.LOG_IN, counts=Counts.FACTOR),
    Call("spend_code", SpendCode, Done, Who.PROVIDER, costs.LOG_IN, paced=True, counts=Counts.FACTOR, asks_slapd=False),
    Call("mail_factor_code", MailFactorCode, Done, Who.PROVIDER, costs.LOG_IN),
    Call("factor_changed", FactorChanged, Done, Who.PROVIDER, costs.LOG_IN),
    Call("make_recovery_codes", MakeRecoveryCodes, Done, Who.PROVIDER, costs.PROOF),
    Call("entered", Entered, Done, Who.PROVIDER, costs.LOG_IN),
    Call("sessions_ended", SessionsEnded, Done, Who.PROVIDER, costs.PROOF),
):
    add(one)
