"""The file of a first log-in: answers given so far, kept in the entry until the account is active.

NUMEN and INA code open it; from then on a *ticket* does, a signed text that holds for an hour and no longer than the
code by which it came. The file is in the directory (`mpEnrolment`: a line a step), so that a lost connection, another
device or a restarted daemon cost nothing: the same two secrets open it again where it was left.

    called END DIGEST NUMBER    a number to which a code went, until it is typed
    phone +33612345678          the telephone; `-` when the agent gives none
    sent END DIGEST ADDRESS     an address to which a code went, until it is typed
    mail ADDRESS                the confirmed address; `-` when the agent gives none
    charter TIME VERSION        the charter, as it was accepted
"""

from __future__ import annotations

import datetime
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.life.base import change
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import stamp, when

ATTRIBUTE = "mpEnrolment"
CHARTER = "mpCharter"
"""`TIME VERSION` of the charter that an agent accepted."""
TICKET_MINUTES = 60.0
CONFIRM_MINUTES = 15.0
NONE = "-"
LONGEST_VERSION = 32


class Step(StrEnum):
    """A step of a first log-in, in order."""

    PHONE = "phone"
    PHONE_CODE = "phone_code"
    MAIL = "mail"
    CONFIRM = "confirm"
    CHARTER = "charter"
    PASSWORD = "password"  # noqa: S105  # a name, no password


class Asked(StrEnum):
    """Whether a step is asked, and whether it may be passed over."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"


@dataclass(frozen=True)
class Rules:
    """The steps of an academy (fact `malleposte_activation`)."""

    phone: Asked = Asked.OPTIONAL
    mail: Asked = Asked.OPTIONAL
    charter: Asked = Asked.REQUIRED

    def __post_init__(self) -> None:
        """Raise ValueError for a charter that may be passed over."""
        if self.charter is Asked.OPTIONAL:
            raise ValueError("a charter is required or off")


@dataclass(frozen=True)
class Waiting:
    """An address or a number to which a code went, and which is not confirmed yet; an empty one is none."""

    to: str = ""
    end: datetime.datetime | None = None
    digest: str = field(default="", repr=False)

    @classmethod
    def read(cls, line: str) -> Waiting:
        """From the line of an entry; empty for none."""
        end, digest, to = [*line.split(" ", 2), "", "", ""][:3]
        return cls(to, when(end) if to else None, digest)

    @property
    def line(self) -> str | None:
        """As an entry holds it; None for none."""
        return f"{stamp(self.end)} {self.digest} {self.to}" if self.end and self.to else None


@dataclass(frozen=True)
class File:
    """Answers so far: None where nothing was answered, empty where the agent gives none."""

    phone: str | None = None
    mail: str | None = None
    called: Waiting = Waiting()
    sent: Waiting = Waiting()
    charter: str = ""

    @classmethod
    def read(cls, attributes: Mapping[str, Sequence[str]]) -> File:
        """From the attributes of an entry."""
        lines = dict(value.split(" ", 1) for value in attributes.get(ATTRIBUTE, ()) if " " in value)
        phone, mail = lines.get("phone"), lines.get("mail")
        return cls(
            None if phone is None else phone.removeprefix(NONE), None if mail is None else mail.removeprefix(NONE),
            Waiting.read(lines.get("called", "")), Waiting.read(lines.get("sent", "")), lines.get("charter", ""),
        )  # fmt: skip

    @property
    def attributes(self) -> Attributes:
        """As an entry holds it."""
        lines = {
            "phone": None if self.phone is None else self.phone or NONE,
            "mail": None if self.mail is None else self.mail or NONE,
            "called": self.called.line,
            "sent": self.sent.line,
            "charter": self.charter or None,
        }
        return {ATTRIBUTE: [f"{name} {text}" for name, text in lines.items() if text is not None]}

    def left(self, rules: Rules) -> tuple[Step, ...]:
        """The steps that are left, in order; the password is always the last."""
        steps = []
        if self.phone is None and rules.phone is not Asked.OFF:
            steps.append(Step.PHONE_CODE if self.called.to else Step.PHONE)
        if self.mail is None and rules.mail is not Asked.OFF:
            steps.append(Step.CONFIRM if self.sent.to else Step.MAIL)
        if not self.charter and rules.charter is not Asked.OFF:
            steps.append(Step.CHARTER)
        return (*steps, Step.PASSWORD)

    @staticmethod
    def steps(rules: Rules, state: State) -> tuple[Step, ...]:
        """All steps of an account in that state, answered or not, in order; that of a code counts with its address."""
        if state is not State.PENDING:
            return (Step.PASSWORD,)
        asked = {Step.PHONE: rules.phone, Step.MAIL: rules.mail, Step.CHARTER: rules.charter}
        return (*(one for one, how in asked.items() if how is not Asked.OFF), Step.PASSWORD)

    def needed(self, rules: Rules) -> tuple[Step, ...]:
        """Those of them without which no password is taken."""
        may = {
            Step.PHONE: rules.phone, Step.PHONE_CODE: rules.phone, Step.MAIL: rules.mail, Step.CONFIRM: rules.mail,
            Step.CHARTER: rules.charter,
        }  # fmt: skip
        return tuple(one for one in self.left(rules) if may.get(one) is Asked.REQUIRED)

    def spent(self) -> Attributes:
        """The entry's attributes once the account is active: means given count at once, the file goes."""
        means: Attributes = {
            "mpRecoveryMail": [self.mail] if self.mail else [],
            "mpRecoveryPhone": [self.phone] if self.phone else [],
        }
        chosen = {name: values for name, values in means.items() if values}
        return {**chosen, ATTRIBUTE: [], **({CHARTER: [self.charter]} if self.charter else {})}


