"""Teams: what is made in one act, roles, rules, ends. On a directory in memory."""

import datetime
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from malleposte.accountd.calls.shared.teams import may_make
from malleposte.accounts import acts, boxes
from malleposte.accounts.acts import Tools
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import removal, renewal
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.life.steps import NightlyRun, StepResult
from malleposte.accounts.plan.apply import apply
from malleposte.accounts.plan.changes import Change, Plan
from malleposte.accounts.teams import life, members, model
from malleposte.accounts.teams.model import Role, Rules, to_team
from malleposte.accounts.used_names import UsedNames
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.lists.members import uids_by_url
from malleposte.lists.rule import parse, to_url
from malleposte.platform import mailstore
from malleposte.policy.model import Policy

from tests.support.directory import MemoryDirectory
from tests.support.hosts import NoPasswords

DOMAIN, UID = "ac-exemple.test", "equipe-projet-erasmus"
NOW = datetime.datetime(2026, 9, 1, 6, tzinfo=datetime.UTC)


class Channel:
    """Remembers whose sessions were ended."""

    name = "essai"

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.broken = False

    def close(self, uid: str) -> None:
        if self.broken:
            raise OSError("the host is away")
        self.closed.append(uid)

    forget = close


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    for uid in ("chef", "a1", "a2", "a3"):
        one = Agent(
            uid, "Z", uid, f"{uid}@{DOMAIN}", "roundcube", State.ACTIVE, establishments=("9990001X",), function="Prof"
        )
        made.add(one.dn(made.suffix), agent_attributes(one))
    return made


@pytest.fixture
def journal(tmp_path: Path):
    with Journal(tmp_path / "journal.jsonl", "essai@poste") as opened:
        yield opened


def done(directory: MemoryDirectory, journal: Journal, changes: list[Change]) -> None:
    assert not apply(Plan("", "", "", "", tuple(changes)), directory, journal).skipped


def make(directory: MemoryDirectory, journal: Journal, *, rule: str = "", ends: str = "", **roles: Role) -> None:
    people = {uid: (boxes.person(directory, uid), role) for uid, role in ({"chef": Role.LEADS} | roles).items()}
    box = members.draft(model.checked_name("Projet Érasmus"), "chef", DOMAIN, "roundcube", Rules())
    urls = [to_url(parse(rule), directory.suffix)] if rule else []
    last = model.checked_end(ends, NOW) if ends else None
    done(directory, journal, members.create(
        box, people, UsedNames(directory), directory.suffix, urls=urls, ends=last
    ))  # fmt: skip


def place(directory: MemoryDirectory, journal: Journal, uid: str, role: Role | None) -> list[Change]:
    changes = members.place(members.find(directory, UID), boxes.person(directory, uid, gone=True), role)
    done(directory, journal, changes)
    return changes


def held(directory: MemoryDirectory, uid: str, name: str) -> list[str]:
    (entry,) = directory.search("people", (name,), {"uid": uid})
    return entry.attributes.get(name, [])


def roles_of(directory: MemoryDirectory) -> dict[str, str]:
    return {uid: role.value for uid, role in to_team(members.find(directory, UID)).members.items()}


def test_one_act_makes_box_agenda_and_members_on_both_sides(directory, journal) -> None:
    make(directory, journal, ends="2027-07-05", a1=Role.WRITES, a2=Role.READS)
    entry = members.find(directory, f"{UID}@{DOMAIN}")
    assert entry.attributes["cn"] == ["Équipe Projet Érasmus"] and entry.attributes["mpAgenda"] == ["TRUE"]
    assert sorted(entry.attributes["mpDelegate"]) == ["a1", "chef"], "who reads does not send as the team"
    assert roles_of(directory) == {"a1": "participe", "a2": "lit", "chef": "anime"}
    assert (held(directory, "a1", "mpOpens"), held(directory, "a1", "mpReads")) == ([UID], [])
    assert (held(directory, "a2", "mpOpens"), held(directory, "a2", "mpReads")) == ([], [UID])
    assert boxes.mirror(directory) == []
    assert members.find(directory, "Équipe projet érasmus").dn == entry.dn
    with pytest.raises(InputError, match="is or was somebody's"):
        make(directory, journal)
    with pytest.raises(InputError, match="nobody leads"):
        make(directory, journal, chef=Role.READS)


