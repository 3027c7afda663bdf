"""The calls of accountd, on a directory in memory: admission, answers, journal."""

import base64
import contextlib
import datetime
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from malleposte.accountd.call import CALLS
from malleposte.accountd.calls import enrolment, passwords
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.calls.devices import RevokeDevice
from malleposte.accountd.calls.log_ins import EndLogIn
from malleposte.accountd.calls.mailbox.hours import SetHours
from malleposte.accountd.calls.protection import Block, EndSessions
from malleposte.accountd.calls.recovery import ConfirmRecovery, RecoveryAsked, SetRecovery
from malleposte.accountd.calls.settings import SetClass
from malleposte.accountd.calls.shared.charges import SetCharge
from malleposte.accountd.context import Rules, Tools, look_up
from malleposte.accountd.dispatch import Service
from malleposte.accountd.message import Done, ErrorCode, Owned, Refused, Request
from malleposte.accountd.notices.letters import Notifier
from malleposte.accountd.proof import Proofs, Provider
from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.hosts.acts.agendas import AgendaRoom
from malleposte.accounts.hosts.hostd import Hostd
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.hours.model import State as HoursState
from malleposte.accounts.mailbox.later.model import Shown
from malleposte.accounts.mailbox.senders import Senders
from malleposte.accounts.mailbox.tools.kinds.base import Outcome, Verdict
from malleposte.accounts.mailbox.tools.model import Shown as ToolsShown
from malleposte.accounts.mailbox.tools.place import Place
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import Agent, Attributes, State, agent_attributes
from malleposte.directory.protocol import Directory
from malleposte.policy.model import Policy
from malleposte.throttle import costs
from malleposte.throttle.limits import Limits, Rate, Rates
from malleposte.throttle.record.model import Kept, LogIn
from msgspec import structs

from tests.support.classes import CLASSES
from tests.support.directory import OPERATIONAL
from tests.support.tokens import CLIENT, ISSUER, Minter, made_key, public
from tests.unit.accountd.ground import Memory
from tests.unit.accountd.throttle import FakeThrottle

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
KEYS = Keyring.parse(json.dumps({"current": "k1", "keys": {"k1": base64.b64encode(b"k" * 32).decode()}}), "essai")
NUMEN, OTHER_NUMEN = "01E9500001ABC", "01E9500002ABC"
FACTS = Facts("ac-exemple.test", "académie d’Exemple", "pia.ac-exemple.test", "03", "aide@ac-exemple.test", "8 h", "8",
              Policy())  # fmt: skip
NOTIFIER = Notifier(
    "académie d’Exemple", "ac-exemple.test", "https://pia.ac-exemple.test/", "03", "aide@ac-exemple.test"
)
OLD, NEW = "Vieux-Chemin7!x", "Neuve-Barque8?z"
HERE = "192.0.2.7"
NOT_PROVED = Refused(ErrorCode.NOT_PROVED)
NO_LOG_IN = Refused(ErrorCode.UNAUTHORISED, "no token proves that the owner is logged in")
PROVIDER = Provider(ISSUER, {CLIENT: CLIENT}, (public(made_key()),))


def token(uid: str, **changed: Any) -> str:
    """The token of an agent who logged in a minute before the stage's now."""
    return Minter(clock=lambda: NOW.timestamp() - 60).access(uid, **changed)


class Channel:
    name = "essai"

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.broken = False

    def close(self, uid: str) -> None:
        self.closed.append(uid)
        if self.broken:
            raise MallepostError("stuck")

    def forget(self, uid: str) -> None:
        self.closed.append(uid)


NOTHING: dict[str, Any] = {
    "factors": (), "traces": ((), ()), "untrace": (), "journal": [], "log_ins": [], "end_log_in": None, "deleted": [],
    "undelete": {}, "senders": Senders(), "set_senders": Senders(), "hours": HoursState(), "set_hours": HoursState(),
    "later": Shown(), "set_later": Shown(), "decide_later": Shown(),
    "tools": ToolsShown(), "add_tool": ToolsShown(), "renew_tool": ToolsShown(), "change_tool": ToolsShown(),
    "try_tool": Verdict(Outcome.DONE), "linked": Place(), "my_meetings": [], "my_polls": [],
}  # fmt: skip
"""The answers of hosts that hold nothing, by their acts."""


class Hosts:
    def __init__(self) -> None:
        self.cuts: list[tuple[str, str]] = []
        self.mute = False
        self.forwards: tuple[str, ...] = ("ailleurs@exemple.test",)
        self.kept = Kept()
        self.agendas_away = False

    def __getattr__(self, act: str) -> Any:
        answer = NOTHING[act]
        return lambda *_words: answer

    def look(self, uid: str) -> Filters:
        if self.mute:
            raise MallepostError("the host of the mailbox gives no answer")
        return Filters("roundcube", ("roundcube",), self.forwards)

    def record(self, uid: str) -> tuple[Kept, list[Failure]]:
        return self.kept if uid == "mdupond" else Kept(), [Failure("record", "on mail2: no route")] if self.mute else []

    def agenda_room(self, uid: str, profile: str) -> AgendaRoom:
        if self.agendas_away:
            raise MallepostError("the host of the agendas gives no answer")
        return AgendaRoom(150, 200) if (uid, profile) == ("mdupond", "roundcube") else AgendaRoom()

    def cut(self, uid: str, device: str) -> list[Failure]:
        self.cuts.append((uid, device))
        return []

    def hold(self, uid: str) -> tuple[list[str], list[Failure]]:
        return [uid], []

    def carry(self, uid: str, profile: str) -> str:
        return profile

    def settle(self, uid: str, profile: str) -> Moved:
        return Moved()