def keep(entry: Entry, file: File) -> list[Change]:
    """The change that writes a file into its entry; none where it is there already."""
    return change(Kind.MODIFY, entry, file.attributes)


def begun(attributes: Mapping[str, Sequence[str]]) -> File:
    """The file of an account. One that had a password has no steps but the password."""
    if first(dict(attributes), "mpState") != State.PENDING:
        return File("", "", charter=NONE)
    return File.read(attributes)


def ask_confirmation(
    file: File, keys: Keyring, uid: str, step: Step, to: str, now: datetime.datetime, minutes: float = CONFIRM_MINUTES
) -> tuple[File, codes.Issued]:
    """The file with an address (`step` is MAIL) or a number (PHONE) that waits for its code, and the code.

    One that was sent there before ends.
    """
    issued = codes.issue(keys, uid, now, minutes / 1440, way=codes.Way.MAIL)
    waiting = Waiting(to, issued.expires, _typed(keys, uid, to, issued.code))
    if step is Step.PHONE:
        return replace(file, phone=None, called=waiting), issued
    return replace(file, mail=None, sent=waiting), issued


def confirmed(file: File, keys: Keyring, uid: str, step: Step, code: str, now: datetime.datetime) -> File | None:
    """The file with the address (`step` is CONFIRM) or the number (PHONE_CODE) confirmed by its code.

    None when it is another one, or too late.
    """
    waiting, typed = file.called if step is Step.PHONE_CODE else file.sent, codes.normalise(code)
    right = False
    for name in keys.keys:
        right |= hmac.compare_digest(_typed(keys, uid, waiting.to, typed, name).encode(), waiting.digest.encode())
    if not right or not waiting.to or waiting.end is None or waiting.end <= now:
        return None
    if step is Step.PHONE_CODE:
        return replace(file, phone=waiting.to, called=Waiting())
    return replace(file, mail=waiting.to, sent=Waiting())


def accepted(file: File, version: str, now: datetime.datetime) -> File:
    """The file with the charter accepted. Raises InputError for what is no version."""
    if not version.isascii() or not version.isalnum() or len(version) > LONGEST_VERSION:
        raise InputError("the version of a charter is letters and digits")
    return replace(file, charter=f"{stamp(now)} {version}")


def ticket(keys: Keyring, uid: str, code: codes.Waiting, now: datetime.datetime) -> str:
    """A ticket for an agent who has proved NUMEN and this code: `END.UID.MAC`."""
    end = min(stamp(now + datetime.timedelta(minutes=TICKET_MINUTES)), code.end)
    return f"{end}.{uid}.{_mac(keys, uid, end, code)}"


def ticket_holder(text: str) -> str:
    """The uid that a ticket claims; empty for what is no ticket."""
    end, _dot, rest = text.partition(".")
    uid, _dot, mac = rest.rpartition(".")
    return uid if end and mac else ""


def holds(keys: Keyring, text: str, attributes: Mapping[str, Sequence[str]], now: datetime.datetime) -> bool:
    """Whether a ticket is good for the account with these attributes: in time, and its code still waits."""
    end, uid = text.partition(".")[0], first(dict(attributes), "uid")
    mac = text.rpartition(".")[2]
    valid = False
    for one in codes.waiting(attributes):
        for name in keys.keys:
            right = hmac.compare_digest(_mac(keys, uid, end, one, name).encode(), mac.encode())
            valid |= right and one.end > stamp(now)
    return valid and uid == ticket_holder(text) and end > stamp(now)


def _mac(keys: Keyring, uid: str, end: str, code: codes.Waiting, name: str | None = None) -> str:
    return keys.digest("ticket", f"{uid}\0{end}\0{code.value}", name)


def _typed(keys: Keyring, uid: str, address: str, code: str, name: str | None = None) -> str:
    return keys.digest("confirm", f"{uid}\0{address}\0{code}", name)
