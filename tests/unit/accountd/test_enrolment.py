"""A first log-in: steps in any order and over days, one answer for strangers, a password at the end, nothing twice."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec.structs
import pytest
from malleposte.accountd.calls import enrolment, passwords
from malleposte.accountd.message import Done, Refused, Request
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.enrolment import Asked, Rules
from malleposte.directory.model import State
from malleposte.throttle.limits import Rate, Rates

from tests.support.directory import MemoryDirectory
from tests.unit.accountd.test_service import HERE, NEW, NOT_PROVED, NOW, NUMEN, OLD, OTHER_NUMEN, Stage, refusal

ADDRESS = "marie@exemple.test"
CHARTER = "v2026"


class Desk(Stage):
    """A service, and the steps of a first log-in as a client asks for them."""

    def settle(self, **more: Any) -> None:
        """Change tools of the service."""
        tools = self.service.tools
        for name, value in more.items():
            holder = next(one for one in (tools.rules, tools.letters, tools) if hasattr(one, name))
            object.__setattr__(holder, name, value)

    def pending(self, uid: str = "mdupond", numen: str = NUMEN, **more: list[str]) -> str:
        self.agent(uid, State.PENDING, numen, **more)
        return self.code(uid)

    def begin(self, code: str, numen: str = NUMEN, source: str = HERE) -> enrolment.EnrolmentBegun:
        done = self.ask(enrolment.Begin(source, numen, code))
        assert isinstance(done, enrolment.EnrolmentBegun), done
        return done

    def step(self, ticket: str, step: str, value: str = "") -> enrolment.Enrolment:
        done = self.ask(enrolment.Enrol(HERE, ticket, step, value))
        assert isinstance(done, enrolment.EnrolmentFile), done
        return done.enrolment

    def refused(self, request: Request[Any]) -> str:
        answer = refusal(self.ask(request))
        return answer.error.value


@pytest.fixture
def desk(tmp_path: Path, ground: Any) -> Desk:
    return Desk(tmp_path, ground)


def test_every_step_then_the_password(desk: Desk) -> None:
    code = desk.pending()
    begun = desk.begin(f"{code[:5]} {code[5:]}".lower(), " 01 e9500001 abc")
    assert begun.enrolment == enrolment.Enrolment(
        "Marie", "Dupond", "mdupond@ac-exemple.test",
        left=("phone", "mail", "charter", "password"), needed=("charter",),
        steps=("phone", "mail", "charter", "password"),
    )  # fmt: skip
    # A number that is copied on a telephone comes between marks that nobody sees.
    told = desk.step(begun.ticket, "phone", "\u202a06 12 34 56 78\u202c")
    assert (told.left, told.called) == (("phone_code", "mail", "charter", "password"), "+33612345678")
    told = desk.step(begun.ticket, "phone_code", texted(desk))
    assert (told.left, told.called, told.phone) == (("mail", "charter", "password"), "", "+33612345678")
    told = desk.step(begun.ticket, "mail", "Marie@Exemple.test")
    assert (told.left, told.waiting, told.recovery) == (("confirm", "charter", "password"), ADDRESS, "")
    ((where, sent),) = desk.confirmations
    assert (where, sent.expires) == (ADDRESS, NOW + datetime.timedelta(minutes=15))
    told = desk.step(begun.ticket, "confirm", sent.shown.lower())
    assert (told.left, told.waiting, told.recovery) == (("charter", "password"), "", ADDRESS)
    assert desk.refused(enrolment.Activate(HERE, begun.ticket, NEW)) == "refused_value", "the charter is missing"
    assert desk.step(begun.ticket, "charter", CHARTER).left == ("password",)
    assert desk.refused(enrolment.Activate(HERE, begun.ticket, "weak")) == "refused_password"
    assert desk.held("mdupond", "mpState") == ["pending"]
    assert desk.ask(enrolment.Activate(HERE, begun.ticket, NEW)) == Done("mdupond", "pending")
    for name, values in (
        ("mpState", ["active"]), ("mpInaCode", []), ("mpEnrolment", []),
        ("mpRecoveryMail", [ADDRESS]), ("mpRecoveryPhone", ["+33612345678"]), ("mpRecoveryNext", []),
        ("mpCharter", ["20260901080000Z v2026"]),
    ):  # fmt: skip
        assert desk.held("mdupond", name) == values, name
    assert desk.opens("mdupond", NEW) and desk.channel.closed == ["mdupond"]
    (letter,) = desk.letters
    assert letter["To"] == "mdupond@ac-exemple.test"
    body = letter.get_body(("plain",))
    assert body is not None and "téléphone" in body.get_content()
    for request in (
        enrolment.Activate(HERE, begun.ticket, "Encore-Autre9!q"),
        enrolment.Enrol(HERE, begun.ticket, "look"),
        enrolment.Begin(HERE, NUMEN, code),
    ):
        assert desk.ask(request) == NOT_PROVED, "spent"


def texted(desk: Desk) -> str:
    """The code of the last text message."""
    _number, text = desk.gateway.sent[-1]
    return text.split("Code reçu ")[1].split(",")[0]


def test_a_number_counts_once_its_code_is_typed(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.step(ticket, "phone", "0612345678")
    first = texted(desk)
    assert desk.refused(enrolment.Enrol(HERE, ticket, "phone_code", "3" * 10)) == "refused_value"
    desk.step(ticket, "phone", "0698765432")
    assert [number for number, _text in desk.gateway.sent] == ["+33612345678", "+33698765432"]
    assert desk.refused(enrolment.Enrol(HERE, ticket, "phone_code", first)) == "refused_value", "of another number"
    second = texted(desk)
    desk.settle(now=lambda: NOW + datetime.timedelta(minutes=15))
    assert desk.refused(enrolment.Enrol(HERE, ticket, "phone_code", second)) == "refused_value", "too late"
    desk.settle(now=lambda: NOW + datetime.timedelta(minutes=14))
    assert second not in "".join(desk.held("mdupond", "mpEnrolment"))
    desk.step(ticket, "mail"), desk.step(ticket, "charter", CHARTER)
    assert desk.step(ticket, "phone_code", second).phone == "+33698765432"
    assert isinstance(desk.ask(enrolment.Activate(HERE, ticket, NEW)), Done)
    assert desk.held("mdupond", "mpRecoveryPhone") == ["+33698765432"]


def test_a_number_that_is_not_proved_is_not_kept(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.step(ticket, "phone", "0612345678")
    for step, value in (("mail", ""), ("charter", CHARTER)):
        desk.step(ticket, step, value)
    assert desk.step(ticket, "look").left == ("phone_code", "password")
    assert desk.step(ticket, "phone").left == ("password",), "the step may be passed over"
    assert isinstance(desk.ask(enrolment.Activate(HERE, ticket, NEW)), Done)
    assert desk.held("mdupond", "mpRecoveryPhone") == []


def test_without_a_gateway_a_number_is_taken_as_it_is_given(desk: Desk) -> None:
    desk.settle(gateway=None)
    ticket = desk.begin(desk.pending()).ticket
    told = desk.step(ticket, "phone", "0612345678")
    assert (told.left, told.phone) == (("mail", "charter", "password"), "+33612345678")


def test_a_gateway_that_is_away_keeps_the_step(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.gateway.broken = True
    assert desk.refused(enrolment.Enrol(HERE, ticket, "phone", "0612345678")) == "unavailable"
    assert desk.lines()[-1]["reason"] and "612345678" not in desk.journal.read_text("utf-8")
    desk.gateway.broken = False
    assert desk.step(ticket, "phone", "0612345678").left[0] == "phone_code"
    assert desk.step(ticket, "phone_code", texted(desk)).phone == "+33612345678"


def test_codes_to_a_number_take_none_from_those_to_an_address(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    for _time in range(3):
        desk.step(ticket, "phone", "0612345678")
    assert desk.refused(enrolment.Enrol(HERE, ticket, "phone", "0612345678")) == "slow_down"
    assert desk.step(ticket, "mail", ADDRESS).waiting == ADDRESS


def test_a_lost_connection_costs_nothing(desk: Desk) -> None:
    code = desk.pending()
    first = desk.begin(code)
    desk.step(first.ticket, "phone", "0612345678")
    desk.step(first.ticket, "phone_code", texted(desk))
    desk.step(first.ticket, "mail", ADDRESS)
    again = desk.begin(code, source="198.51.100.7")
    assert again.enrolment is not None
    assert (again.enrolment.phone, again.enrolment.waiting) == ("+33612345678", ADDRESS)
    assert again.enrolment.left == ("confirm", "charter", "password")
    assert desk.step(first.ticket, "confirm", desk.confirmations[0][1].code).recovery == ADDRESS
    assert desk.step(again.ticket, "look").recovery == ADDRESS, "both are of one file"


def test_steps_may_be_passed_over_where_the_academy_lets_them(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    assert desk.step(ticket, "phone").left == ("mail", "charter", "password")
    assert desk.step(ticket, "mail").left == ("charter", "password")
    desk.step(ticket, "charter", CHARTER)
    assert desk.ask(enrolment.Activate(HERE, ticket, NEW)) == Done("mdupond", "pending")
    assert desk.held("mdupond", "mpRecoveryMail") == desk.held("mdupond", "mpRecoveryChanged") == []


def test_steps_that_an_academy_demands_or_leaves_out(desk: Desk) -> None:
    desk.settle(activation=Rules(Asked.OFF, Asked.REQUIRED, Asked.OFF))
    begun = desk.begin(desk.pending())
    assert begun.enrolment is not None
    assert (begun.enrolment.left, begun.enrolment.needed) == (("mail", "password"), ("mail",))
    assert begun.enrolment.steps == ("mail", "password")
    assert desk.refused(enrolment.Enrol(HERE, begun.ticket, "mail")) == "refused_value"
    desk.step(begun.ticket, "mail", ADDRESS)
    assert desk.refused(enrolment.Activate(HERE, begun.ticket, NEW)) == "refused_value", (
        "an address counts once confirmed"
    )
    desk.step(begun.ticket, "confirm", desk.confirmations[0][1].code)
    assert isinstance(desk.ask(enrolment.Activate(HERE, begun.ticket, NEW)), Done)


@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("mail", "nonsense"), ("mail", "x@ac-exemple.test"), ("mail", "x@listes.AC-exemple.test"), ("phone", "12"),
        ("confirm", ""), ("confirm", "3" * 10), ("charter", "two words"), ("charter", "x" * 40), ("charter", ""),
        ("password", NEW), ("", ""), ("nonsense", "x"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_taken_changes_nothing(desk: Desk, step: str, value: str) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.step(ticket, "mail", ADDRESS)
    before = desk.held("mdupond", "mpEnrolment")
    assert desk.refused(enrolment.Enrol(HERE, ticket, step, value)) == "refused_value"
    assert desk.held("mdupond", "mpEnrolment") == before
    assert desk.step(ticket, "confirm", desk.confirmations[0][1].code).recovery == ADDRESS


def test_a_code_for_an_address_is_good_once_for_that_address_and_in_time(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.step(ticket, "mail", ADDRESS)
    desk.step(ticket, "mail", "autre@exemple.test")
    (_old, first), (_new, second) = desk.confirmations
    assert desk.refused(enrolment.Enrol(HERE, ticket, "confirm", first.code)) == "refused_value", "of another address"
    desk.settle(now=lambda: NOW + datetime.timedelta(minutes=15))
    assert desk.refused(enrolment.Enrol(HERE, ticket, "confirm", second.code)) == "refused_value", "too late"
    desk.settle(now=lambda: NOW + datetime.timedelta(minutes=14))
    assert desk.step(ticket, "confirm", second.code).recovery == "autre@exemple.test"
    assert desk.refused(enrolment.Enrol(HERE, ticket, "confirm", second.code)) == "refused_value", "a second time"
    digest = "".join(desk.held("mdupond", "mpEnrolment"))
    assert second.code not in digest


@pytest.mark.parametrize("change", ["later", "another code", "another account", "forged", "empty", "suspended"])
def test_a_ticket_is_over(desk: Desk, change: str) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.agent("other", State.PENDING, OTHER_NUMEN)
    desk.code("other")
    assert desk.step(ticket, "look").given == "Marie"
    if change == "later":
        desk.settle(now=lambda: NOW + datetime.timedelta(minutes=61))
    elif change == "another code":
        desk.code("mdupond")
    elif change == "suspended":
        desk.directory.modify(f"uid=mdupond,ou=people,{desk.directory.suffix}", {"mpState": ["suspended"]})
    elif change == "another account":
        ticket = ticket.replace("mdupond", "other")
    elif change == "forged":
        ticket = ticket[:-1] + ("A" if ticket[-1] != "A" else "B")
    else:
        ticket = ""
    for request in (enrolment.Enrol(HERE, ticket, "look"), enrolment.Activate(HERE, ticket, NEW)):
        assert desk.ask(request) == NOT_PROVED
    assert not desk.opens("mdupond", NEW)


def test_an_account_that_had_a_password_chooses_another_and_gives_no_means(desk: Desk) -> None:
    desk.agent("mdupond", State.ACTIVE, mpRecoveryMail=["vieux@exemple.test"])
    begun = desk.begin(desk.code("mdupond"))
    assert begun.enrolment is not None
    assert (begun.before, begun.enrolment.left, begun.enrolment.needed) == ("active", ("password",), ())
    assert begun.enrolment.steps == ("password",)
    assert desk.step(begun.ticket, "mail", "voleur@exemple.test").left == ("password",)
    assert desk.ask(enrolment.Activate(HERE, begun.ticket, NEW)) == Done("mdupond", "active")
    assert (desk.held("mdupond", "mpRecoveryMail"), desk.letters) == (["vieux@exemple.test"], [])


def test_an_address_on_file_hears_that_it_is_another_one_now(desk: Desk) -> None:
    ticket = desk.begin(desk.pending(mpRecoveryMail=["vieux@exemple.test"])).ticket
    desk.step(ticket, "mail", ADDRESS)
    desk.step(ticket, "confirm", desk.confirmations[0][1].code)
    desk.step(ticket, "charter", CHARTER)
    assert isinstance(desk.ask(enrolment.Activate(HERE, ticket, NEW)), Done)
    assert desk.told == [(["vieux@exemple.test"], "mdupond", NOW)]


def test_the_account_is_active_also_where_no_letter_can_be_handed_over(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.step(ticket, "charter", CHARTER)
    desk.mute = True
    assert desk.ask(enrolment.Activate(HERE, ticket, NEW)) == Done("mdupond", "pending")
    assert desk.held("mdupond", "mpState") == ["active"]


def test_one_password_of_many_at_once(desk: Desk) -> None:
    ticket = desk.begin(desk.pending()).ticket
    desk.step(ticket, "charter", CHARTER)
    start = threading.Barrier(8)

    def ask(number: int) -> Done | Refused:
        start.wait()
        return desk.ask(enrolment.Activate(f"192.0.{number}.7", ticket, f"{NEW}{number}a"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert [isinstance(answer, Done) for answer in answers].count(True) == 1


def test_addresses_get_so_many_codes(desk: Desk) -> None:
    desk.limits.rates = msgspec.structs.replace(desk.limits.rates, codes=Rate(50, 3600), codes_account=Rate(50, 3600),
                                day_target=Rate(3, 86_400))  # fmt: skip
    ticket = desk.begin(desk.pending()).ticket
    other = desk.begin(desk.pending("other", OTHER_NUMEN), OTHER_NUMEN).ticket
    for one in (ticket, other, ticket):
        desk.step(one, "mail", ADDRESS)
    slowed = refusal(desk.ask(enrolment.Enrol(HERE, other, "mail", ADDRESS)))
    assert (slowed.error, slowed.wait) == ("slow_down", 86_400)
    assert desk.step(other, "mail", "autre@exemple.test").waiting == "autre@exemple.test"
    assert len(desk.confirmations) == 4


class Counted(MemoryDirectory):
    """Notes what is asked, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def search(self, branch: Any, *more: Any, **named: Any) -> Any:
        self.asked.append(f"search {branch}")
        return super().search(branch, *more, **named)

    def log_in(self, *words: Any) -> Any:
        self.asked.append("bind")
        return super().log_in(*words)


