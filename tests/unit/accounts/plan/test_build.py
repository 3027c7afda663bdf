"""Plans from feeds, applied to a directory in memory: arrivals, moves, departures, kills, conflicts."""

import datetime
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from malleposte.accounts import feed
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.feed import schools
from malleposte.accounts.journal import Journal
from malleposte.accounts.plan import changes, lines
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.apply import apply
from malleposte.accounts.plan.build import Rules, plan
from malleposte.accounts.plan.current import Current
from malleposte.core.errors import InputError
from malleposte.directory.errors import DirectoryError

from tests.support import academy
from tests.support.classes import CLASSES, read_feed
from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
NOW = datetime.datetime(2026, 9, 1, 6, tzinfo=datetime.UTC)
KEYS = Keyring("k1", {"k1": b"1" * 32})
HEADER = "numen;nom;prenom;uai;corps;profil;portable;fin\n"


def row(number: int, surname: str = "Martin", given: str = "Zoé", rest: str = "9990001X;;;;") -> str:
    return f"01E95{number:05d}ABC;{surname};{given};{rest}\n"


def read(*rows: str) -> feed.Feed:
    return read_feed((HEADER + "".join(rows)).encode(), "rh.csv")


class House:
    """A directory, a journal, and what a feed does to them."""

    def __init__(self, folder, keys: Keyring = KEYS) -> None:
        self.directory, self.folder, self.keys = MemoryDirectory(), folder, keys
        self.rules = Rules(DOMAIN, CLASSES.default)

    def plan(self, source: feed.Feed) -> changes.Plan:
        made = plan(source, Current(self.directory), self.keys, self.rules, NOW)
        admit(made, self.directory.suffix, DOMAIN, "plan.json")
        return lines.parse(made.render().encode(), "plan.json")

    def apply(self, made: changes.Plan, **options):
        with Journal(self.folder / "journal.jsonl", "essai@poste") as journal:
            return apply(made, self.directory, journal, **options)

    def feed(self, *rows: str):
        return self.apply(self.plan(read(*rows)))

    def entry(self, uid: str):
        return self.directory.entries[f"uid={uid},ou=people,dc=ac-exemple,dc=test"].attributes


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_an_arrival_gets_a_log_in_an_address_and_no_password(house):
    outcome = house.feed(row(1, "D'Artagnan", "Élodie", "9990001X;Attaché;convergence;0612345678;"))
    assert (outcome.done, outcome.skipped) == (1, [])
    entry = house.entry("edartagnan")
    assert entry["mail"] == ["elodie.dartagnan@ac-exemple.test"]
    assert entry["mpState"] == ["pending"]
    assert entry["mpProfile"] == ["convergence"]
    assert entry["mpRecoveryPhone"] == ["+33612345678"]
    assert "userPassword" not in entry


def test_the_same_feed_changes_nothing(house):
    rows = [row(number) for number in range(5)]
    house.feed(*rows)
    again = house.plan(read(*reversed(rows)))
    assert (list(again.changes), again.unchanged) == ([], 5)


def test_homonyms_are_numbered_and_a_name_is_never_given_again(house):
    house.feed(row(1), row(2))
    assert house.entry("zmartin2")["mail"] == ["zoe.martin2@ac-exemple.test"]
    del house.directory.entries["uid=zmartin2,ou=people,dc=ac-exemple,dc=test"]
    house.directory.add(
        "uid=zmartin2,ou=tombstones,dc=ac-exemple,dc=test",
        {"uid": ["zmartin2"], "mail": ["zoe.martin2@ac-exemple.test"]},
    )
    house.feed(row(1), row(3))
    assert house.entry("zmartin3")["mail"] == ["zoe.martin3@ac-exemple.test"]


def test_another_name_keeps_the_log_in_and_the_old_address(house):
    house.feed(row(1))
    house.feed(row(1, "Durand"))
    entry = house.entry("zmartin")
    assert entry["mail"] == ["zoe.durand@ac-exemple.test"]
    assert entry["mailLocalAddress"] == ["zoe.martin@ac-exemple.test", "zoe.durand@ac-exemple.test"]
    assert entry["cn"] == ["Zoé Durand"]


def test_a_move_changes_the_school_alone(house):
    house.feed(row(1))
    (change,) = house.plan(read(row(1, rest="9990002Y;;;;"))).changes
    assert set(change.after) == {"mpEstablishment", "mpSourceDigest"}
    assert change.before["mpEstablishment"] == ["9990001X"]