class Gateway:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.broken = False

    def send(self, number: str, text: str) -> None:
        if self.broken:
            raise ConnectionRefusedError
        self.sent.append((number, text))


class Stage:
    """A service and all that it touches."""

    def __init__(self, folder: Path, ground: Any = None) -> None:
        """`ground`: see tests.unit.accountd.ground; in memory where none is given."""
        self.ground, self.channel = ground or Memory(), Channel()
        self.directory = self.ground.directory
        self.journal = folder / "journal"
        self.sent: list[tuple[str, codes.Issued]] = []
        self.told: list[tuple[list[str], str, datetime.datetime]] = []
        self.letters: list[EmailMessage] = []
        self.confirmations: list[tuple[str, codes.Issued]] = []
        self.reminders: list[tuple[str, str]] = []
        self.gateway = Gateway()
        self.hosts = Hosts()
        self.away = False
        self.noted: list[LogIn] = []
        self.acted: list[str] = []
        self.limits = Limits(Rates(account=Rate(1000, 60), wrong=Rate(3, 900)), clock=lambda: 0.0)
        letters = SimpleNamespace(
            send=lambda where, issued: self.sent.append((where, issued)),
            tell=self.tell,
            post=self.post,
            confirm=lambda where, issued: self.confirmations.append((where, issued)),
            remind=lambda where, login, now: self.reminders.append((where, login)),
        )
        tools = Tools(
            self.opened, KEYS, Policy(), "ac-exemple.test", self.journal, (self.channel,), cast("Hostd", self.hosts),
            cast("Notifier", letters), gateway=self.gateway, rules=Rules(devices=2), facts=lambda: FACTS,
            classes=lambda: CLASSES, proofs=Proofs(PROVIDER, lambda: NOW),
            note=self.noted.append, acted=self.acted.append, limits=self.limits, now=lambda: NOW,
        )  # fmt: skip
        self.service = Service(tools)

    def tell(self, where: Sequence[str], login: str, at: datetime.datetime) -> None:
        if self.mute:
            raise ConnectionRefusedError
        self.told.append((list(where), login, at))

    def post(self, letter: EmailMessage) -> None:
        if self.mute:
            raise ConnectionRefusedError
        self.letters.append(letter)

    @property
    def mute(self) -> bool:
        """Whether mail cannot be sent, and no host answers."""
        return self.hosts.mute

    @mute.setter
    def mute(self, mute: bool) -> None:
        self.hosts.mute = mute

    @contextlib.contextmanager
    def opened(self) -> Iterator[Directory]:
        if self.away:
            raise DirectoryError("the directory cannot be reached")
        with self.ground.opened() as directory:
            yield directory

    def agent(self, uid: str, state: State, numen: str = NUMEN, **more: list[str]) -> str:
        agent = Agent(
            uid, "Marie", "Dupond", f"{uid}@ac-exemple.test", "roundcube", state, login_aliases=(f"{uid}.bis",)
        )
        attributes: Attributes = agent_attributes(agent) | {"mpNumenDigest": [KEYS.digest("numen", numen)], **more}
        if state is not State.PENDING:
            attributes["userPassword"] = [OLD]
        forced = {name: values for name, values in attributes.items() if name.lower() in OPERATIONAL}
        given = {name: values for name, values in attributes.items() if values and name not in forced}
        self.directory.add(agent.dn(self.directory.suffix), given)
        if forced:
            self.ground.force(uid, **forced)
        return uid

    def code(self, uid: str, days: float = 30) -> str:
        issued = codes.issue(KEYS, uid, NOW, days)
        self.directory.modify(f"uid={uid},ou=people,{self.directory.suffix}", issued.attributes)
        return issued.code

    def held(self, uid: str, name: str) -> list[str]:
        (entry,) = self.directory.search("people", (name,), {"uid": uid})
        return sorted(entry.attributes.get(name, []))

    def opens(self, uid: str, password: str) -> bool:
        """Whether this is the account's password."""
        return bool(self.directory.log_in(f"uid={uid},ou=people,{self.directory.suffix}", password).ok)

    def ask[A: Done](self, request: Request[A]) -> A | Refused:
        return cast("A | Refused", self.service.answer(request, "accountd:pia1"))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]


def success[A: Done](answer: A | Refused) -> A:
    """The answer, which must not be a refusal."""
    assert isinstance(answer, Done), answer
    return answer


def refusal(answer: Done | Refused) -> Refused:
    """The refusal that the answer must be."""
    assert isinstance(answer, Refused), answer
    return answer