def test_who_makes_a_team_of_a_name_second_opens_nothing_of_the_first(directory, journal) -> None:
    both = [
        members.create(
            members.draft(model.checked_name(words), uid, DOMAIN, "roundcube", Rules()),
            {uid: (boxes.person(directory, uid), Role.LEADS)}, UsedNames(directory), directory.suffix,
        )
        for uid, words in (("chef", "Projet Erasmus"), ("a1", "Projet Érasmus"))
    ]  # fmt: skip
    acts.make(directory, journal, both[0])
    with pytest.raises(MallepostError, match="somebody else's"):
        acts.make(directory, journal, both[1])
    assert (held(directory, "chef", "mpOpens"), held(directory, "a1", "mpOpens")) == ([UID], [])


def test_two_changes_of_a_team_at_once_leave_no_right_on_one_side_alone(directory, journal) -> None:
    make(directory, journal, a1=Role.WRITES)
    entry, person = members.find(directory, UID), boxes.person(directory, "a2")
    late, gone = members.place(entry, person, Role.WRITES), boxes.person(directory, "a1")
    taken = members.place(entry, gone, None)
    place(directory, journal, "a3", Role.WRITES)
    with pytest.raises(MallepostError, match="plan again"):
        acts.make(directory, journal, late)
    assert held(directory, "a2", "mpOpens") == [], "the team does not name who would open it"
    directory.modify(gone.dn, {"mpOpens": [UID, "ce.9990001x"]})
    with pytest.raises(MallepostError, match="plan again"):
        acts.make(directory, journal, taken)
    assert roles_of(directory)["a1"] == "participe", "the page still says so, and who leads asks again"
    place(directory, journal, "a1", None)
    assert held(directory, "a1", "mpOpens") == ["ce.9990001x"] and "a1" not in roles_of(directory)


def test_a_role_is_given_last_and_taken_away_first_where_it_opens(directory, journal) -> None:
    make(directory, journal)
    assert [one.uid for one in place(directory, journal, "a1", Role.WRITES)] == [UID, "a1"]
    assert [one.uid for one in place(directory, journal, "a1", Role.READS)] == ["a1", UID]
    assert (held(directory, "a1", "mpOpens"), held(directory, "a1", "mpReads")) == ([], [UID])
    assert place(directory, journal, "a1", Role.READS) == []
    changes = place(directory, journal, "a1", None)
    assert [one.uid for one in changes] == ["a1", UID] and members.sides(changes) == (["a1"], [])
    assert boxes.mirror(directory) == [] and roles_of(directory) == {"chef": "anime"}


def test_a_team_keeps_somebody_who_leads_it(directory, journal) -> None:
    make(directory, journal, a1=Role.WRITES)
    for role in (Role.READS, Role.WRITES, None):
        with pytest.raises(InputError, match="alone leads"):
            place(directory, journal, "chef", role)
    place(directory, journal, "a1", Role.LEADS)
    place(directory, journal, "chef", None)
    assert roles_of(directory) == {"a1": "anime"}


def test_a_team_has_a_largest_size(directory, journal, monkeypatch) -> None:
    make(directory, journal, a1=Role.WRITES)
    monkeypatch.setattr(members, "MOST_MEMBERS", 2)
    with pytest.raises(InputError, match="2 members at most"):
        place(directory, journal, "a2", Role.READS)
    place(directory, journal, "a1", Role.READS)
    monkeypatch.setattr(members, "MOST_MEMBERS", 3)
    place(directory, journal, "a2", Role.READS)


