"""The calls of the log-in page about second factors: delays, codes that serve once, what the agent is told."""

import dataclasses
import datetime
import re

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls import factors, log_in_page, log_ins, passwords
from malleposte.accountd.dispatch import Service
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.accounts import life
from malleposte.accounts.credentials import codes
from malleposte.adapters.lemonldap import Factor
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State
from malleposte.throttle.record.model import Kept, LogIn, Seen

from tests.support.directory import OPERATIONAL

from .test_service import HERE, KEYS, NEW, NO_LOG_IN, NOT_PROVED, NOW, NUMEN, OLD, Stage, refusal, success, token
from .throttle import FakeThrottle

ELSEWHERE = "198.51.100.9"
AWAY = "marie@exemple.test"
CODE = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")
DONE = Done("mdupond", "active")


def attempt(stage: Stage, code: str, where: str = HERE, uid: str = "mdupond") -> Done | Refused:
    return stage.ask(log_in_page.TryFactor(where, uid, "totp", code))


def told(stage: Stage, code: str, *, right: bool, where: str = HERE) -> Done | Refused:
    return stage.ask(log_in_page.FactorTried(where, "mdupond", "totp", code, right=right))


def made(stage: Stage) -> tuple[str, ...]:
    answer = success(stage.ask(factors.MakeRecoveryCodes(HERE, "mdupond")))
    assert len(answer.codes) == 10
    return answer.codes


def spend(stage: Stage, kind: str, code: str, where: str = HERE) -> Done | Refused:
    return stage.ask(log_in_page.SpendCode(where, "mdupond", kind, code))


def test_a_code_serves_once_wherever_it_comes_from(stage: Stage) -> None:
    assert attempt(stage, "123456") == DONE
    assert told(stage, "123456", right=True) == DONE
    for again in ("123456", "123 456", "123-456"):
        assert attempt(stage, again) == NOT_PROVED == attempt(stage, again, ELSEWHERE)
    assert attempt(stage, "654321") == DONE


def test_a_code_under_way_is_not_let_through_beside_itself(stage: Stage) -> None:
    assert attempt(stage, "123456") == DONE
    assert attempt(stage, "123456", ELSEWHERE) == NOT_PROVED


def test_wrong_codes_wait_and_the_owner_elsewhere_does_not(stage: Stage) -> None:
    for code in ("000001", "000002", "000003"):
        assert (attempt(stage, code), told(stage, code, right=False)) == (DONE, DONE)
    answer = refusal(attempt(stage, "123456"))
    assert answer.error == ErrorCode.SLOW_DOWN and answer.wait > 0
    assert attempt(stage, "123456", ELSEWHERE) == DONE
    assert [line["action"] for line in stage.lines()] == ["refused"] * 3


def test_guesses_from_thirty_networks_wait_in_each_and_the_owner_does_not(stage: Stage) -> None:
    networks = [f"10.7.{number}.9" for number in range(30)]
    let_through, slowed = 0, set()
    for number, where in enumerate(networks):
        for turn in range(5):
            code = f"{number * 5 + turn:06d}"
            answer = attempt(stage, code, where)
            if answer == DONE:
                let_through += 1
                told(stage, code, right=False, where=where)
            else:
                assert isinstance(answer, Refused) and answer.error == ErrorCode.SLOW_DOWN and answer.wait > 0
                slowed.add(where)
    assert slowed == set(networks)
    assert let_through == 30 * 3, "of a million codes"
    assert attempt(stage, "123456", ELSEWHERE) == DONE
    assert told(stage, "123456", right=True, where=ELSEWHERE) == DONE


def test_a_right_password_forgets_no_wrong_code(stage: Stage) -> None:
    for code in ("000001", "000002", "000003"):
        attempt(stage, code), told(stage, code, right=False)
    assert stage.ask(passwords.Prove(HERE, "mdupond", "Vieux-Chemin7!x")) == DONE
    assert refusal(attempt(stage, "123456")).error == ErrorCode.SLOW_DOWN


@pytest.mark.parametrize("state", [State.BLOCKED, State.SUSPENDED, State.EXPIRED, State.PENDING])
def test_nothing_of_an_account_that_may_not_log_in(stage: Stage, state: State) -> None:
    stage.agent("autre", state)
    assert attempt(stage, "123456", uid="autre") == NOT_PROVED == attempt(stage, "123456", uid="personne")
    assert stage.ask(factors.MakeRecoveryCodes(HERE, "autre")) == NOT_PROVED
    assert attempt(stage, "123456") == DONE


