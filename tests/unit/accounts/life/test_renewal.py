"""Warnings before a password expires: recipients, times, texts; and the expiry."""

import datetime
import email
import email.policy
import json
from dataclasses import replace
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import renewal
from malleposte.accounts.life.nightly import renew
from malleposte.accounts.life.renewal import Acts, Deed, Facts, carry_out, due, message
from malleposte.accounts.life.steps import NightlyRun, StepResult
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.directory.protocol import Entry
from malleposte.platform import letters
from malleposte.policy.model import Policy

from tests.support.directory import MemoryDirectory
from tests.support.programs import executable

NOW = datetime.datetime(2026, 11, 24, 3, 0, tzinfo=datetime.UTC)
GIVEN = {
    "domain": "ac-exemple.test",
    "academy": "académie d’Exemple",
    "hostnames": {"portal": "pia.ac-exemple.test"},
    "support": {
        "phone": "03 00 00 00 00",
        "mail": "assistance@ac-exemple.test",
        "hours": "8 h",
        "hours_en": "8 am",
    },
    "password_policy": {},
}
FACTS = Facts.of(GIVEN)


def entry(left_days: float, notice: str = "", **changes: Any) -> Entry:
    """An agent whose password has so many days left; `notice` is the last warning's days."""
    changed = (NOW + datetime.timedelta(days=left_days - 365)).strftime("%Y%m%d%H%M%SZ")
    attributes = {
        "uid": ["jdupont"],
        "displayName": ["Jean Dupont"],
        "mail": ["jean.dupont@ac-exemple.test"],
        "mpState": ["active"],
        "pwdChangedTime": [changed],
        "mpRenewalNotice": [f"{changed} {notice}"] if notice else [],
        **changes,
    }
    return Entry("uid=jdupont,ou=people,dc=ac-exemple,dc=test", attributes)


def found(one: Entry, **policy: Any) -> tuple[str, int] | None:
    result = list(due([one], Policy(**policy), NOW))
    return (result[0].deed.value, result[0].threshold) if result else None


@pytest.mark.parametrize(
    ("left", "notice", "expected"),
    [
        (31, "", None),
        (30.01, "", None),
        (30, "", ("warn", 30)),
        (20, "", ("warn", 30)),
        (20, "30", None),
        (15, "30", ("warn", 15)),
        (14, "15", None),
        (7, "15", ("warn", 7)),
        (3, "30", ("warn", 7)),
        (1, "7", ("warn", 1)),
        (0.5, "1", None),
        (0.5, "", ("warn", 1)),
        (0, "1", ("expire", 0)),
        (-40, "", ("expire", 0)),
    ],
)
def test_which_warning_is_due(left: float, notice: str, expected: tuple[str, int] | None) -> None:
    assert found(entry(left, notice)) == expected


def test_each_is_sent_once_in_a_year() -> None:
    """NightlyRun after night, from a new password to its end."""
    one, sent = entry(365), []
    changed = one.attributes["pwdChangedTime"][0]
    for night in range(366):
        for what in due([one], Policy(), NOW + datetime.timedelta(days=night)):
            sent.append((night, what.deed.value, what.threshold))
            one.attributes["mpRenewalNotice"] = [what.notice]
    assert sent == [(335, "warn", 30), (350, "warn", 15), (358, "warn", 7), (364, "warn", 1), (365, "expire", 0)]
    assert one.attributes["mpRenewalNotice"][0].startswith(changed)


def test_a_new_password_starts_afresh() -> None:
    old = entry(40, "7").attributes["mpRenewalNotice"]
    assert found(entry(10, mpRenewalNotice=old)) == ("warn", 15)


@pytest.mark.parametrize("damaged", ["", "x", "20260101000000Z", "20260101000000Z x", "7"])
def test_a_damaged_note_is_none(damaged: str) -> None:
    assert found(entry(10, mpRenewalNotice=[damaged])) == ("warn", 15)


@pytest.mark.parametrize("state", ["pending", "suspended", "blocked", "expired"])
@pytest.mark.parametrize("left", [5, -5])
def test_only_active_accounts(state: str, left: float) -> None:
    assert found(entry(left, mpState=[state])) is None


def test_never_activated_is_left_alone() -> None:
    assert found(entry(5, pwdChangedTime=[])) is None


def test_hidden_accounts_are_not_written_to_but_expire() -> None:
    assert found(entry(5, mpHidden=["TRUE"])) is None
    assert found(entry(-5, mpHidden=["TRUE"])) == ("expire", 0)


def test_an_academy_without_renewal_has_nothing_due() -> None:
    assert found(entry(-5), renewal_days=0) is None


def test_the_warnings_are_the_policy_s() -> None:
    assert found(entry(60 - 365 + 365), warning_days=(60, 2)) == ("warn", 60)


def written(left: float, **changes: Any) -> EmailMessage:
    raw = bytes(message(next(due([entry(left, **changes)], Policy(), NOW)), FACTS, NOW))
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_what_it_says() -> None:
    told = written(15)
    text = told.get_content()
    assert text.index("dans 15 jours") < text.index("In English") < text.index("in 15 days")
    assert "mercredi 9 décembre 2026" in text
    assert "Wednesday 9 December 2026" in text
    assert "décembre 2026" in told["Subject"]
    assert str(told["To"]) == "Jean Dupont <jean.dupont@ac-exemple.test>"
    assert told["From"].addresses[0].addr_spec == "assistance@ac-exemple.test"
    assert told["Auto-Submitted"] == "auto-generated"
    assert told.get_content_type() == "text/plain"