@pytest.mark.parametrize(
    "name", ["", "x", "<b>Projet</b>", "a@b", 'dit "le"', "\N{RIGHT-TO-LEFT OVERRIDE}abc", "!!!", "x" * 61, "a\nb\0"]
)
def test_a_name_that_misleads_or_marks_is_refused(name) -> None:
    with pytest.raises(InputError):
        model.checked_name(name)
    assert model.checked_name("  Équipe   L’école (6e) & Cie ") == "L’école (6e) & Cie"


def test_no_team_takes_the_name_of_an_office() -> None:
    box = members.draft(model.checked_name("Recteur"), "chef", DOMAIN, "roundcube", Rules())
    assert (box.uid, box.mail, box.name) == ("equipe-recteur", f"equipe-recteur@{DOMAIN}", "Équipe Recteur")


@pytest.mark.parametrize(
    "address",
    ["http://a.test/", "javascript:alert(1)", "https://", "https://u:p@a.test/", "https://a.test/ x", "//a.test",
     "https://a.test/\"onclick=", "https://a.test/é", "https://[::1", "https://a.test:0/",
     f"https://a.test/{'x' * 300}"],
)  # fmt: skip
def test_a_link_is_https_and_nothing_else(address) -> None:
    with pytest.raises(InputError):
        model.checked_link("Documents", address)
    link = model.checked_link(" Nos  documents ", "https://a.test/s/x?y=1#z")
    assert (link.words, link.value) == ("Nos documents", "https://a.test/s/x?y=1#z Nos documents")


def test_links_are_few_and_ends_are_near(directory, journal) -> None:
    make(directory, journal)
    for number in range(model.MOST_LINKS):
        link = model.checked_link(f"Lien {number}", f"https://a.test/{number}")
        done(directory, journal, members.settle(members.find(directory, UID), add=link))
    one_more = model.checked_link("Lien", "https://a.test/x")
    with pytest.raises(InputError, match="6 links"):
        members.settle(members.find(directory, UID), add=one_more)
    done(directory, journal, members.settle(members.find(directory, UID), add=one_more, remove="https://a.test/0"))
    assert len(to_team(members.find(directory, UID)).links) == model.MOST_LINKS
    for day in ("2026-08-31", "2029-01-01", "demain", "9999-12-31"):
        with pytest.raises(InputError):
            model.checked_end(day, NOW)
    done(directory, journal, members.settle(members.find(directory, UID), ends=model.checked_end("2027-07-05", NOW)))
    done(directory, journal, members.settle(members.find(directory, UID), for_good=True))
    assert to_team(members.find(directory, UID)).ends is None


def test_who_may_make_teams(directory) -> None:
    for makers, expected in (("", False), ("@staff", True), ("fonction=Prof", True), ("fonction=Proviseur", False)):
        assert may_make(directory, Rules(makers), "a1") is expected, makers


def test_who_leaves_the_school_leaves_the_team_and_who_comes_joins_it(directory, journal) -> None:
    make(directory, journal, rule="uai=9990001X", a3=Role.READS)
    done(directory, journal, members.follow(directory, members.find(directory, UID), uids_by_url, [].append))
    assert roles_of(directory) == {"a1": "participe", "a2": "participe", "a3": "lit", "chef": "anime"}
    assert members.follow(directory, members.find(directory, UID), uids_by_url, [].append) == []
    with pytest.raises(InputError, match="a rule says"):
        place(directory, journal, "a3", Role.WRITES)
    directory.modify(f"uid=a1,ou=people,{directory.suffix}", {"mpEstablishment": ["9990002Y"]})
    changes = members.follow(directory, members.find(directory, UID), uids_by_url, [].append)
    assert changes[0].uid == "a1" and members.sides(changes) == (["a1"], [])
    done(directory, journal, changes)
    assert roles_of(directory) == {"a2": "participe", "a3": "lit", "chef": "anime"}
    assert held(directory, "a1", "mpOpens") == [] and boxes.mirror(directory) == []