def test_recovery_codes_are_shown_once_serve_once_and_the_owner_is_told(stage: Stage) -> None:
    shown = made(stage)
    assert len(stage.held("mdupond", "mpRecoveryCode")) == 10
    assert spend(stage, "recovery", shown[0].lower()) == DONE
    assert spend(stage, "recovery", shown[0], ELSEWHERE) == NOT_PROVED
    assert len(stage.held("mdupond", "mpRecoveryCode")) == 9
    assert [letter["Subject"].partition(" /")[0] for letter in stage.letters] == [
        "Nouveaux codes de secours",
        "Un code de secours a servi",
    ]
    text = stage.journal.read_text("utf-8")
    assert not any(code in text or code.replace("-", "") in text for code in shown)


def test_new_recovery_codes_end_the_old_ones(stage: Stage) -> None:
    old, new = made(stage), made(stage)
    assert spend(stage, "recovery", old[3]) == NOT_PROVED
    assert spend(stage, "recovery", new[3]) == DONE


def test_wrong_recovery_codes_wait(stage: Stage) -> None:
    shown = made(stage)
    for code in ("AAAAA-AAAAA", "AAAAA-AAAAB", "AAAAA-AAAAC"):
        assert spend(stage, "recovery", code) == NOT_PROVED
    assert refusal(spend(stage, "recovery", shown[0])).error == ErrorCode.SLOW_DOWN
    assert spend(stage, "recovery", shown[0], ELSEWHERE) == DONE


def test_a_code_of_the_desk_is_spent_and_is_no_recovery_code(stage: Stage) -> None:
    code = stage.code("mdupond")
    assert spend(stage, "recovery", code) == NOT_PROVED
    assert spend(stage, "ina", code, ELSEWHERE) == DONE
    assert stage.held("mdupond", "mpInaCode") == []
    assert spend(stage, "ina", code, "203.0.113.4") == NOT_PROVED


def mailed(stage: Stage, uid: str = "mdupond", where: str = HERE) -> str:
    """Ask for a code at the recovery address; the code that was sent there, or nothing."""
    before = len(stage.letters)
    answer = stage.ask(log_in_page.MailFactorCode(where, uid))
    assert answer == Done(uid, "active"), "the answer is always the same"
    found = [CODE.search(letter.get_content()) for letter in stage.letters[before:]]
    assert [letter["To"] for letter in stage.letters[before:]] == [AWAY] * len(found)
    return found[0][0] if found and found[0] else ""


@pytest.fixture
def reached(stage: Stage) -> Stage:
    """An agent who has a recovery address."""
    change(stage, mpRecoveryMail=[AWAY])
    return stage


def change(stage: Stage, **attributes: list[str]) -> None:
    forced = {name: values for name, values in attributes.items() if name.lower() in OPERATIONAL}
    if forced:
        stage.ground.force("mdupond", **forced)
    given = {name: values for name, values in attributes.items() if name not in forced}
    stage.directory.modify(f"uid=mdupond,ou=people,{stage.directory.suffix}", given)


def test_a_code_at_the_recovery_address_replaces_a_factor_once_and_its_owner_is_told(reached: Stage) -> None:
    code = mailed(reached)
    assert spend(reached, "recovery", code) == spend(reached, "ina", code, ELSEWHERE) == NOT_PROVED
    assert spend(reached, "mail", code.lower(), "203.0.113.4") == DONE
    assert spend(reached, "mail", code, "203.0.113.9") == NOT_PROVED
    assert [str(letter["Subject"]).partition(" /")[0] for letter in reached.letters] == [
        "Code de connexion",
        "Second facteur remplacé par un code",
    ]
    assert reached.letters[-1]["To"] != AWAY, "the academy's own mailbox is told"
    assert [line["sent"] for line in reached.lines() if line["action"] == "factor-code"] == [True]
    assert code.replace("-", "") not in reached.journal.read_text("utf-8").replace("-", "")


def test_a_code_for_a_factor_opens_no_account_and_a_code_for_an_account_replaces_no_factor(reached: Stage) -> None:
    code = mailed(reached)
    assert reached.ask(passwords.Reset(HERE, "mdupond", NUMEN, code, NEW)) == NOT_PROVED
    issued = codes.issue(KEYS, "mdupond", NOW, 1, way=codes.Way.MAIL)
    change(reached, **codes.beside(entry(reached), issued, NOW))
    assert spend(reached, "mail", issued.code) == NOT_PROVED
    assert spend(reached, "mail", code, ELSEWHERE) == DONE