def test_it_trains_nobody_to_click() -> None:
    """The one link is the portal's, in clear; the address is there in words as well."""
    text = written(15).get_content()
    links = {word for word in text.split() if "://" in word}
    assert links == {"https://pia.ac-exemple.test/motdepasse"}
    assert "    pia.ac-exemple.test" in text.splitlines()
    assert "jamais votre mot de passe" in text


def test_the_last_day_is_tomorrow() -> None:
    assert "demain" in written(0.9).get_content()


@pytest.mark.parametrize("name", ["Élodie Lefèvre", 'Jean "le Grand", Dupont', "Jean\r\nBcc: x@y.test", "", "\0a"])
def test_a_name_is_only_a_name(name: str) -> None:
    told = written(5, displayName=[name])
    assert [one.addr_spec for one in told["To"].addresses] == ["jean.dupont@ac-exemple.test"]
    assert told["Bcc"] is None


def test_what_is_due_is_done_and_one_failure_stops_no_other() -> None:
    sent: list[str] = []
    kept: list[str] = []

    def send(one: EmailMessage) -> None:
        if "casse" in str(one["To"]):
            raise MallepostError("no mail server")
        sent.append(str(one["To"]))

    entries = [
        entry(5, mail=["casse@ac-exemple.test"]),
        entry(5),
        replace(entry(-1), dn="uid=fini,ou=people,dc=ac-exemple,dc=test"),
    ]
    acts = Acts(lambda one: kept.append(one.notice), lambda one: kept.append(one.entry.dn), send)
    results = list(carry_out(due(entries, Policy(), NOW), FACTS, NOW, acts))
    assert [bool(failure) for _one, failure in results] == [True, False, False]
    assert len(sent) == 1
    assert kept[0].endswith(" 7")
    assert kept[1].startswith("uid=fini")
    assert results[2][0].deed is Deed.EXPIRE


def test_an_address_that_is_none_fails_alone() -> None:
    acts = Acts(lambda _one: None, lambda _one: None, lambda _one: None)
    results = list(carry_out(due([entry(5, mail=["pas une adresse"])], Policy(), NOW), FACTS, NOW, acts))
    assert "jdupont: " in results[0][1]


def test_the_mail_server_is_given_an_envelope(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    log = tmp_path / "log"
    program = executable(tmp_path / "sendmail", f'echo "$@" > {log}\ncat >> {log}')
    monkeypatch.setattr(letters, "SENDMAIL", (str(program), "-i", "-f"))
    letters.queue(message(next(due([entry(5)], Policy(), NOW)), FACTS, NOW))
    assert log.read_text().startswith("-i -f assistance@ac-exemple.test -- jean.dupont@ac-exemple.test\n")
    program.write_text("#!/bin/sh\necho no room >&2\nexit 75\n")
    with pytest.raises(MallepostError, match="no room"):
        letters.queue(message(next(due([entry(5)], Policy(), NOW)), FACTS, NOW))


def test_a_night(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step itself: the directory, the journal, the mail; a second run of the night does nothing."""
    facts = tmp_path / "platform.json"
    facts.write_text(json.dumps(GIVEN))
    monkeypatch.setattr(renewal.facts, "FILE", facts)
    directory, sent = MemoryDirectory(), []
    for uid, left in (("tot", 100), ("bientot", 14), ("fini", -1), ("suspendu", 14)):
        state = State.SUSPENDED if uid == "suspendu" else State.ACTIVE
        person = Agent(uid, "Jean", "Dupont", f"{uid}@ac-exemple.test", "roundcube", state)
        changed = (NOW + datetime.timedelta(days=left - 365)).strftime("%Y%m%d%H%M%SZ")
        directory.add(person.dn(directory.suffix), agent_attributes(person))
        directory.force(person.dn(directory.suffix), {"pwdChangedTime": [changed]})
    with Journal(tmp_path / "journal", "essai") as journal:
        tools: Any = SimpleNamespace(directory=directory, journal=journal, channels=())
        night = NightlyRun(None, None, tools, NOW, send=sent.append)  # type: ignore[arg-type]
        for expected in (["bientot:warn", "fini:expire"], []):
            told = StepResult("renew")
            renew(replace(night, dry=True), told)
            assert sorted(told.done) == expected
            told = StepResult("renew")
            renew(night, told)
            assert (sorted(told.done), told.failures) == (expected, [])
    assert [str(one["To"]) for one in sent] == ["Jean Dupont <bientot@ac-exemple.test>"]
    states = {
        e.attributes["uid"][0]: e.attributes["mpState"][0] for e in directory.search("people", ["uid", "mpState"])
    }
    assert states == {"tot": "active", "bientot": "active", "fini": "expired", "suspendu": "suspended"}
    assert '"mpRenewalNotice"' in (tmp_path / "journal").read_text()