def test_who_leaves_the_school_leaves_a_team_whose_rule_finds_too_many(directory, journal, monkeypatch) -> None:
    make(directory, journal, rule="uai=9990001X")
    done(directory, journal, members.follow(directory, members.find(directory, UID), uids_by_url, [].append))
    directory.modify(f"uid=a1,ou=people,{directory.suffix}", {"mpEstablishment": ["9990002Y"]})
    for number in range(3):
        uid = f"b{number}"
        one = Agent(uid, "Z", uid, f"{uid}@{DOMAIN}", "roundcube", State.ACTIVE, establishments=("9990001X",))
        directory.add(one.dn(directory.suffix), agent_attributes(one))
    monkeypatch.setattr(members, "MOST_MEMBERS", 4)
    failures: list[Failure] = []
    done(directory, journal, members.follow(directory, members.find(directory, UID), uids_by_url, failures.append))
    assert [str(one) for one in failures] == ["rule: it finds more people than a team has members: 6, 4 at most"]
    assert roles_of(directory).keys() == {"a2", "a3", "chef"} and held(directory, "a1", "mpOpens") == []
    monkeypatch.setattr(members, "MOST_MEMBERS", 6)
    done(directory, journal, members.follow(directory, members.find(directory, UID), uids_by_url, failures.append))
    assert roles_of(directory).keys() == {"a2", "a3", "b0", "b1", "b2", "chef"} and len(failures) == 1


# --- nights ---


class Nights:
    """Nightly runs over a directory and the files of a host."""

    def __init__(self, directory: MemoryDirectory, journal: Journal, tmp_path: Path) -> None:
        rules = LifeRules(store=tmp_path / "mail", radicale=tmp_path / "dav", archive_folder=tmp_path / "archives")
        cur = mailstore.home_of(UID, rules.store) / "Maildir" / "cur"
        cur.mkdir(parents=True)
        (cur / "1.x:2,S").write_bytes(b"Subject: un\n\n")
        self.channel, self.sent, self.rules = Channel(), list[EmailMessage](), rules
        hosts = Hosts(directory, [LocalHost(rules, lambda *_: "", beside=())])
        self.tools = Tools(directory, journal, (self.channel,), NoPasswords(), hosts)  # type: ignore[arg-type]
        self.settings = type("Settings", (), {"journal": tmp_path / "none.jsonl"})
        self.send: Callable[[EmailMessage], None] = self.sent.append

    def run(self, now: datetime.datetime, *, dry: bool = False) -> StepResult:
        night = NightlyRun(self.settings, self.rules, self.tools, now, dry, self.send, by_rule=uids_by_url)  # type: ignore[arg-type]
        result = StepResult("teams")
        life.step(night, result)
        return result


@pytest.fixture
def nights(directory, journal, tmp_path, monkeypatch) -> Nights:
    facts = renewal.Facts(
        domain=DOMAIN, academy="académie d’Exemple", portal="portail.test", phone="03", mail=f"aide@{DOMAIN}",
        hours="9 h", hours_en="9", policy=Policy(),
    )  # fmt: skip
    monkeypatch.setattr(renewal.Facts, "read", classmethod(lambda cls: facts))
    monkeypatch.setattr(life.end, "__kwdefaults__", {"pending": tmp_path / "pending"})
    return Nights(directory, journal, tmp_path)


def test_members_are_told_once_before_the_end(directory, journal, nights) -> None:
    make(directory, journal, ends="2026-09-20", a1=Role.WRITES)
    assert nights.run(NOW).done == [] and nights.sent == []
    late = NOW + datetime.timedelta(days=7)
    assert nights.run(late, dry=True).done == [f"{UID}:told"] and nights.sent == []
    assert nights.run(late).done == [f"{UID}:told"]
    assert nights.run(late).done == []
    assert sorted(str(one["To"]) for one in nights.sent) == [f"a1@{DOMAIN}", f"chef@{DOMAIN}"]
    text = nights.sent[0].get_content()
    assert "20\N{NO-BREAK SPACE}septembre\N{NO-BREAK SPACE}2026" in text and "Équipe Projet Érasmus" in text
    done(directory, journal, members.settle(members.find(directory, UID), ends=model.checked_end("2026-09-21", NOW)))
    assert nights.run(late).done == [f"{UID}:told"], "another end is told again"