def test_means_of_recovery_belong_to_their_owner(house):
    house.feed(row(1))
    house.entry("zmartin")["mpRecoveryPhone"] = ["+33699999999"]
    house.feed(row(1, rest="9990001X;;;0612345678;"))
    assert house.entry("zmartin")["mpRecoveryPhone"] == ["+33699999999"]


def test_departure_and_return(house):
    house.feed(row(1), row(2, "Durand"))
    house.feed(row(2, "Durand"))
    assert house.entry("zmartin")["mpState"] == ["suspended"]
    house.feed(row(1), row(2, "Durand"))
    assert house.entry("zmartin")["mpState"] == ["pending"]
    house.feed(row(1), row(2, "Durand", rest="9990001X;;;;31/08/2026"))
    assert house.entry("zdurand")["mpState"] == ["suspended"]


def test_only_who_came_from_a_feed_leaves_by_one(house):
    house.directory.add(
        "uid=probe1,ou=people,dc=ac-exemple,dc=test", {"uid": ["probe1"], "mpState": ["active"], "cn": ["Sonde"]}
    )
    assert house.plan(read(row(1))).departures.leaving == 0


@pytest.mark.parametrize("bad", [row(1, "M@rtin"), "01E95000AB;Martin;Zoé;;;;;\n", "01E95000AB;MARTIN;ZOE;;;;;\n"])
def test_a_refused_row_suspends_nobody(house, bad):
    house.feed(row(1), row(2, "Durand"))
    made = house.plan(read(bad, row(2, "Durand")))
    assert made.held_back == ("zmartin",)
    assert (list(made.changes), made.rejected) == ([], 1)


def test_a_new_key_renews_the_digests_and_still_knows_everybody(house):
    house.feed(row(1), row(2, "Durand"))
    house.keys = Keyring("k2", {"k1": b"1" * 32, "k2": b"2" * 32})
    made = house.plan(read(row(1), row(2, "Durand")))
    assert {change.kind for change in made.changes} == {changes.Kind.MODIFY}
    house.apply(made)
    assert all(entry.attributes["mpNumenDigest"][0].startswith("k2:") for entry in house.directory.entries.values())
    house.keys = Keyring("k2", {"k2": b"2" * 32})
    assert house.plan(read(row(1), row(2, "Durand"))).unchanged == 2


def test_an_entry_that_moved_since_the_plan_is_left_alone(house):
    house.feed(row(1))
    made = house.plan(read(row(1, rest="9990002Y;;;;")))
    house.entry("zmartin")["mpEstablishment"] = ["9990003Z"]
    outcome = house.apply(made)
    assert "mpEstablishment changed since the plan was made" in outcome.skipped[0].reason
    assert house.entry("zmartin")["mpEstablishment"] == ["9990003Z"]


def test_a_log_in_taken_meanwhile_by_another_is_not_overwritten(house):
    made = house.plan(read(row(1)))
    house.directory.add(
        "uid=zmartin,ou=people,dc=ac-exemple,dc=test", {"uid": ["zmartin"], "mpNumenDigest": ["k1:autre"]}
    )
    outcome = house.apply(made)
    assert "somebody else's" in outcome.skipped[0].reason
    assert house.entry("zmartin")["mpNumenDigest"] == ["k1:autre"]


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_killed_apply_run_again_ends_in_the_same_state(tmp_path, step):
    whole = academy.academy(60, 8, seed=3)
    moved = academy.academy(60, 8, seed=3).agents[10:] + academy.academy(15, 8, seed=4).agents
    first = read_feed(academy.agents_file(whole), "a.csv")
    second = read_feed(academy.render(academy.HEADER, moved), "b.csv")

    def states(kills: bool):
        house = House(tmp_path / f"{kills}-{step}")
        for source in (first, second):
            made = house.plan(source)
            while kills:
                house.directory.fail_after = house.directory.changes + step
                try:
                    house.apply(made)
                    break
                except ConnectionError:
                    continue
            house.directory.fail_after = None
            outcome = house.apply(made)
            assert outcome.whole, outcome.skipped[:2]
        return {dn: entry.attributes for dn, entry in house.directory.entries.items()}

    assert states(kills=True) == states(kills=False)