@pytest.fixture
def stage(tmp_path: Path, ground: Any) -> Stage:
    return Stage(tmp_path, ground)


@pytest.mark.parametrize(
    "wrong",
    [
        {"numen": OTHER_NUMEN}, {"numen": "nonsense"}, {"numen": ""}, {"code": "3" * 10}, {"code": ""},
        {"login": "nobody"}, {"login": "other"},
    ],
)  # fmt: skip
def test_whatever_is_wrong_the_answer_is_one(stage: Stage, wrong: dict[str, str]) -> None:
    stage.agent("other", State.ACTIVE, OTHER_NUMEN)
    uid = stage.agent("mdupond", State.ACTIVE)
    good = {"source": HERE, "login": uid, "numen": NUMEN, "code": stage.code(uid), "new": NEW}
    assert stage.ask(passwords.Reset(**good | wrong)) == NOT_PROVED
    assert stage.opens(uid, OLD)
    assert stage.ask(passwords.Reset(**good)) == Done(uid, "active"), "a failure spends no code"


def test_an_account_that_waits_has_a_first_log_in_and_no_reset(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.PENDING)
    refused = refusal(stage.ask(passwords.Reset(HERE, "", NUMEN, stage.code(uid), NEW)))
    assert (refused.error, stage.held(uid, "mpState")) == ("refused_value", ["pending"])


def test_an_old_code_and_a_suspended_account_get_the_same_answer(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.PENDING)
    assert stage.ask(enrolment.Begin(HERE, NUMEN, stage.code(uid, days=0))) == NOT_PROVED
    gone = stage.agent("gone", State.SUSPENDED, OTHER_NUMEN)
    assert stage.ask(passwords.Reset(HERE, gone, OTHER_NUMEN, stage.code(gone), NEW)) == NOT_PROVED
    assert stage.ask(passwords.Change(HERE, gone, OLD, NEW)) == NOT_PROVED
    assert stage.ask(passwords.Change(HERE, "nobody", OLD, NEW)) == NOT_PROVED