def test_one_whom_no_letter_reaches_keeps_none_from_the_others(directory, journal, nights) -> None:
    make(directory, journal, ends="2026-09-20", a1=Role.WRITES, a2=Role.READS)
    late, away = NOW + datetime.timedelta(days=7), {f"a1@{DOMAIN}", f"a2@{DOMAIN}", f"chef@{DOMAIN}"}

    def send(letter: EmailMessage) -> None:
        if str(letter["To"]) in away:
            raise MallepostError("sendmail refuses")
        nights.sent.append(letter)

    nights.send = send
    assert len(nights.run(late).failures) == 3 and nights.sent == []
    away.intersection_update({f"a1@{DOMAIN}"})
    result = nights.run(late)
    assert (result.done, result.failures) == ([f"{UID}:told"], [f"{UID}: letter: a1: sendmail refuses"])
    assert nights.run(late).done == [], "the others are not told each night"
    assert sorted(str(one["To"]) for one in nights.sent) == [f"a2@{DOMAIN}", f"chef@{DOMAIN}"]


def test_a_team_ends_archived_and_its_members_lose_it(directory, journal, nights) -> None:
    make(directory, journal, ends="2026-09-20", a1=Role.WRITES, a2=Role.READS)
    over = NOW + datetime.timedelta(days=20)
    assert nights.run(over, dry=True).done == [f"{UID}:ended"] and roles_of(directory)
    nights.channel.broken = True
    assert nights.run(over).failures and roles_of(directory), "a session that stays keeps the team's mail where it is"
    assert held(directory, "a1", "mpOpens") == []
    nights.channel.broken = False
    result = nights.run(over)
    assert (result.done, result.failures) == ([f"{UID}:ended"], [])
    assert set(nights.channel.closed) == {"a1", "a2", "chef"} and held(directory, "a2", "mpReads") == []
    assert list(nights.rules.archive_folder.glob(f"{UID}-*.zip"))
    with pytest.raises(InputError, match="no team"):
        members.find(directory, UID)
    with pytest.raises(InputError, match="is or was somebody's"):
        make(directory, journal)


@pytest.mark.parametrize("after", range(9))
def test_an_end_that_is_killed_is_gone_on_with_in_the_next_night(directory, journal, nights, after, tmp_path) -> None:
    make(directory, journal, ends="2026-09-20", a1=Role.WRITES, a2=Role.READS)
    over = NOW + datetime.timedelta(days=20)
    directory.fail_after = directory.changes + after
    nights.run(over)
    directory.fail_after = None
    nights.run(over)
    removal.finish(directory, journal, tmp_path / "pending")
    assert [entry.attributes["uid"] for entry in directory.search("tombstones", ["uid"])] == [[UID]]
    assert list(directory.search("functional", ["uid"])) == []
    assert all(held(directory, uid, name) == [] for uid in ("a1", "a2", "chef") for name in ("mpOpens", "mpReads"))


@pytest.mark.parametrize("after", range(1, 4))
def test_a_making_that_is_killed_is_mended_in_the_next_night(directory, journal, nights, after) -> None:
    directory.fail_after = directory.changes + after
    with pytest.raises((MallepostError, ConnectionError)):
        make(directory, journal, a1=Role.WRITES, a2=Role.READS)
    directory.fail_after = None
    nights.run(NOW)
    assert roles_of(directory) == {"a1": "participe", "a2": "lit", "chef": "anime"}
    assert boxes.mirror(directory) == []