def test_a_directory_that_goes_away_is_told_with_what_was_done(house, monkeypatch):
    made = house.plan(read(row(1), row(2, "Durand"), row(3, "Petit")))
    add_many = house.directory.add_many

    def broken(entries):
        for number, answer in enumerate(add_many(entries)):
            if number == 2:
                raise DirectoryError("the directory closed the connection")
            yield answer

    monkeypatch.setattr(house.directory, "add_many", broken)
    with pytest.raises(DirectoryError, match="closed the connection, after 2 of 3 changes; run the same again"):
        house.apply(made)


def test_a_plan_and_its_journal_hold_no_numen_and_no_secret(house):
    made = house.plan(read(row(1), row(2, "Durand")))
    house.apply(made)
    journal = (house.folder / "journal.jsonl").read_text("utf-8")
    for number in (1, 2):
        assert f"01E95{number:05d}ABC" not in made.render() + journal
    assert made.changes[0].after["mpNumenDigest"][0] not in journal
    line = json.loads(journal.splitlines()[0])
    assert (line["who"], line["action"], line["account"]) == ("essai@poste", "create", "zmartin")
    assert (house.folder / "journal.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", '{"version": 9}', '{"version": 1}',
        changes.Plan(DOMAIN, "f", "s", "m", (changes.Change(changes.Kind.MODIFY, "u", "d", {}, {"sn": ["x"]}),))
        .render().replace('"sn"', '"userPassword"'),
    ],
)  # fmt: skip
def test_a_file_that_is_no_plan_is_refused(text):
    with pytest.raises(InputError, match=r"^plan\.json: "):
        list(lines.parse(text.encode(), "plan.json").changes)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_plan_is_read_as_it_was_written_a_change_a_line(house, count):
    made = plan(read(*map(row, range(count))), Current(house.directory), KEYS, house.rules, NOW)
    again = lines.parse(made.render().encode(), "plan.json")
    assert (len(again.changes), list(again.changes)) == (count, list(made.changes))
    assert again.changes[1:] == list(made.changes)[1:] and again.render() == made.render()
    assert json.loads(made.render())["changes"] == [one.as_json() for one in made.changes]
    whole = json.dumps(json.loads(made.render()), indent=3)
    assert list(lines.parse(whole.encode(), "plan.json").changes) == list(made.changes)


def test_schools_come_with_their_box_once(house):
    source = read_feed(academy.schools_file(academy.academy(0, 4)), "ecoles.csv")
    made = schools.plan(source, Current(house.directory), DOMAIN, NOW, profile="roundcube")
    assert made.counts() == {"box": 4, "school": 4}
    admit(made, house.directory.suffix, DOMAIN, "plan.json")
    assert house.apply(lines.parse(made.render().encode(), "p")).done == 8
    assert schools.plan(source, Current(house.directory), DOMAIN, NOW, profile="roundcube").unchanged == 4
    box = house.directory.entries["uid=ce.9990001x,ou=functional,dc=ac-exemple,dc=test"].attributes
    assert box["mail"] == ["ce.9990001x@ac-exemple.test"]
    assert "userPassword" not in box
    assert house.apply(made).already == 8


def _agendas(house, *cells):
    """Plan a feed of two schools with these cells under « Agenda »; without cells, the column is not there."""
    table = [f"9990001X;Collège{f';{cells[0]}' if cells else ''}", f"9990002Y;Lycée{f';{cells[1]}' if cells else ''}"]
    text = "\n".join([f"UAI;Dénomination{';Agenda' if cells else ''}", *table]) + "\n"
    made = schools.plan(read_feed(text.encode(), "e.csv"), Current(house.directory), DOMAIN, NOW, profile="roundcube")
    admit(made, house.directory.suffix, DOMAIN, "plan.json")
    house.apply(lines.parse(made.render().encode(), "p"))
    held = house.directory.search("functional", ("uid", "mpAgenda"))
    return made.counts(), {one.attributes["uid"][0]: one.attributes.get("mpAgenda", []) for one in held}


def test_a_feed_says_which_schools_share_an_agenda_and_without_the_column_nothing_changes(house):
    first, second = "ce.9990001x", "ce.9990002y"
    assert _agendas(house, "oui", "non") == ({"school": 2, "box": 2}, {first: ["TRUE"], second: []})
    assert _agendas(house, "non", "oui") == ({"agenda": 2}, {first: [], second: ["TRUE"]})
    assert _agendas(house, "", "oui") == ({}, {first: [], second: ["TRUE"]})
    assert _agendas(house) == ({}, {first: [], second: ["TRUE"]})
    wrong = read_feed("UAI;Dénomination;Agenda\n9990001X;Collège;peut-être\n".encode(), "e.csv")
    assert (wrong.schools[0].agenda, len(wrong.warnings)) == (None, 1)