@pytest.mark.parametrize("call", [enrolment.Begin, passwords.Reset], ids=["begin", "reset"])
def test_known_and_unknown_are_the_same_work(desk: Desk, monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    """Operations of the directory and digests are counted; the time is the pace's (`test_server`)."""
    desk.directory = desk.ground.directory = Counted()
    desk.agent("mdupond", State.PENDING)
    expired = desk.agent("expired", State.ACTIVE, OTHER_NUMEN)
    desk.code("mdupond")
    late = desk.code(expired, days=0)
    desk.agent("gone", State.SUSPENDED, "01E9500003ABC")
    gone = desk.code("gone")
    desk.agent("bare", State.PENDING, "01E9500004ABC")
    digests: list[str] = []
    plain = Keyring.digest

    def counted(self: Keyring, purpose: str, text: str, key: str | None = None) -> str:
        digests.append(purpose)
        return plain(self, purpose, text, key)

    monkeypatch.setattr(Keyring, "digest", counted)
    seen = []
    for number, (numen, code) in enumerate([
        (NUMEN, "3" * 10), ("01E9599999ABC", "3" * 10), (OTHER_NUMEN, late), ("01E9500003ABC", gone),
        ("01E9500004ABC", "3" * 10), ("nonsense", ""),
    ]):  # fmt: skip
        desk.directory.asked.clear()
        digests.clear()
        words = {"login": "", "new": NEW} if call is passwords.Reset else {}
        answer = desk.ask(call(source=f"192.0.{number}.7", numen=numen, code=code, **words))
        seen.append((answer, tuple(desk.directory.asked), tuple(digests)))
    assert len({repr(one) for one in seen}) == 1, seen
    assert seen[0][0] == NOT_PROVED
    assert seen[0][1].count("search people") == 2
    assert "bind" not in seen[0][1]


def test_a_log_in_goes_to_the_means_on_file_and_the_answer_tells_nothing(desk: Desk) -> None:
    desk.agent("mdupond", State.ACTIVE, mpRecoveryMail=[ADDRESS], mpRecoveryPhone=["+33612345678"])
    desk.agent("pending", State.PENDING, OTHER_NUMEN, mpRecoveryMail=["autre@exemple.test"])
    for numen in (NUMEN, OTHER_NUMEN, "01E9599999ABC", "nonsense"):
        for channel in ("mail", "sms"):
            assert desk.ask(passwords.RemindLogin(HERE, numen, channel)) == Done()
    assert desk.reminders == [(ADDRESS, "mdupond")]
    ((number, text),) = desk.gateway.sent
    assert number == "+33612345678"
    assert text == "Académie d'Exemple. Votre identifiant de messagerie est mdupond"
    assert desk.refused(passwords.RemindLogin(HERE, NUMEN, "pigeon")) == "refused_value"


def test_a_code_by_text_message(desk: Desk) -> None:
    desk.agent("mdupond", State.ACTIVE, mpRecoveryPhone=["+33612345678"])
    for login in ("mdupond", "nobody"):
        assert desk.ask(passwords.IssueCode(HERE, login, "sms")) == Done()
    ((number, text),) = desk.gateway.sent
    assert (number, len(text) <= 160) == ("+33612345678", True)
    assert text.startswith("Académie d'Exemple. Code reçu ") and text.isprintable(), "it says whose it is"
    assert not set(text) & set("\u00a0\u202f’"), "such signs halve the room of a message"
    code = text.split("Code reçu ")[1].split(",")[0]
    assert desk.ask(passwords.Reset(HERE, "", NUMEN, code, NEW)) == Done("mdupond", "active")
    desk.gateway.broken = True
    assert desk.ask(passwords.IssueCode(HERE, "mdupond", "sms")) == Done(), "a gateway that is away is not told"
    desk.settle(gateway=None)
    assert desk.ask(passwords.IssueCode(HERE, "mdupond", "sms")) == Done(), "nor is that there is none"
    assert len(desk.gateway.sent) == 1
    assert desk.lines()[-1]["reason"] == "no means of recovery"
    assert OLD not in desk.journal.read_text("utf-8")
    assert code not in desk.journal.read_text("utf-8")


def test_a_word_is_good_once_and_questions_have_stricter_limits(desk: Desk) -> None:
    code = desk.pending()
    assert isinstance(desk.ask(enrolment.Begin(HERE, NUMEN, code, once="word")), Done)
    assert desk.refused(enrolment.Begin(HERE, NUMEN, code, once="word")) == "refused_value"
    assert desk.refused(passwords.IssueCode(HERE, "mdupond", once="word")) == "refused_value"
    desk.limits.rates = Rates(questions=Rate(2, 600))
    for number in range(2):
        assert isinstance(desk.ask(enrolment.Begin(HERE, NUMEN, code, question=f"q{number}")), Done)
    assert desk.refused(enrolment.Begin(HERE, NUMEN, code, question="q2")) == "slow_down"
    assert isinstance(desk.ask(enrolment.Begin(HERE, NUMEN, code, once="other")), Done), "browsers that work go on"
    assert isinstance(desk.ask(enrolment.Begin("198.51.100.7", NUMEN, code, question="q3")), Done)


def test_the_journal_holds_no_answer(desk: Desk) -> None:
    code = desk.pending()
    ticket = desk.begin(code).ticket
    desk.step(ticket, "phone", "0612345678")
    desk.step(ticket, "mail", ADDRESS)
    desk.step(ticket, "confirm", desk.confirmations[0][1].code)
    desk.step(ticket, "charter", CHARTER)
    desk.ask(enrolment.Activate(HERE, ticket, NEW))
    text = desk.journal.read_text("utf-8")
    for secret in (code, ticket, NEW, NUMEN, desk.confirmations[0][1].code, "k1:", ADDRESS, "612345678"):
        assert secret not in text
    assert [one["action"] for one in desk.lines()][-1] == "activate"
