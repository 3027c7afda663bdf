"""An import taken back by its plan: what is as it was left goes back, what somebody uses stays."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.journal import Journal
from malleposte.accounts.plan import changes, lines
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.apply import Outcome, apply
from malleposte.accounts.plan.build import Rules, plan
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.accounts.plan.current import Current
from malleposte.accounts.plan.revert import NAMED, revert, unfinished
from malleposte.core.errors import InputError

from tests.support.classes import CLASSES, read_feed
from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
NOW = datetime.datetime(2026, 9, 1, 6, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
LATER = NOW + 3 * HOUR
IDENT = "20260901-060000-3f2a"
HEADER = "numen;nom;prenom;uai;corps;profil;portable;fin\n"
RULES = Rules(DOMAIN, CLASSES.default)


def row(number: int, surname: str = "Martin", given: str = "Zoé", rest: str = "9990001X;;;;") -> str:
    return f"01E95{number:05d}ABC;{surname};{given};{rest}\n"


class Academy:
    """A directory, and the imports into it."""

    def __init__(self, folder: Path) -> None:
        self.directory, self.folder, self.keys = MemoryDirectory(), folder, Keyring("k1", {"k1": b"1" * 32})
        self.mail: set[str] = set()
        self.asked: list[Sequence[str]] = []

    def imported(self, *rows: str, at: datetime.datetime = NOW) -> Plan:
        feed = read_feed((HEADER + "".join(rows)).encode(), "rh.csv")
        made = plan(feed, Current(self.directory), self.keys, RULES, at)
        self.apply(made)
        return lines.parse(made.render().encode(), "plan.json")

    def used(self, uids: Sequence[str]) -> Iterable[str]:
        self.asked.append(uids)
        return self.mail & set(uids)

    def back(self, made: Plan) -> Plan:
        """The plan of the revert, as it is read from its file."""
        whole = revert(IDENT, made, self.directory, self.used, LATER)
        read = lines.parse(whole.render().encode(), "revert.json")
        admit(read, self.directory.suffix, DOMAIN, "revert.json")
        return read

    def apply(self, made: Plan, **options: Any) -> Outcome:
        with Journal(self.folder / "journal.jsonl", "essai@poste") as journal:
            return apply(made, self.directory, journal, **options)

    def state(self) -> dict[str, dict[str, list[str]]]:
        return {dn: dict(entry.attributes) for dn, entry in self.directory.entries.items()}

    def dn(self, uid: str) -> str:
        return f"uid={uid},ou=people,{self.directory.suffix}"


@pytest.fixture
def academy(tmp_path: Path) -> Academy:
    return Academy(tmp_path)


def test_arrivals_moves_departures_and_returns_go_back_and_the_corrected_file_gives_the_same_log_ins(
    academy: Academy,
) -> None:
    academy.imported(row(1), row(2, "Durand"), row(3, "Petit"))
    academy.imported(row(1), row(2, "Durand"), at=NOW + HOUR)  # Petit leaves
    before = academy.state()
    wrong = academy.imported(
        row(1, "MARTIN DE RÉ", "Zoé", "9990002Y;Attaché;convergence;;"), row(3, "Petit"), row(4, "Le Goff", "Anna"),
        at=NOW + 2 * HOUR,
    )  # fmt: skip
    assert wrong.counts() == {"create": 1, "modify": 1, "resume": 1, "suspend": 1}
    back = academy.back(wrong)
    assert back.counts() == {"modify": 1, "resume": 1, "suspend": 1, "withdraw": 1}
    assert (back.reverts, back.left_alone) == (IDENT, {})
    assert academy.apply(back).whole
    assert academy.state() == before, "the directory is as it was, tombstones included"
    right = academy.imported(row(1), row(2, "Durand"), row(4, "Le Goff", "Anna"))
    assert [(one.kind, one.uid) for one in right.changes] == [("create", "ale-goff")]


def test_codes_of_letters_go_with_their_account(academy: Academy) -> None:
    made = academy.imported(row(1))
    academy.directory.force(academy.dn("zmartin"), {"mpInaDigest": ["k1:x"], "mpInaExpiry": ["20261001000000Z"]})
    assert academy.apply(academy.back(made)).whole
    assert academy.directory.entries == {}


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ({"pwdChangedTime": ["20260901073000Z"], "mpState": ["active"]}, "was activated on 2026-09-01"),
        ({"mpState": ["suspended"]}, "is suspended"),
        ({"mpRole": ["helpdesk:9990001X"]}, "mpRole changed since"),
        ({"mail": ["autre@ac-exemple.test"]}, "mail changed since"),
        ({"mpDelegate": ["collegue"]}, "mpDelegate changed since"),
        ("mail", "has mail, an agenda or a log-in"),
        ("device", NAMED),
        ("box", NAMED),
        ("list", NAMED),
    ],
)
def test_what_somebody_uses_is_listed_and_stays(academy: Academy, since: Any, reason: str) -> None:
    """Beside one that nobody uses, which goes."""
    made = academy.imported(row(1), row(2, "Durand"))
    dn, suffix = academy.dn("zmartin"), academy.directory.suffix
    if since == "mail":
        academy.mail.add("zmartin")
    elif since == "device":
        academy.directory.add(
            f"mpDeviceId=abc,ou=devices,{suffix}", {"mpDeviceId": ["abc"], "mpDeviceOwner": ["zmartin"]}
        )
    elif since == "box":
        academy.directory.add(f"uid=ce.1,ou=functional,{suffix}", {"uid": ["ce.1"], "mpDelegate": ["ZMartin"]})
    elif since == "list":
        academy.directory.add(f"cn=profs,ou=lists,{suffix}", {"cn": ["profs"], "member": [dn]})
    else:
        academy.directory.force(dn, since)
    back = academy.back(made)
    assert [(one.kind, one.uid) for one in back.changes] == [("withdraw", "zdurand")]
    assert list(back.left_alone) == ["zmartin"] and back.left_alone["zmartin"].startswith(reason)
    assert academy.apply(back).whole and dn in academy.directory.entries


def test_what_hosts_hold_of_entries_that_a_killed_revert_took_away_is_known(academy: Academy) -> None:
    """Mail may have come before the entry went, and its log-in is free for somebody else."""
    made = academy.imported(row(1), row(2, "Durand"), row(3, "Petit"), row(4, "Le Goff", "Anna"))
    killed = academy.back(made)
    academy.apply(replace(killed, changes=tuple(one for one in killed.changes if one.uid != "zpetit")))
    academy.imported(row(2, "Durand"))
    stone = f"uid=ale-goff,ou=tombstones,{academy.directory.suffix}"
    academy.directory.add(stone, {"uid": ["ale-goff"]})
    assert academy.back(made).counts() == {"withdraw": 1}, "a further plan knows nothing of those"
    assert [one.uid for one in unfinished([killed], academy.directory)] == ["zmartin"]
    assert list(unfinished([made], academy.directory)) == []


def test_one_that_stays_keeps_what_it_names(academy: Academy) -> None:
    """A school that an account which stays belongs to."""
    made = academy.imported(row(1))
    school = Change(
        Kind.SCHOOL, "9990001X", f"mpEstablishment=9990001X,ou=establishments,{academy.directory.suffix}", {},
        {"objectClass": ["mpSchool"], "mpEstablishment": ["9990001X"], "o": ["Collège Jean Moulin"]},
    )  # fmt: skip
    both = replace(made, changes=(school, *made.changes))
    academy.apply(replace(both, changes=(school,)))
    academy.mail.add("zmartin")
    assert academy.back(both).left_alone == {"zmartin": "has mail, an agenda or a log-in", "9990001X": NAMED}
    academy.mail.clear()
    assert academy.back(both).counts() == {"withdraw": 2}


def test_a_change_made_since_is_not_undone(academy: Academy) -> None:
    academy.imported(row(1), row(2, "Durand"))
    made = academy.imported(row(1, rest="9990002Y;;;;"), row(2, "Durand", rest="9990002Y;;;;"))
    academy.directory.force(academy.dn("zmartin"), {"mpEstablishment": ["9990003Z"]})
    back = academy.back(made)
    assert [one.uid for one in back.changes] == ["zdurand"]
    assert back.left_alone == {"zmartin": "mpEstablishment changed since the import"}


def test_killed_anywhere_and_typed_again_it_ends_in_the_same_place(academy: Academy) -> None:
    academy.imported(row(1), row(2, "Durand"))
    before = academy.state()
    made = academy.imported(row(1, rest="9990002Y;;;;"), *(row(number, f"Nom{'a' * number}") for number in range(3, 9)))
    for _kill in range(6):
        academy.directory.fail_after = academy.directory.changes + 1
        with pytest.raises(ConnectionError):
            academy.apply(academy.back(made))
        academy.directory.fail_after = None
    assert academy.apply(academy.back(made)).whole
    assert academy.state() == before
    assert list(academy.back(made).changes) == []


def test_hosts_are_asked_of_those_alone_that_would_go(academy: Academy) -> None:
    academy.imported(row(1))
    made = academy.imported(row(1, rest="9990002Y;;;;"))
    academy.back(made)
    assert academy.asked == []


def test_a_file_takes_away_only_what_a_feed_makes(academy: Academy) -> None:
    made = academy.imported(row(1))
    (change,) = academy.back(made).changes
    whole = Plan(DOMAIN, "rh.csv", "", "", (change,))
    suffix = academy.directory.suffix
    with pytest.raises(InputError, match="withdraw is not asked by a file"):
        admit(whole, suffix, DOMAIN, "plan.json")
    admit(replace(whole, reverts=IDENT), suffix, DOMAIN, "plan.json")
    for strange, words in (
        (replace(change, before=change.before | {"mpState": ["active"]}), "is not pending"),
        (replace(change, before={"objectClass": ["mpTombstone"]}), "which no feed makes"),
        (replace(change, dn=f"cn=admin,{suffix}"), "which no feed makes"),
    ):
        with pytest.raises(InputError, match=words):
            admit(replace(whole, reverts=IDENT, changes=(strange,)), suffix, DOMAIN, "plan.json")


def test_one_activated_after_the_plan_stays(academy: Academy) -> None:
    back = academy.back(academy.imported(row(1)))
    academy.directory.force(academy.dn("zmartin"), {"pwdChangedTime": ["20260901073000Z"]})
    outcome = academy.apply(back)
    assert [one.reason for one in outcome.skipped] == ["was activated since the plan was made"]


def test_a_plan_of_before_has_nothing_to_say_of_reverts() -> None:
    made = Plan(DOMAIN, "rh.csv", "", "", ())
    assert "reverts" not in made.render()
    assert changes.Plan.render(lines.parse(made.render().encode(), "plan.json")) == made.render()