def entry(stage: Stage) -> dict[str, list[str]]:
    return {"mpInaCode": stage.held("mdupond", "mpInaCode")}


def test_a_new_code_for_a_factor_ends_the_one_before_and_time_ends_it(reached: Stage) -> None:
    old, new = mailed(reached), mailed(reached)
    assert spend(reached, "mail", old) == NOT_PROVED
    late = NOW + datetime.timedelta(minutes=reached.service.tools.rules.code_minutes, seconds=1)
    later = Service(dataclasses.replace(reached.service.tools, now=lambda: late))
    assert later.answer(log_in_page.SpendCode(ELSEWHERE, "mdupond", "mail", new), "accountd:sso") == NOT_PROVED
    assert spend(reached, "mail", new, "203.0.113.4") == DONE


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mpRecoveryMail": []}, "no means of recovery"),
        ({"mpRole": ["helpdesk 0350000A"]}, "has a role"),
        ({"pwdChangedTime": [life.stamp(NOW - datetime.timedelta(hours=71))]}, "new password"),
    ],
    ids=["nowhere", "role", "new-password"],
)
def test_no_code_goes_where_it_would_be_a_way_in(reached: Stage, changed: dict[str, list[str]], reason: str) -> None:
    before = {name: reached.held("mdupond", name) for name in changed}
    change(reached, **changed)
    assert mailed(reached) == ""
    assert (reached.lines()[-1]["sent"], reached.lines()[-1]["reason"]) == (False, reason)
    change(reached, **before)
    assert mailed(reached), "and else it does"


def test_a_password_of_more_than_three_days_hinders_no_code(reached: Stage) -> None:
    change(reached, pwdChangedTime=[life.stamp(NOW - datetime.timedelta(hours=73))])
    assert mailed(reached)


def test_a_recovery_address_that_waits_gets_no_code_yet(reached: Stage) -> None:
    soon = life.stamp(NOW + datetime.timedelta(hours=1))
    change(reached, mpRecoveryNext=[f"{soon} voleur@exemple.test -"])
    assert mailed(reached), "the old one, until the new one counts"


def test_codes_for_factors_are_as_few_as_other_codes(reached: Stage) -> None:
    most = reached.limits.rates.codes.most
    assert all(mailed(reached) for _ in range(most))
    assert mailed(reached) == ""
    assert reached.lines()[-1]["reason"] == "too many"


def test_a_code_for_a_factor_that_cannot_be_sent_is_written_down(reached: Stage) -> None:
    reached.mute = True
    assert reached.ask(log_in_page.MailFactorCode(HERE, "mdupond")) == DONE
    assert reached.lines()[-1]["sent"] is False
    assert reached.ask(log_in_page.MailFactorCode(HERE, "personne")) == NOT_PROVED


def test_a_mailed_code_enrols_nothing(stage: Stage) -> None:
    """Whoever reads the other mailbox and has the password must not enrol a factor for somebody who must have one."""
    issued = codes.issue(KEYS, "mdupond", NOW, 1, way=codes.Way.MAIL)
    stage.directory.modify(f"uid=mdupond,ou=people,{stage.directory.suffix}", issued.attributes)
    assert spend(stage, "ina", issued.code) == NOT_PROVED
    desk = stage.code("mdupond")
    assert spend(stage, "ina", desk) == DONE


def changed(stage: Stage, *, added: bool, kinds: tuple[str, ...]) -> Done | Refused:
    return stage.ask(factors.FactorChanged(HERE, "mdupond", "totp", "Telephone", added, kinds))


def test_a_change_is_told_and_written_down(stage: Stage) -> None:
    assert changed(stage, added=True, kinds=("totp",)) == DONE == changed(stage, added=False, kinds=())
    assert [line["action"] for line in stage.lines()] == ["factor-add", "factor-remove"]
    assert len(stage.letters) == 2
    assert stage.held("mdupond", "mpTwoFactor") == []


def test_what_its_owner_cannot_be_told_is_not_enrolled(stage: Stage) -> None:
    stage.mute = True
    assert refusal(changed(stage, added=True, kinds=("totp",))).error == ErrorCode.UNAVAILABLE
    assert changed(stage, added=False, kinds=()) == DONE, "a removal is not held up"