def test_a_change_is_proved_judged_and_closes_the_channels(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    assert stage.ask(passwords.Change(HERE, uid, "wrong", "weak")) == NOT_PROVED
    refused = refusal(stage.ask(passwords.Change(HERE, f"{uid}.bis", OLD, "weak")))
    assert {"too_short", "missing_upper"} <= {one.code for one in refused.violations}
    assert stage.channel.closed == []
    assert stage.ask(passwords.Change(HERE, f" {uid.upper()}@AC-exemple.test ", OLD, NEW)) == Done(uid, "active")
    assert stage.channel.closed == [uid]
    assert stage.ask(passwords.Change(HERE, uid, OLD, "Encore-Autre9!q")) == NOT_PROVED


def test_an_expired_agent_and_a_blocked_one(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.EXPIRED)
    stage.ground.expire(uid)
    assert stage.ask(passwords.Change(HERE, uid, OLD, NEW)) == Done(uid, "expired")
    done = stage.ask(Block(HERE, uid.upper(), token(uid, iat=int(NOW.timestamp()) + 1), "piraté"))
    assert done == Done(uid, "active", "20260903080000Z")
    assert stage.ask(passwords.Change(HERE, uid, NEW, "Encore-Autre9!q")) == NOT_PROVED
    again = refusal(stage.ask(passwords.Reset(HERE, uid, NUMEN, stage.code(uid), NEW)))
    assert [one.code for one in again.violations] == ["in_history"]
    reset = stage.ask(passwords.Reset(HERE, uid, NUMEN, stage.code(uid), "Encore-Autre9!q"))
    assert reset == Done(uid, "blocked", "20260903080000Z")
    assert stage.held(uid, "mpBlockedUntil") == ["20260903080000Z"]


def test_a_password_is_proved_for_a_log_in_elsewhere(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    for name in (uid, "MDupond.bis", f"{uid}@ac-exemple.test"):
        assert stage.ask(passwords.Prove(HERE, name, OLD)) == Done(uid, "active")
    for name, password in ((uid, "wrong"), ("nobody", OLD), (uid, "")):
        assert stage.ask(passwords.Prove(HERE, name, password)) == NOT_PROVED
    assert stage.opens(uid, OLD)
    assert OLD not in stage.journal.read_text("utf-8")


@pytest.mark.parametrize("state", [State.PENDING, State.BLOCKED, State.SUSPENDED])
def test_a_right_password_opens_nothing_in_these_states(stage: Stage, state: State) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    assert stage.ask(passwords.Prove(HERE, uid, OLD)) == Done(uid, "active")
    stage.directory.modify(f"uid={uid},ou=people,{stage.directory.suffix}", {"mpState": [state.value]})
    assert stage.ask(passwords.Prove(HERE, uid, OLD)) == NOT_PROVED


def test_an_old_password_must_be_renewed_and_a_wrong_one_does_not_learn_it(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.EXPIRED)
    renew = Refused(ErrorCode.MUST_RENEW)
    assert stage.ask(passwords.Prove(HERE, uid, OLD)) == renew
    other = stage.agent("jmartin", State.ACTIVE, OTHER_NUMEN)
    stage.ground.expire(other)
    assert stage.ask(passwords.Prove(HERE, other, OLD)) == renew
    assert stage.ask(passwords.Prove(HERE, other, "wrong")) == NOT_PROVED


def test_guesses_at_log_ins_wait_and_use_up_nothing_of_the_forms(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    for number in range(3):
        assert stage.ask(passwords.Prove(HERE, uid, f"wrong{number}")) == NOT_PROVED
    slowed = refusal(stage.ask(passwords.Prove(HERE, uid, OLD)))
    assert (slowed.error, slowed.wait) == ("slow_down", 900)
    assert stage.ask(passwords.Prove("198.51.100.7", uid, OLD)) == Done(uid, "active"), "the owner is not shut out"
    assert stage.ask(passwords.Prove(HERE, uid, OLD)) == Done(uid, "active"), "and has started afresh everywhere"
    counted = {kind for _owner, kind, *_rest in stage.limits.left()["strangers"]}
    assert counted == {"login-network"}, "the name's own began anew"


def test_wrong_ones_are_slowed_the_same_again_is_not(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    assert [stage.ask(passwords.Change(HERE, uid, "same", NEW)) for _ in range(20)] == [NOT_PROVED] * 20
    for number in range(2):
        assert stage.ask(passwords.Change(HERE, uid, f"wrong{number}", NEW)) == NOT_PROVED
    slowed = refusal(stage.ask(passwords.Change(HERE, uid, OLD, NEW)))
    assert (slowed.error, slowed.wait) == ("slow_down", 900)
    assert [stage.ask(passwords.Change(HERE, "nobody", f"w{n}", NEW)) for n in range(4)][-1] == slowed
    assert isinstance(stage.ask(passwords.Change("198.51.100.9", uid, OLD, NEW)), Done), "another network is free"
    assert isinstance(stage.ask(passwords.Change(HERE, uid, NEW, "Encore-Autre9!q")), Done), "and frees the first"


def test_the_throttle_of_the_platform_is_asked_and_told(stage: Stage) -> None:
    uid, throttle = stage.agent("mdupond", State.ACTIVE), FakeThrottle()
    object.__setattr__(stage.service.tools, "throttle", throttle)
    stage.ask(passwords.Change(HERE, uid, "wrong", NEW))
    stage.ask(passwords.Change(HERE, uid, OLD, NEW))
    assert throttle.told == [
        ("failed", uid, HERE, "wrong", "accountd"), ("succeeded", uid, HERE, "accountd", OLD),
        ("forget", uid, "mdupond.bis", "mdupond@ac-exemple.test",
         "ina:mdupond", "ina:mdupond.bis", "ina:mdupond@ac-exemple.test"),
        ("admit", uid, HERE),
    ]  # fmt: skip
    throttle.wait = 1.2
    assert stage.ask(passwords.Change(HERE, uid, NEW, OLD)) == Refused(ErrorCode.SLOW_DOWN, wait=2)
    whole = {"again": True, "bounded": True}
    assert throttle.how == [whole] * 3, "a digest of few bits is no reason not to look"


MINE, FRESH = "a" * 32, "b" * 32


@pytest.mark.parametrize("login", ["mdupond", "mdupond@ac-exemple.test"])
def test_a_browser_that_has_succeeded_waits_for_its_own_guesses_alone(stage: Stage, login: str) -> None:
    uid, throttle = stage.agent("mdupond", State.ACTIVE), FakeThrottle()
    object.__setattr__(stage.service.tools, "throttle", throttle)
    stage.limits.rates = Rates(account=Rate(30, 600), wrong=Rate(3, 900))
    right = passwords.Prove(HERE, login, OLD, MINE)
    assert stage.ask(right) == Done(uid, "active")
    assert throttle.judged == [f"browser\0{MINE}"], "the browser is the client's device"

    def slowed(password: str, browser: str) -> bool:
        answer = stage.ask(passwords.Prove(HERE, login, password, browser))
        return isinstance(answer, Refused) and answer.error is ErrorCode.SLOW_DOWN

    # Each guess with another cookie: together they are as many as without any.
    guesses = [slowed(f"wrong{number}", f"{number:032x}") for number in range(40)]
    assert guesses == [False] * 3 + [True] * 37
    assert slowed(OLD, FRESH) and slowed(OLD, ""), "strangers there wait, with the right password too"
    assert stage.ask(right) == Done(uid, "active")
    own = [slowed(f"wrong{number}", MINE) for number in range(6)]
    assert own == [False] * 3 + [True] * 3 and slowed(OLD, MINE), "a known browser may not guess freely"
    assert stage.ask(structs.replace(right, source="198.51.100.9")) == Done(uid, "active")


def test_a_code_opens_whatever_strangers_guess_and_then_the_new_password_there(stage: Stage) -> None:
    """Passwords that strangers try have one bound for all networks; codes, which slapd is not asked for, none."""
    uid, throttle = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["marie@exemple.test"]), FakeThrottle()
    object.__setattr__(stage.service.tools, "throttle", throttle)
    stage.ask(passwords.IssueCode(HERE, uid))
    ((_where, issued),) = stage.sent
    assert stage.ask(passwords.Reset(HERE, uid, NUMEN, "AAAA-AAAA-AA", NEW)) == NOT_PROVED
    assert throttle.words("admit") == []
    assert stage.ask(passwords.Reset(HERE, uid, NUMEN, issued.shown, NEW)) == Done(uid, "active")
    assert throttle.words("admit") == [(uid, HERE)]
    assert stage.ask(passwords.Prove(HERE, uid, NEW)) == Done(uid, "active")
    assert throttle.bounded == [False, False, True]


def test_a_code_goes_to_the_means_of_recovery_and_nowhere_else(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["marie@exemple.test"])
    stage.agent("pending", State.PENDING, OTHER_NUMEN, mpRecoveryMail=["autre@exemple.test"])
    for login in (uid, "nobody", "pending"):
        assert stage.ask(passwords.IssueCode(HERE, login)) == Done()
    ((where, issued),) = stage.sent
    assert where == "marie@exemple.test"
    assert issued.expires == NOW + datetime.timedelta(minutes=15)
    assert stage.ask(passwords.Reset(HERE, uid, NUMEN, issued.shown, NEW)) == Done(uid, "active")
    for _ in range(9):
        stage.ask(passwords.IssueCode(HERE, uid))
    assert len(stage.sent) == 3, "nobody's mailbox is filled"
    assert codes.waits({"mpInaCode": stage.held(uid, "mpInaCode")}, NOW, codes.Way.MAIL) == 2
    assert refusal(stage.ask(passwords.IssueCode(HERE, uid, "pigeon"))).error == "refused_value"


def test_no_code_goes_to_an_account_that_it_could_not_open(stage: Stage) -> None:
    means = {"mpRecoveryMail": ["marie@exemple.test"]}
    uid = stage.agent("mdupond", State.ACTIVE, mpNumenDigest=[], **means)
    assert stage.ask(passwords.IssueCode(HERE, uid)) == Done()
    assert (stage.sent, stage.held(uid, "mpInaCode")) == ([], [])
    assert {"action": "code", "sent": False, "reason": "no NUMEN"}.items() <= stage.lines()[-1].items()
    stage.ask(passwords.IssueCode(HERE, stage.agent("mleroy", State.ACTIVE, OTHER_NUMEN, **means)))
    assert [where for where, _code in stage.sent] == ["marie@exemple.test"]


def test_means_of_recovery_that_an_attacker_set_are_not_used(stage: Stage) -> None:
    uid = stage.agent(
        "mdupond", State.BLOCKED, mpRecoveryMail=["voleur@exemple.test"], mpRecoveryChanged=["20260830080000Z"]
    )
    stage.ask(passwords.IssueCode(HERE, uid))
    assert stage.sent == []
    assert stage.lines()[-1]["sent"] is False


def test_a_telephone_asks_for_the_password_counts_later_and_is_told(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["vieux@exemple.test"])
    assert stage.ask(SetRecovery(HERE, uid, "wrong", "phone", "06 12 34 56 78")) == NOT_PROVED
    for bad in (("mail", "nonsense"), ("mail", "x@ac-exemple.test"), ("mail", "x@a.ac-exemple.test"), ("phone", "12"),
                ("pigeon", "12")):  # fmt: skip
        assert refusal(stage.ask(SetRecovery(HERE, uid, OLD, *bad))).error == "refused_value"
    assert (stage.told, stage.confirmations) == ([], [])
    asked = stage.ask(SetRecovery(HERE, uid, OLD, "phone", "06 12 34 56 78"))
    assert asked == RecoveryAsked(uid, "active", "20260904080000Z")
    assert stage.held(uid, "mpRecoveryNext") == ["20260904080000Z vieux@exemple.test +33612345678"]
    assert stage.held(uid, "mpRecoveryPhone") == []
    later = datetime.datetime(2026, 9, 4, 8, tzinfo=datetime.UTC)
    assert stage.told == [(["vieux@exemple.test", "mdupond@ac-exemple.test"], uid, later)]


def new_address(stage: Stage, uid: str, address: str = "a@exemple.test") -> tuple[str, str]:
    """Ask for another address: its ticket and the code that was sent there."""
    done = success(stage.ask(SetRecovery(HERE, uid, OLD, "mail", address)))
    assert done.until == ""
    where, issued = stage.confirmations[-1]
    assert where == address
    return done.ticket, issued.shown


def test_an_address_counts_later_once_the_code_that_went_there_is_typed(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["vieux@exemple.test"])
    ticket, code = new_address(stage, uid)
    assert (stage.told, stage.held(uid, "mpRecoveryNext")) == ([], []), "nothing is changed yet"
    assert refusal(stage.ask(ConfirmRecovery(HERE, uid, token(uid), ticket, "3" * 10))).error == "refused_value"
    done = stage.ask(ConfirmRecovery(HERE, uid, token(uid), ticket, code.lower()))
    assert done == Done(uid, "active", "20260904080000Z")
    assert stage.held(uid, "mpRecoveryNext") == ["20260904080000Z a@exemple.test -"]
    assert stage.held(uid, "mpRecoveryMail") == ["vieux@exemple.test"]
    later = datetime.datetime(2026, 9, 4, 8, tzinfo=datetime.UTC)
    assert stage.told == [(["vieux@exemple.test", "a@exemple.test", "mdupond@ac-exemple.test"], uid, later)]
    refusal(stage.ask(ConfirmRecovery(HERE, uid, token(uid), ticket, code)))  # a ticket serves once
    stage.ask(passwords.IssueCode(HERE, uid))
    assert [where for where, _code in stage.sent] == ["vieux@exemple.test"]
    object.__setattr__(stage.service.tools, "now", lambda: later)
    stage.ask(passwords.IssueCode("198.51.100.7", uid))
    assert stage.sent[1][0] == "a@exemple.test"


def test_a_ticket_is_of_one_account_one_address_and_fifteen_minutes(stage: Stage) -> None:
    uid, other = stage.agent("mdupond", State.ACTIVE), stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    ticket, code = new_address(stage, uid)
    end, digest, _address = ticket.split(" ")
    refused = [
        ConfirmRecovery(HERE, other, token(other), ticket, code),
        ConfirmRecovery(HERE, uid, token(uid), f"{end} {digest} voleur@exemple.test", code),
        ConfirmRecovery(HERE, uid, token(uid), f"20991201120000Z {digest} a@exemple.test", code),
        ConfirmRecovery(HERE, uid, token(uid), "", code),
    ]
    for one in refused:
        assert refusal(stage.ask(one)).error == "refused_value"
    assert stage.ask(ConfirmRecovery(HERE, uid, token(other), ticket, code)) == NO_LOG_IN
    object.__setattr__(stage.service.tools, "now", lambda: NOW + datetime.timedelta(minutes=15))
    refusal(stage.ask(ConfirmRecovery(HERE, uid, token(uid), ticket, code)))
    object.__setattr__(stage.service.tools, "now", lambda: NOW + datetime.timedelta(minutes=14))
    assert isinstance(stage.ask(ConfirmRecovery(HERE, uid, token(uid), ticket, code)), Done)


def test_who_has_a_second_factor_changes_no_means_by_the_password_alone(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpTwoFactor=["totp"])
    for given in (("mail", "a@exemple.test"), ("phone", "06 12 34 56 78"), ("phone", "")):
        assert stage.ask(SetRecovery(HERE, uid, OLD, *given)) == NO_LOG_IN
        assert isinstance(stage.ask(SetRecovery(HERE, uid, OLD, *given, token=token(uid))), Done)
    assert [where for where, _code in stage.confirmations] == ["a@exemple.test"]


def test_codes_for_new_addresses_are_limited(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    answers = [stage.ask(SetRecovery(HERE, uid, OLD, "mail", f"a{n}@exemple.test")) for n in range(30)]
    assert {one.error for one in answers if isinstance(one, Refused)} == {"slow_down"}
    assert len(stage.confirmations) == len([one for one in answers if isinstance(one, Done)]) > 1


def test_a_change_of_means_that_cannot_be_told_is_not_made(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["vieux@exemple.test"])
    stage.mute = True
    assert refusal(stage.ask(SetRecovery(HERE, uid, OLD, "phone", "06 12 34 56 78"))).error == "unavailable"
    assert stage.held(uid, "mpRecoveryNext") == []
    stage.mute = False
    assert isinstance(stage.ask(SetRecovery(HERE, uid, OLD, "mail")), Done)
    assert stage.held(uid, "mpRecoveryNext") == ["20260904080000Z - -"], "to take one away waits as well"


def test_a_stranger_s_requests_end_no_code_and_use_up_nobody_s_quota(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["marie@exemple.test"])
    desk = stage.code(uid, 7)
    for number in range(9):
        stage.ask(passwords.IssueCode(f"198.51.{number % 2}.7", uid))
    assert len(stage.sent) == 6
    stage.ask(passwords.IssueCode(HERE, uid))
    assert len(stage.sent) == 7, "the owner, from elsewhere"
    assert len(stage.held(uid, "mpInaCode")) == 8
    wrong = [stage.ask(passwords.Reset(HERE, uid, NUMEN, f"{n}" * 10, NEW)) for n in (3, 4)]
    assert wrong == [NOT_PROVED] * 2
    done = stage.ask(passwords.Reset(HERE, uid, NUMEN, desk, NEW))
    assert done == Done(uid, "active"), "a wrong code counts once, however many wait"
    assert stage.held(uid, "mpInaCode") == [], "one that is used ends all"


def test_wrong_ones_count_for_the_account_by_whatever_name(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    names = (uid, f"{uid}.bis", f"{uid}@ac-exemple.test")
    assert [stage.ask(passwords.Change(HERE, name, f"wrong{name}", NEW)) for name in names] == [NOT_PROVED] * 3
    slowed = [stage.ask(passwords.Change(HERE, name, "another", NEW)) for name in names]
    assert [getattr(answer, "error", "") for answer in slowed] == ["slow_down"] * 3


def test_acts_on_one_s_own_account_and_on_nobody_else_s(stage: Stage) -> None:
    """Others' accounts are for the command line."""
    uid = stage.agent("mdupond", State.ACTIVE)
    stage.agent("chef", State.ACTIVE, OTHER_NUMEN)
    for by in (token("chef"), "", "nobody", token(uid)[:-4] + "AAAA"):
        for request in (Block(HERE, uid, by, "r"), EndSessions(HERE, uid, by),
                        SetClass(HERE, uid, by, "convergence")):  # fmt: skip
            assert refusal(stage.ask(request)).error == "unauthorised"
    assert (stage.held(uid, "mpState"), stage.held(uid, "mpProfile")) == (["active"], ["roundcube"])
    assert stage.channel.closed == []
    assert stage.ask(SetClass(HERE, uid, token(uid), "convergence")) == Done(uid, "active")
    assert stage.held(uid, "mpProfile") == ["convergence"]
    assert isinstance(stage.ask(SetClass(HERE, uid, token(uid), "luxe")), Refused)
    stage.channel.broken = True
    assert stage.ask(EndSessions(HERE, uid, token(uid))) == Done(uid, "active", open=("essai",))
    for request in (
        EndSessions(HERE, "nobody", token("nobody")),
        Block(HERE, "nobody", token("nobody"), "r"),
    ):
        assert refusal(stage.ask(request)).error == "not_found"
    assert refusal(stage.ask(Block(HERE, uid, token(uid, iat=int(NOW.timestamp()) + 20), " "))).error == "refused_value"
    assert stage.lines()[0]["by"] == uid


NULL = "nul"


def test_acts_that_change_nothing_stop_nobody(stage: Stage) -> None:
    """Three hundred of one agent used up the portal's budget of ten minutes, for everybody."""
    noisy, other = stage.agent("mdupond", State.ACTIVE), stage.agent("jmartin", State.ACTIVE, OTHER_NUMEN)
    requests = (
        SetHours(HERE, noisy, token(noisy), slots=(NULL,)),
        SetHours(HERE, noisy, token(noisy)),
        SetClass(HERE, noisy, token(noisy), NULL),
        RevokeDevice(HERE, noisy, token(noisy), NULL),
        SetCharge(HERE, noisy, token(noisy), "list", NULL, "poster", "x@y.test"),
    )
    for number in range(301):
        stage.ask(requests[number % len(requests)])
    hours = SetHours(HERE, other, token(other), slots=("1 10:00-11:00",))
    assert isinstance(stage.ask(hours), Done)
    for uid in (noisy, other):
        assert isinstance(stage.ask(EndSessions(HERE, uid, token(uid))), Done)
        anew = token(uid, iat=int(NOW.timestamp()) + 20)
        assert isinstance(stage.ask(Block(HERE, uid, anew, "piraté")), Done), uid
        assert stage.held(uid, "mpState") == ["blocked"]


def test_nobody_s_own_block_is_refused_and_a_wave_is_told(stage: Stage) -> None:
    """Twenty an hour for the whole portal were too few on the day of a wave of phishing."""
    stage.limits.rates = Rates(protections=Rate(30, 3600), whole=Rate(1, 60))
    agents = [stage.agent(f"agent{number}", State.ACTIVE, f"01E95{number:05d}ABC") for number in range(35)]
    stage.ask(passwords.Change(HERE, "nobody", "x", NEW))
    answers = [stage.ask(Block(HERE, one, token(one), "piraté")) for one in agents]
    assert [isinstance(answer, Done) for answer in answers] == [True] * len(agents)
    (letter,) = stage.letters
    assert letter["To"] == "postmaster@ac-exemple.test" and "plus de 30 demandes" in letter.get_content()


def test_a_wave_that_cannot_be_told_stops_no_block(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.limits.rates, stage.mute = Rates(protections=Rate(0, 3600)), True
    uid = stage.agent("mdupond", State.ACTIVE)
    assert isinstance(stage.ask(Block(HERE, uid, token(uid), "piraté")), Done)
    assert "more than 0 acts of protection" in caplog.text


def test_a_client_that_does_too_much_for_everybody_waits_and_nobody_s_block_does(stage: Stage) -> None:
    stage.limits.rates = Rates(all_acts=Rate(3, 600))
    agents = [stage.agent(f"agent{number}", State.ACTIVE, f"01E95{number:05d}ABC") for number in range(5)]
    hours = [stage.ask(SetHours(HERE, one, token(one), slots=("1 10:00-11:00",))) for one in agents]
    assert [getattr(answer, "error", "done") for answer in hours] == ["done"] * 3 + ["slow_down"] * 2
    assert isinstance(stage.ask(Block(HERE, agents[4], token(agents[4]), "piraté")), Done)


def test_every_call_says_what_it_costs() -> None:
    for kind in CALLS.values():
        assert (kind.cost in (costs.PROOF, costs.LOG_IN)) is not issubclass(kind.request, Owned), kind
    protect = {kind.request for kind in CALLS.values() if kind.cost is costs.PROTECT}
    assert protect == {Block, EndSessions, EndLogIn, RevokeDevice}


def test_a_name_that_is_typed_does_not_count_as_a_browser(stage: Stage) -> None:
    stage.limits.rates = Rates(network=Rate(2, 600))
    answers = [stage.ask(passwords.Change(HERE, f"a\0{number}", "x", NEW)) for number in range(4)]
    assert [getattr(answer, "error", "") for answer in answers] == ["not_proved"] * 2 + ["slow_down"] * 2


def test_a_block_waits_for_no_other_act(stage: Stage) -> None:
    """Neither for agendas of the same account that move, nor for anything of another account."""
    uid = stage.agent("mdupond", State.ACTIVE)
    others = [stage.agent(f"agent{n}", State.ACTIVE, f"01E95{n:05d}ABC") for n in range(100)]
    entered, leave = threading.Event(), threading.Event()

    def settle(self: Hosts, uid: str, profile: str) -> Moved:
        entered.set()
        assert leave.wait(120)
        return Moved()

    def close() -> list[Done | Refused]:
        return [stage.ask(Block(HERE, one, token(one), "piraté")) for one in (uid, *others[:15])]

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(Hosts, "settle", settle)
        slow = pool.submit(stage.ask, SetClass(HERE, uid, token(uid), "convergence"))
        try:
            assert entered.wait(30)
            with stage.service.locks.alone("somebody"):
                blocked = pool.submit(close).result(120)
            assert all(isinstance(answer, Done) for answer in blocked)
            assert stage.held(uid, "mpState") == ["blocked"]
            assert not slow.done()
        finally:
            leave.set()
        assert isinstance(slow.result(30), Done)
    assert stage.service.locks._locks == {}


def test_what_fails_inside_says_so_and_no_more(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    stage.away = True
    answer = stage.ask(passwords.Change(HERE, uid, OLD, NEW))
    assert answer == Refused(ErrorCode.UNAVAILABLE, "the directory gives no answer")
    stage.away = False
    stage.directory.fail_after = stage.directory.changes
    assert refusal(stage.ask(passwords.Change(HERE, uid, OLD, NEW))).error == "unavailable"
    assert stage.ask(passwords.Change("nowhere", uid, OLD, NEW)) == Refused(
        ErrorCode.BAD_REQUEST, "source is no address"
    )
    assert OLD not in caplog.text
    assert NEW not in caplog.text


def test_the_journal_names_the_service_and_no_secret(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE, mpRecoveryMail=["marie@exemple.test"])
    stage.ask(passwords.Change(HERE, uid, "wrong-secret", NEW))
    stage.ask(passwords.Change(HERE, "mot-de-passe-tapé-ici", OLD, NEW))
    stage.ask(passwords.IssueCode(HERE, uid))
    code = stage.sent[0][1]
    stage.ask(passwords.Reset(HERE, uid, NUMEN, code.code, NEW))
    lines = stage.lines()
    assert {(line["who"], line["source"], line["account"]) for line in lines} == {("accountd:pia1", HERE, uid)}
    assert [line["action"] for line in lines] == ["refused", "modify", "code", "reset"]
    text = stage.journal.read_text("utf-8")
    for secret in (OLD, NEW, "wrong-secret", "tapé", NUMEN, code.code, code.shown, "k1:"):
        assert secret not in text
    assert stage.journal.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("login", ["", " ", "*", "a)(uid=*", "x" * 400, "a\0b"])
def test_a_log_in_is_a_value_and_nothing_else(stage: Stage, login: str) -> None:
    stage.agent("mdupond", State.ACTIVE)
    assert look_up(stage.directory, login) == ""
    assert look_up(stage.directory, "Mdupond@ac-exemple.TEST") == "mdupond"


@pytest.mark.usefixtures("paris")
def test_the_letter_has_the_code_in_french_first() -> None:
    issued = codes.issue(KEYS, "mdupond", NOW, 1 / 24)
    message = NOTIFIER.message("marie@exemple.test", issued)
    text = message.get_content()
    assert issued.shown in text
    assert "jusqu’au 01/09/2026 à 11 h 00" in text
    assert text.index("Bonjour") < text.index("English")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"].addresses[0].addr_spec == "postmaster@ac-exemple.test"


@pytest.mark.usefixtures("paris")
def test_the_letter_on_means_of_recovery_has_no_address_and_french_first() -> None:
    message = NOTIFIER.change("marie@exemple.test", "mdupond", NOW)
    text = message.get_content()
    assert "prendra effet le 01/09/2026 à 10 h 00" in text
    assert text.index("Bonjour") < text.index("English")
    assert "« mdupond »" in text
    assert message["Subject"].startswith("Vos moyens de secours")


def test_what_was_carried_out_is_counted_by_its_name_alone(stage: Stage) -> None:
    uid = stage.agent("mdupond", State.ACTIVE)
    who = {"source": HERE, "uid": uid, "token": token(uid)}
    success(stage.ask(SetClass(**who, profile="convergence")))
    assert stage.acted == ["set_class"]
    success(stage.ask(ShowAccount(**who)))
    refusal(stage.ask(SetClass(**who, profile="nothing")))
    refusal(stage.ask(SetClass(**who | {"token": "none"}, profile="roundcube")))
    assert stage.acted == ["set_class"], "what changed nothing is no act"