def test_a_plan_changes_nothing_else_of_a_box(house):
    dn = f"uid=ce.9990001x,ou=functional,{house.directory.suffix}"

    def asked(**after):
        one = changes.Change(changes.Kind.AGENDA, "ce.9990001x", dn, {name: [] for name in after}, after)
        return changes.Plan(DOMAIN, "f", "s", "m", (one,))

    admit(asked(mpAgenda=["TRUE"]), house.directory.suffix, DOMAIN, "plan.json")
    with pytest.raises(InputError, match="mpDelegate"):
        admit(asked(mpDelegate=["zmartin"]), house.directory.suffix, DOMAIN, "plan.json")


def test_key_rings_are_read_and_weak_ones_refused():
    ring = Keyring.parse('{"current": "k1", "keys": {"k1": "' + "QUFB" * 11 + '"}}', "cle.json")
    assert ring.digest("numen", "x") != ring.digest("source", "x")
    for text in ("{}", '{"current": "k2", "keys": {}}', '{"current": "k1", "keys": {"k1": "QUFB"}}'):
        with pytest.raises(InputError, match=r"^cle\.json: "):
            Keyring.parse(text, "cle.json")


def test_a_large_plan_that_was_killed_looks_for_the_others_at_once(house, monkeypatch):
    made = house.plan(read_feed(academy.agents_file(academy.academy(400, 8, seed=5)), "a.csv"))
    house.directory.fail_after = 300
    with pytest.raises(ConnectionError):
        house.apply(made)
    house.directory.fail_after = None
    searches = []
    real = house.directory.search
    monkeypatch.setattr(house.directory, "search", lambda *of: searches.append(of) or real(*of))
    outcome = house.apply(made)
    assert (outcome.already, outcome.done, outcome.skipped) == (300, len(made.changes) - 300, [])
    assert len(searches) < 5


class Asked(MemoryDirectory):
    """A directory that notes what it is asked of everybody, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[tuple[str, bool]] = []

    def search(self, branch, attributes, where=None):
        self.questions.append((branch, where is None))
        return super().search(branch, attributes, where)


def test_some_changed_rows_are_looked_up_together_and_nobody_else(house):
    rows = [row(number, f"Martin{chr(97 + number % 26)}{chr(97 + number // 26)}") for number in range(450)]
    house.feed(*rows)
    house.directory.__class__ = Asked
    house.directory.questions = []
    changed = [one.replace("9990001X", "9990002Y") for one in rows[:250]]
    made = house.plan(read(*changed, *rows[250:]))
    assert made.counts() == {"modify": 250}
    assert all(change.name == f"Zoé {change.uid[1:].capitalize()}" for change in made.changes)
    everybody = [branch for branch, whole in house.directory.questions if whole]
    assert (everybody, len(house.directory.questions)) == (["people"], 4)


def test_who_leaves_is_read_whole_for_the_plan(house):
    house.feed(row(1), row(2, "Durand"))
    since = house.entry("zmartin")["mpStateChanged"]
    (change,) = house.plan(read(row(2, "Durand"))).changes
    assert (change.name, change.before) == ("Zoé Martin", {"mpState": ["pending"], "mpStateChanged": since})


def test_a_feed_without_changes_loads_no_act_on_hosts():
    script = "import sys, malleposte.commands.accounts.feed; print('malleposte.accounts.hosts.acts' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_each_new_entry_is_read_once_while_it_is_made(house, monkeypatch):
    made = house.plan(read(*(row(number, f"Martin{chr(97 + number)}") for number in range(20))))
    parsed, parse = [], changes.Change.parse
    monkeypatch.setattr(changes.Change, "parse", lambda raw: parsed.append(raw["uid"]) or parse(raw))
    assert house.apply(made).done == 20
    assert len(parsed) == 20


def test_an_entry_that_a_plan_makes_twice_is_made_once(house):
    made = house.plan(read(row(1), row(2, "Durand")))
    twice = replace(made, changes=(made.changes[0], *made.changes))
    outcome = house.apply(twice)
    assert (outcome.done, outcome.already, outcome.skipped) == (2, 1, [])