def test_the_main_password_closes_to_devices_where_the_platform_says_so(stage: Stage) -> None:
    object.__setattr__(stage.service.tools.rules, "factors_close", True)
    assert changed(stage, added=True, kinds=("totp",)) == DONE
    assert stage.held("mdupond", "mpTwoFactor") == ["totp"]
    assert "mdupond" in stage.channel.closed, "Dovecot remembers no password"
    assert changed(stage, added=False, kinds=()) == DONE
    assert stage.held("mdupond", "mpTwoFactor") == []


def test_a_new_place_is_told_and_a_known_one_is_not(stage: Stage) -> None:
    stage.service = Service(dataclasses.replace(stage.service.tools, throttle=FakeThrottle()))  # type: ignore[arg-type]
    for where in (HERE, "192.0.2.99", ELSEWHERE, ELSEWHERE):
        assert stage.ask(log_ins.Entered(where, "mdupond", "totp")) == DONE
    (letter,) = stage.letters
    assert ELSEWHERE in letter.get_content()


def test_a_code_serves_once_on_every_host(stage: Stage) -> None:
    shared = FakeThrottle()
    one, other = (
        Service(dataclasses.replace(Stage(stage.journal.parent).service.tools, directory=stage.opened, throttle=shared))  # type: ignore[arg-type]
        for _host in range(2)
    )
    assert one.answer(log_in_page.TryFactor(HERE, "mdupond", "totp", "123456"), "accountd:sso") == DONE
    assert other.answer(log_in_page.TryFactor(ELSEWHERE, "mdupond", "totp", "123456"), "accountd:sso") == NOT_PROVED


def test_wrong_codes_of_others_behind_one_address_do_not_hold_up_a_known_browser(stage: Stage) -> None:
    mine, throttle = "a" * 32, FakeThrottle()
    tools = dataclasses.replace(stage.service.tools, throttle=throttle)  # type: ignore[arg-type]
    stage.service = Service(tools)
    assert stage.ask(log_in_page.TryFactor(HERE, "mdupond", "totp", "100000", mine)) == DONE
    assert stage.ask(log_in_page.FactorTried(HERE, "mdupond", "totp", "100000", mine, True)) == DONE
    assert throttle.clients == [("2f:mdupond", HERE, f"browser\0{mine}")], "a password alone makes none known here"
    guesses = [
        log_in_page.SpendCode(HERE, "mdupond", "recovery", f"x{number}", f"{number:032x}") for number in range(40)
    ]
    answers = [stage.ask(guess) for guess in guesses]
    assert answers[0] == NOT_PROVED
    assert throttle.bounded[0], "six digits have a bound for all networks together"
    assert not any(throttle.bounded[1:]), "codes of recovery have none"
    asked = [log_in_page.TryFactor(HERE, "mdupond", "totp", "200000", one) for one in ("", "b" * 32, mine)]
    refused = [getattr(stage.ask(one), "error", None) for one in asked]
    assert refused == [ErrorCode.SLOW_DOWN, ErrorCode.SLOW_DOWN, None]


PHONE, KEY = Factor("dG90cA==", "totp", "Téléphone", NOW), Factor("a2V5", "webauthn", "Clé", None)


@pytest.fixture
def enrolled(stage: Stage) -> list[Factor]:
    """The factors that the log-in page has."""
    held = [PHONE, KEY]
    vars(stage.hosts).update(
        factors=lambda uid: list(held) if uid == "mdupond" else [],
        unfactor=lambda uid, ident: held.remove(next(x for x in held if x.ident == ident)),
    )
    return held


def removed(stage: Stage, factor: str, password: str = OLD, of: str = "mdupond") -> Done | Refused:
    return stage.ask(factors.RemoveFactor(HERE, "mdupond", token(of), password, factor))


def test_an_owner_sees_the_factors_and_nobody_else_does(stage: Stage, enrolled: list[Factor]) -> None:
    told = stage.ask(factors.ShowFactors(HERE, "mdupond", token("mdupond")))
    assert told == factors.FactorList(
        "mdupond",
        factors=(
            factors.Factor("dG90cA==", "totp", "Téléphone", "2026-09-01T08:00:00+00:00"),
            factors.Factor("a2V5", "webauthn", "Clé"),
        ),
    )
    assert stage.ask(factors.ShowFactors(HERE, "mdupond", token("autre"))) == NO_LOG_IN


def test_one_of_two_factors_is_removed_by_the_password_and_told(stage: Stage, enrolled: list[Factor]) -> None:
    assert removed(stage, PHONE.ident, "wrong") == NOT_PROVED
    assert removed(stage, PHONE.ident, of="autre") == NO_LOG_IN
    assert enrolled == [PHONE, KEY] and stage.letters == []
    assert [one.name for one in success(removed(stage, PHONE.ident)).factors] == ["Téléphone"]
    assert enrolled == [KEY]
    assert [letter["Subject"].partition(" /")[0] for letter in stage.letters] == ["Moyen de connexion supprimé"]
    assert {"action": "factor-remove", "kind": "totp", "name": "Téléphone"}.items() <= stage.lines()[-1].items()


def test_the_last_factor_and_a_strange_one_stay(stage: Stage, enrolled: list[Factor]) -> None:
    assert refusal(removed(stage, "bm9uZQ==")).error == "refused_value"
    assert isinstance(removed(stage, KEY.ident), Done)
    assert refusal(removed(stage, PHONE.ident)).error == "refused_value"
    assert enrolled == [PHONE] and len(stage.letters) == 1


def test_what_closes_devices_follows_a_removal(stage: Stage, enrolled: list[Factor]) -> None:
    stage.directory.modify(f"uid=mdupond,ou=people,{stage.directory.suffix}", {"mpTwoFactor": ["totp", "webauthn"]})
    object.__setattr__(stage.service.tools.rules, "factors_close", True)
    removed(stage, PHONE.ident)
    assert stage.held("mdupond", "mpTwoFactor") == ["webauthn"]


def entered(program: str, service: str = "imap", **more: str) -> Seen[LogIn]:
    """A log-in of a program that was accepted."""
    return Seen(LogIn("mdupond", True, service, "192.0.2.7", program, **more), 1_700_000_000, 1_700_000_000)


OPEN = Kept(
    (
        entered("K-9"), entered("K-9"), entered("", "dav"), entered("webmail"),
        entered("Thunderbird", device="abcdefgh"), entered("", "page"),
        dataclasses.replace(entered("X"), event=LogIn("mdupond", False, "imap", program="X")),
    )
)  # fmt: skip
"""A record of which the first factor closes K-9 and an agenda; the rest goes on, or never entered."""


def test_before_the_first_factor_its_owner_sees_which_programs_it_will_close(stage: Stage) -> None:
    stage.hosts.kept = OPEN
    ask = factors.ShowFactors(HERE, "mdupond", token("mdupond"))
    assert stage.ask(ask) == factors.FactorList("mdupond"), "they go on unless the platform says so"
    object.__setattr__(stage.service.tools.rules, "factors_close", True)
    told = success(stage.ask(ask))
    assert told.closes and told.diagnosis.looked
    assert [(one.service, one.program) for one in told.diagnosis.logins] == [("imap", "K-9"), ("dav", "")]
    assert codec.decode_answer(factors.FactorList, codec.encode_answer(told)) == told
    stage.mute = True
    told = success(stage.ask(ask))
    assert told.closes and not told.diagnosis.looked
    vars(stage.hosts).update(factors=lambda uid: [PHONE])
    assert not success(stage.ask(ask)).closes, "it is done already"


def test_the_letter_about_the_first_factor_names_what_stops(stage: Stage) -> None:
    stage.hosts.kept = OPEN
    object.__setattr__(stage.service.tools.rules, "factors_close", True)
    changed(stage, added=True, kinds=("totp",))
    changed(stage, added=True, kinds=("totp", "webauthn"))
    first, second = (letter.get_content() for letter in stage.letters)
    assert "(vus récemment\N{NO-BREAK SPACE}: K-9, dav)" in first and "(seen of late: K-9, dav)" in first
    assert "n’ouvre plus" not in second


def test_a_log_in_page_that_gives_no_answer_is_told(stage: Stage, enrolled: list[Factor]) -> None:
    def away(uid: str) -> list[Factor]:
        raise MallepostError("pia1 gives no answer")

    vars(stage.hosts).update(factors=away)
    for asked in (factors.ShowFactors(HERE, "mdupond", token("mdupond")),
                  factors.RemoveFactor(HERE, "mdupond", token("mdupond"), OLD, KEY.ident)):  # fmt: skip
        assert refusal(stage.ask(asked)).error == "unavailable"
    assert enrolled == [PHONE, KEY]
