"""Distribution lists: rules, members, rights, the spool after a crash, moderation, the sockets."""

import contextlib
import smtplib

import pytest
from malleposte.circulars.model import Filed
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes
from malleposte.lists import edits, message, notices, rule
from malleposte.lists.carrier import Carrier, by_smtp
from malleposte.lists.intake import TAKEN, Intake, UnknownMessageError
from malleposte.lists.members import expand, is_member
from malleposte.lists.model import attributes_of, by_address, role_of, to_list
from malleposte.lists.pace import Pace
from malleposte.lists.rights import Verdict, judge, judge_moderator
from malleposte.lists.spool import About, Spool

from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
SUBMITTED = "submitted.lists.stores.invalid"
MESSAGE = b"From: Marie <a1@ac-exemple.test>\r\nSubject: =?utf-8?q?R=C3=A9union?=\r\n\r\nBonjour\r\n"
MOST_ROUNDS = 2000


def person(directory, uid, **more):
    one = Agent(
        uid=uid, given_name="Z", surname=uid, mail=f"{uid}@{DOMAIN}", profile="roundcube",
        **{"state": State.ACTIVE, **more},
    )  # fmt: skip
    directory.add(one.dn(directory.suffix), agent_attributes(one))


@pytest.fixture
def directory():
    made = MemoryDirectory()
    for uai, department in (("0890001A", "89"), ("0210002B", "21")):
        attributes = {"objectClass": ["mpSchool"], "mpEstablishment": [uai], "o": ["E"], "mpDepartment": [department]}
        made.add(f"mpEstablishment={uai},ou=establishments,{made.suffix}", attributes)
    person(made, "a1", function="Principal", establishments=("0890001A",))
    person(made, "a2", function="Proviseur", establishments=("0210002B",))
    person(made, "a3", function="Enseignant", establishments=("0890001A",))
    person(made, "gone", function="Principal", establishments=("0890001A",), state=State.SUSPENDED)
    person(made, "ghost", function="Principal", establishments=("0890001A",), hidden=True)
    box = FunctionalBox(uid="scom", name="Communication", mail=f"scom@{DOMAIN}")
    made.add(box.dn(made.suffix), box_attributes(box))
    return made


def make(directory, name, **words):
    one = edits.draft(directory, name, "Liste é", DOMAIN, **words)
    directory.add(one.dn(directory.suffix), attributes_of(one))
    return one


# --- rules ---


def test_a_rule_becomes_a_url_and_comes_back(directory):
    wanted = rule.parse("fonction=Principal,Proviseur departement=89,21 discipline=*histoire (géo)*")
    url = rule.to_url(wanted, directory.suffix)
    assert url.isascii()
    assert " " not in url
    back = rule.from_url(url, directory.suffix)
    assert back.departments == ("89", "21")
    assert back.query.render().encode() == wanted.query.render().encode()


@pytest.mark.parametrize("words", ["", "tous", "fonction=", "salaire=3", "fonction=A ou=B"])
def test_a_rule_that_is_none_is_refused(words):
    with pytest.raises(InputError):
        rule.parse(words)


@pytest.mark.parametrize(
    "url",
    [
        "ldap:///ou=services,dc=ac-exemple,dc=test??one?(cn=*)",
        "ldap://elsewhere/ou=people,dc=ac-exemple,dc=test??one?(cn=a)",
        "ldap:///ou=people,dc=ac-exemple,dc=test??one?(cn=a",
        "ldap:///ou=people,dc=ac-exemple,dc=test??one?(cn=a)(cn=b)",
        "ldap:///ou=people,dc=ac-exemple,dc=test??one?(cn>=a)",
        "ldap:///ou=people,dc=ac-exemple,dc=test??one?(cn=a)?x-other=1",
        "ldap:///ou=people,dc=ac-exemple,dc=test??one?" + "(!" * 30 + "(cn=a)" + ")" * 30,
    ],
)
def test_a_url_that_is_no_rule_is_refused(url, directory):
    with pytest.raises(InputError):
        rule.from_url(url, directory.suffix)


def test_no_value_becomes_more_than_a_value(directory):
    wanted = rule.parse("fonction=Principal)(uid=*")
    assert "(mpFunction=Principal\\29\\28uid=\\2a)" in wanted.query.render()
    assert rule.from_url(rule.to_url(wanted, directory.suffix), directory.suffix).query == wanted.query


# --- members ---


def uids(directory, one):
    return sorted(member.key for member in expand(directory, one))


def test_a_rule_follows_the_directory_and_leaves_out_who_is_gone_or_hidden(directory):
    one = make(directory, "chefs-yonne", rules=["fonction=Principal,Proviseur departement=89"])
    assert uids(directory, one) == ["a1"]
    directory.modify(f"uid=a2,ou=people,{directory.suffix}", {"mpEstablishment": ["0890001A"]})
    assert uids(directory, one) == ["a1", "a2"]


def test_who_is_there_twice_is_there_once_whatever_the_way(directory):
    inner = make(directory, "inner", members=["a1", "a2", "x@ailleurs.test"])
    words = ["a1", f"a1@{DOMAIN}", "@list:inner", "x@ailleurs.test", "scom"]
    one = make(directory, "outer", members=words, rules=["fonction=Principal"])
    assert uids(directory, one) == ["a1", "a2", "scom", "x@ailleurs.test"]
    # A list that holds itself, by way of another, ends.
    directory.modify(inner.dn(directory.suffix), {"member": [*inner.members, one.dn(directory.suffix)]})
    assert uids(directory, one) == ["a1", "a2", "scom", "x@ailleurs.test"]
    assert is_member(directory, one, "a2", "")
    assert is_member(directory, one, "", "x@ailleurs.test")
    assert not is_member(directory, one, "a3", f"a3@{DOMAIN}")


def test_an_account_is_handed_to_by_its_uid(directory):
    one = make(directory, "liste", members=["a1", "x@ailleurs.test"])
    assert {member.envelope("stores.invalid") for member in expand(directory, one)} == {
        "a1@stores.invalid", "x@ailleurs.test",
    }  # fmt: skip


# --- rights ---


@pytest.mark.parametrize(
    ("posters", "sender", "may"),
    [
        (["@members"], f"a1@{DOMAIN}", True),
        (["@members"], f"a1+mot@{DOMAIN}", True),
        (["@members"], f"a2@{DOMAIN}", False),
        (["@members"], "x@ailleurs.test", True),
        (["@staff"], f"a2@{DOMAIN}", True),
        (["@staff"], "x@ailleurs.test", False),
        (["@anyone"], "z@lointain.test", True),
        (["a2"], f"a2@{DOMAIN}", True),
        (["a2"], f"a1@{DOMAIN}", False),
        (["scom"], f"scom@{DOMAIN}", True),
        (["z@lointain.test"], "z@lointain.test", True),
        (["z@lointain.test"], "y@lointain.test", False),
        (["@list:autre"], f"a3@{DOMAIN}", True),
        (["@list:autre"], f"a1@{DOMAIN}", False),
        (["@anyone"], "", False),
        (["@anyone"], f"gone@{DOMAIN}", False),
    ],
)
def test_who_may_write(directory, posters, sender, may):
    make(directory, "autre", members=["a3"])
    one = make(directory, "liste", members=["a1", "x@ailleurs.test"], posters=posters)
    judgement = judge(directory, one, sender)
    assert judgement.refused is not may
    assert judgement.reply.isascii()


def test_a_blocked_account_writes_to_no_list(directory):
    one = make(directory, "liste", members=["a1"])
    directory.modify(f"uid=a1,ou=people,{directory.suffix}", {"mpBlockedUntil": ["20991231000000Z"]})
    assert judge(directory, one, f"a1@{DOMAIN}").refused


def test_size_and_moderation(directory):
    one = make(directory, "liste", members=["a1", "a2"], moderators=["a2"], max_kb=10)
    assert "5.3.4" in judge(directory, one, f"a1@{DOMAIN}", 10241).reply
    assert judge(directory, one, f"a1@{DOMAIN}", 10240).verdict is Verdict.HELD
    assert judge(directory, one, f"a2@{DOMAIN}").verdict is Verdict.CARRIED
    assert not judge_moderator(directory, one, f"a2@{DOMAIN}").refused
    assert judge_moderator(directory, one, f"a1@{DOMAIN}").refused
    assert judge_moderator(directory, one, "").refused


# --- what is written above a message ---


def test_what_is_written_above_a_message_and_nothing_of_it_is_changed(directory):
    one = make(directory, "liste", members=["a1"])
    sent = message.dressed(one, MESSAGE)
    assert sent.endswith(MESSAGE)
    head = message.head_of(sent)
    assert "<liste.ac-exemple.test>" in head["List-Id"]
    assert head["List-Post"] == f"<mailto:liste@{DOMAIN}>"
    assert head["Precedence"] == "list"
    assert message.loops(one, sent)
    assert not message.loops(one, MESSAGE)
    assert message.subject_and_author(MESSAGE) == ("Réunion", "Marie <a1@ac-exemple.test>")


@pytest.mark.parametrize("line", [b"Auto-Submitted: auto-replied", b"Precedence: bulk", b"X-Autoreply: yes"])
def test_what_nobody_wrote_is_known(line):
    assert message.automatic(line + b"\r\n" + MESSAGE)
    name = line.partition(b":")[0]
    assert message.automatic(name + b": no\r\n" + line + b"\r\n" + MESSAGE), "a second field counts as well"
    assert not message.automatic(MESSAGE)


# --- pace ---


def test_a_pace_by_counters():
    now = [0.0]
    pace, sent = Pace(60, lambda: now[0]), 0
    for second in range(600):
        now[0] = float(second)
        count = pace.ready(100)
        pace.spend(count)
        sent += count
        assert sent <= 60 + second
    assert sent == 60 + 599
    assert pace.wait(60) == pytest.approx(60)
    assert pace.wait(1000) == pytest.approx(60)


# --- spool and carrier ---


def test_the_spool_keeps_and_forgets(tmp_path):
    spool = Spool(tmp_path)
    name = spool.put("held", About("liste", "a@b", 0.0, "t"), MESSAGE)
    assert spool.ids("held") == [name]
    assert Spool(tmp_path).message("held", name) == MESSAGE
    spool.release(name)
    spool.settle(name, ["a", "b", "c"])
    spool.note(name, 2)
    with (tmp_path / "out" / name / "done").open("a") as file:
        file.write("3")
    assert (spool.recipients(name), spool.done(name)) == (["a", "b", "c"], 2)
    spool.drop("out", name)
    assert list(spool.rows()) == []
    with pytest.raises(KeyError):
        spool.about("held", "../../etc")


class Mta:
    """Takes what is sent; `die` at the n-th hand-over, before or after it was taken."""

    def __init__(self):
        self.sent: list[tuple[str, list[str], bytes]] = []
        self.die: int | None = None
        self.refuses: dict[str, tuple[int, str]] = {}
        self.away = False
        self.after = False

    def __call__(self, sender, recipients, content):
        if self.away:
            raise ConnectionRefusedError("no mail server")
        dying = self.die is not None and len(self.sent) >= self.die
        if dying and not self.after:
            raise KeyboardInterrupt
        self.sent.append((sender, [one for one in recipients if one not in self.refuses], content))
        if dying:
            self.die = None
            raise KeyboardInterrupt
        return {one: self.refuses[one] for one in recipients if one in self.refuses}

    @property
    def got(self):
        return [one for _, recipients, _ in self.sent for one in recipients]


@pytest.fixture
def house(directory, tmp_path):
    class House:
        def __init__(self):
            self.mta, self.said, self.told, self.now = Mta(), [], [], [0.0]
            self.build()

        def build(self):
            @contextlib.contextmanager
            def opened():
                yield directory

            self.spool = Spool(tmp_path)
            self.carrier = Carrier(
                self.spool, opened, self.mta, "stores.invalid", 1000, 10, self.said.append, lambda: self.now[0],
                lambda *words: self.told.append(words),
            )  # fmt: skip
            self.intake = Intake(self.spool, opened, self.mta, self.carrier, DOMAIN, "stores.invalid", self.said.append)

        def drain(self):
            for _ in range(MOST_ROUNDS):
                if not self.spool.ids("out"):
                    return
                self.now[0] += self.carrier.round() or 0.001
            pytest.fail("it sends for ever")

    return House()


def many(directory, count):
    for number in range(count):
        person(directory, f"p{number:04d}", function="Agent", establishments=("0890001A",))
    return make(directory, "tous", rules=["fonction=Agent"], posters=["@staff"])


def test_a_long_list_is_sent_whole_and_each_gets_one(directory, house):
    many(directory, 234)
    assert house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE) == TAKEN
    house.drain()
    assert sorted(house.mta.got) == sorted(f"p{number:04d}@stores.invalid" for number in range(234))
    assert {sender for sender, _, _ in house.mta.sent} == {f"tous-bounces@{DOMAIN}"}
    assert max(len(recipients) for _, recipients, _ in house.mta.sent) == 10


@pytest.mark.parametrize("after", [False, True])
def test_killed_in_the_middle_it_goes_on(directory, house, after):
    many(directory, 95)
    house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE)
    house.mta.die, house.mta.after = 4, after
    with pytest.raises(KeyboardInterrupt):
        house.drain()
    house.mta.die = None
    house.build()
    house.drain()
    assert set(house.mta.got) == {f"p{number:04d}@stores.invalid" for number in range(95)}
    # At most one batch twice: that of the moment between Postfix's word and the note of it.
    assert len(house.mta.got) == 95 + (10 if after else 0)


def test_who_is_on_it_is_settled_once(directory, house):
    many(directory, 30)
    house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE)
    house.carrier.round()
    person(directory, "later", function="Agent")
    house.drain()
    assert "later@stores.invalid" not in house.mta.got


def test_one_that_cannot_be_sent_holds_up_no_other(directory, house):
    make(directory, "bonne", members=["a1"], posters=["@staff"])
    bad = make(directory, "mauvaise", members=["a2"], posters=["@staff"])
    house.intake.taken(f"a1@{DOMAIN}", f"mauvaise@{SUBMITTED}", MESSAGE)
    house.intake.taken(f"a1@{DOMAIN}", f"bonne@{SUBMITTED}", MESSAGE)
    send = house.mta

    def failing(sender, recipients, content):
        if sender.startswith("mauvaise"):
            raise smtplib.SMTPDataError(452, b"not now")
        return send(sender, recipients, content)

    house.carrier.send = failing
    house.carrier.round()
    assert send.got == ["a1@stores.invalid"]
    assert len(house.spool.ids("out")) == 1
    house.carrier.send = send
    house.drain()
    assert send.got == ["a1@stores.invalid", "a2@stores.invalid"]
    assert bad.name


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("about.json", b'{"list": "maladie", "se'),
        ("about.json", b"[]"),
        ("about.json", None),
        ("message", None),
        ("recipients", b"\xff\xfe\n"),
        ("done", b"x\n"),
        ("again", b"\xff\n"),
    ],
)
def test_a_damaged_file_is_put_aside_and_ends_nothing_else(directory, house, tmp_path, part, content):
    make(directory, "maladie", members=["a2"], posters=["@staff"])
    make(directory, "bonne", members=["a1"], posters=["@staff"])
    take = house.intake.taken
    take(f"a1@{DOMAIN}", f"maladie@{SUBMITTED}", MESSAGE)
    (name,) = house.spool.ids("out")
    house.spool.settle(name, ["a2@stores.invalid"])
    path = tmp_path / "out" / name / part
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    assert take(f"a1@{DOMAIN}", f"bonne@{SUBMITTED}", MESSAGE) == TAKEN
    assert {row["id"] for row in house.spool.rows()} == set(house.spool.ids("out"))
    house.drain()
    assert house.mta.got == ["a1@stores.invalid"]
    assert house.spool.ids("bad") == [name]
    (row,) = house.spool.rows()
    assert row["place"] == "bad" and part in str(row["reason"])
    house.carrier.round()
    ((told, _list, reason),) = house.told
    assert told == name and part in reason
    # Mended, it goes out; it is no damage to those who have theirs.
    path = tmp_path / "bad" / name / part
    path.unlink(missing_ok=True)
    if kept is not None:
        path.write_bytes(kept)
    house.intake.approve(name)
    house.drain()
    assert house.mta.got == ["a1@stores.invalid", "a2@stores.invalid"]


def test_what_is_put_aside_can_be_dropped(directory, house):
    make(directory, "liste", members=["a2"], posters=["@staff"])
    house.intake.taken(f"a1@{DOMAIN}", f"liste@{SUBMITTED}", MESSAGE)
    send = house.mta

    def refusing(sender, recipients, content):
        raise smtplib.SMTPDataError(554, b"no")

    house.carrier.send = refusing
    house.drain()
    (name,) = house.spool.ids("bad")
    assert "554" in house.spool.reason(name)
    house.intake.reject(name)
    assert list(house.spool.rows()) == []
    assert send.got == []


def test_the_operators_are_told_once_and_after_the_mail_server_is_back(directory, house):
    make(directory, "liste", members=["a2"], posters=["@staff"])
    house.intake.taken(f"a1@{DOMAIN}", f"liste@{SUBMITTED}", MESSAGE)
    (name,) = house.spool.ids("out")
    house.spool.quarantine(name, "essai")
    tell, tries = house.carrier.tell, []

    def failing(*words):
        tries.append(words)
        raise ConnectionRefusedError

    house.carrier.tell = failing
    house.carrier.round()
    house.carrier.tell = tell
    for _ in range(3):
        house.carrier.round()
    house.build()
    house.carrier.round()
    assert (tries, house.told) == ([(name, "liste", "essai")], [(name, "liste", "essai")])


def test_who_is_refused_is_left_out_and_the_managers_learn_it(directory, house):
    many(directory, 25)
    directory.modify(f"cn=tous,ou=lists,{directory.suffix}", {"mpManager": ["a3"]})
    house.mta.refuses = {"p0003@stores.invalid": (550, "5.2.1 no")}
    house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE)
    house.drain()
    everybody = [f"p{number:04d}@stores.invalid" for number in range(25) if number != 3]
    assert sorted(house.mta.got) == sorted([*everybody, "a3@stores.invalid"])
    notice = house.mta.sent[-1][2]
    assert b"p0003@stores.invalid 550 5.2.1 no" in notice


@pytest.mark.parametrize("all_of_them", [False, True])
def test_who_is_put_off_is_tried_again_and_nobody_else(directory, house, all_of_them):
    many(directory, 25)
    everybody = [f"p{number:04d}@stores.invalid" for number in range(25)]
    late = everybody if all_of_them else everybody[7:9]
    house.mta.refuses = dict.fromkeys(late, (452, "4.2.2 full"))
    house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE)
    for _ in range(40):
        house.now[0] += house.carrier.round() or 0.001
    assert sorted(house.mta.got) == sorted(set(everybody) - set(late))
    house.build()  # killed meanwhile
    house.mta.refuses = {}
    house.drain()
    assert sorted(house.mta.got) == everybody


class Archive:
    """Takes messages once, as the archive does; dies before or after it took the first, or is away."""

    def __init__(self):
        self.held: dict[str, bytes] = {}
        self.asked = 0
        self.die, self.away, self.full = "", False, False

    def __call__(self, filing, content):
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError("no archive")
        if self.full:
            return Filed(full=True, first=self.asked == 1)
        if self.die == "before":
            self.die = ""
            raise KeyboardInterrupt
        assert (filing.list, filing.size, filing.sender) == ("tous", len(content), f"a1@{DOMAIN}")
        self.held[filing.ident] = content
        if self.die == "after":
            self.die = ""
            raise KeyboardInterrupt
        return Filed()


def archived_list(directory, house, *, archive=True, **words):
    person(directory, "p1", function="Agent", establishments=("0890001A",))
    make(directory, "tous", rules=["fonction=Agent"], posters=["@staff"], archive=archive, **words)
    made = house.carrier.archive = Archive()
    assert house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE) == TAKEN
    return made


def test_what_a_list_with_an_archive_sent_is_archived_and_nothing_of_another(directory, house):
    made = archived_list(directory, house)
    house.drain()
    assert list(made.held.values()) == [MESSAGE] and house.mta.got == ["p1@stores.invalid"]


def test_a_list_without_an_archive_has_none(directory, house):
    made = archived_list(directory, house, archive=False)
    house.drain()
    assert made.asked == 0 and house.mta.got == ["p1@stores.invalid"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_archive_it_is_archived_once_and_sent_once(directory, house, when):
    made = archived_list(directory, house)
    made.die = when
    with pytest.raises(KeyboardInterrupt):
        house.drain()
    house.build()
    house.carrier.archive = made
    house.drain()
    assert list(made.held.values()) == [MESSAGE] and house.mta.got == ["p1@stores.invalid"]


def test_an_archive_that_is_away_gets_it_later_and_nobody_gets_it_twice(directory, house):
    made = archived_list(directory, house)
    made.away = True
    house.carrier.round()
    assert house.spool.ids("out") and not made.held
    made.away = False
    house.drain()
    assert list(made.held.values()) == [MESSAGE] and house.mta.got == ["p1@stores.invalid"]


def test_managers_learn_once_that_the_archive_is_full_and_the_list_goes_on(directory, house):
    made = archived_list(directory, house, managers=["a2"])
    made.full = True
    house.drain()
    assert house.intake.taken(f"a1@{DOMAIN}", f"tous@{SUBMITTED}", MESSAGE) == TAKEN
    house.drain()
    assert house.mta.got == ["p1@stores.invalid", "a2@stores.invalid", "p1@stores.invalid"]
    assert "Archive pleine" in house.mta.sent[1][2].decode()


def test_while_nothing_can_be_sent_nothing_is_taken(directory, house):
    make(directory, "liste", members=["a2"], posters=["@staff"])

    def take():
        return house.intake.taken(f"a1@{DOMAIN}", f"liste@{SUBMITTED}", MESSAGE)

    house.mta.away = True
    assert take() == TAKEN  # nobody has tried yet
    house.carrier.round()
    assert take().startswith("451 ")
    assert len(house.spool.ids("out")) == 1
    house.mta.away = False
    house.now[0] += 60
    house.carrier.round()
    assert take() == TAKEN
    house.now[0] += 1000  # the thread that sends is gone
    assert not house.carrier.alive()
    assert take().startswith("451 ")
    house.carrier.round()
    assert take() == TAKEN


def test_a_defect_in_one_message_is_put_aside_after_some_tries(directory, house):
    make(directory, "liste", members=["a2"], posters=["@staff"])
    house.intake.taken(f"a1@{DOMAIN}", f"liste@{SUBMITTED}", MESSAGE)

    def broken(sender, recipients, content):
        raise ZeroDivisionError("defect")

    house.carrier.send = broken
    house.carrier.round()
    assert len(house.spool.ids("out")) == 1
    house.drain()
    (name,) = house.spool.ids("bad")
    assert "defect" in house.spool.reason(name)


def test_smtp_says_who_was_refused_when_all_are(monkeypatch):
    class Session:
        def __init__(self, *_words, **_more):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def ehlo(self):
            return 250, b""

        def has_extn(self, _name):
            return False

        def sendmail(self, _sender, recipients, _message, mail_options):
            raise smtplib.SMTPRecipientsRefused(dict.fromkeys(recipients, (550, b"no")))

    monkeypatch.setattr(smtplib, "SMTP", Session)
    assert by_smtp("h", 1)("", ["a@b", "c@d"], b"x") == {"a@b": (550, "no"), "c@d": (550, "no")}


# --- intake ---


def test_what_becomes_of_what_comes_in(directory, house):
    make(directory, "liste", members=["a1", "a2"], managers=["a3"])
    take = house.intake.taken
    assert take(f"a3@{DOMAIN}", f"inconnue@{SUBMITTED}", MESSAGE).startswith("550 5.1.1")
    assert take("x@lointain.test", f"liste@{SUBMITTED}", MESSAGE).startswith("550 5.7.1")
    dressed = message.dressed(by_address(directory, f"liste@{DOMAIN}"), MESSAGE)
    assert take(f"a1@{DOMAIN}", f"liste@{SUBMITTED}", dressed).startswith("550 5.4.6")
    assert take(f"a1@{DOMAIN}", f"liste@{SUBMITTED}", b"Auto-Submitted: auto-replied\r\n" + MESSAGE) == TAKEN
    assert take("", f"liste@{SUBMITTED}", MESSAGE) == TAKEN
    assert house.spool.ids("out") == []
    assert house.mta.sent == []
    assert take("", f"liste-bounces@{SUBMITTED}", MESSAGE) == TAKEN
    assert house.mta.sent == [("", ["a3@stores.invalid"], MESSAGE)]
    assert house.intake.asked("x@lointain.test", f"liste@{DOMAIN}", 0, "").startswith("550 5.7.1")
    assert house.intake.asked(f"a1@{DOMAIN}", f"Liste+mot@{DOMAIN}", 0, "a1") == ""
    assert house.intake.asked(f"a1@{DOMAIN}", f"a2@{DOMAIN}", 0, "a1") == ""


@pytest.mark.parametrize("posters", [["@members"], ["@staff"], ["a1"], [f"a1@{DOMAIN}"]])
def test_an_address_of_ours_is_believed_after_a_log_in_only(directory, house, posters):
    make(directory, "liste", members=["a2", "a1"], posters=posters)
    sender, address = f"a1@{DOMAIN}", f"liste@{DOMAIN}"
    assert house.intake.asked(sender, address, 0, "").startswith("550 5.7.1")
    assert house.intake.asked(sender, address, 0, "a1") == ""
    assert house.intake.taken(sender, "liste@lists.stores.invalid", MESSAGE).startswith("550 5.7.1")
    assert house.spool.ids("out") == []
    assert house.intake.taken(sender, f"liste@{SUBMITTED}", MESSAGE) == TAKEN
    assert len(house.spool.ids("out")) == 1


def test_without_a_log_in_nobody_moderates(directory, house):
    make(directory, "libre", members=["a1"], posters=["@anyone"], moderators=["a2"])
    assert house.intake.taken(f"a2@{DOMAIN}", "libre@lists.stores.invalid", MESSAGE) == TAKEN
    (name,) = house.spool.ids("held")
    # The one who is claimed to have written is not told.
    assert [recipients for _, recipients, _ in house.mta.sent] == [["a2@stores.invalid"]]
    one, about = by_address(directory, f"libre@{DOMAIN}"), house.spool.about("held", name)
    answer = notices.answer_address(one, notices.APPROVE, name, about.token).partition("@")[0]
    assert house.intake.taken(f"a2@{DOMAIN}", f"{answer}@lists.stores.invalid", MESSAGE).startswith("550 5.7.1")
    assert house.intake.taken(f"a2@{DOMAIN}", f"{answer}@{SUBMITTED}", MESSAGE) == TAKEN
    assert house.spool.ids("out") == [name]


def held(directory, house):
    make(directory, "circ", members=["a1"], posters=["@staff"], moderators=["a2", "a3"])
    assert house.intake.taken(f"a1@{DOMAIN}", f"circ@{SUBMITTED}", MESSAGE) == TAKEN
    (name,) = house.spool.ids("held")
    return name, house.spool.about("held", name)


def test_a_moderated_message_waits_and_goes_out_when_a_moderator_answers(directory, house):
    name, about = held(directory, house)
    assert [recipients for _, recipients, _ in house.mta.sent] == [
        ["a2@stores.invalid", "a3@stores.invalid"],
        [f"a1@{DOMAIN}"],
    ]
    one = by_address(directory, f"circ@{DOMAIN}")
    address = notices.answer_address(one, notices.APPROVE, name, about.token).replace(DOMAIN, SUBMITTED)
    forged = address.replace(about.token, "0" * 24)
    assert house.intake.taken(f"a1@{DOMAIN}", address, MESSAGE).startswith("550")
    assert house.intake.taken(f"a2@{DOMAIN}", forged, MESSAGE).startswith("550")
    assert house.intake.taken(f"a2@{DOMAIN}", address, b"Auto-Submitted: auto-replied\r\n" + MESSAGE) == TAKEN
    assert house.spool.ids("held") == [name]
    house.mta.sent.clear()
    assert house.intake.taken(f"a2@{DOMAIN}", address, MESSAGE) == TAKEN
    house.drain()
    assert house.mta.got == ["a1@stores.invalid"]
    assert house.intake.taken(f"a3@{DOMAIN}", address, MESSAGE).startswith("550 5.1.1")


def test_a_moderated_message_is_turned_away_and_its_writer_told(directory, house):
    name, _about = held(directory, house)
    house.mta.sent.clear()
    house.intake.reject(name, "Hors sujet")
    ((sender, recipients, text),) = house.mta.sent
    assert (sender, recipients) == ("", [f"a1@{DOMAIN}"])
    assert b"Hors sujet" in text
    assert list(house.spool.rows()) == []
    with pytest.raises(UnknownMessageError):
        house.intake.approve(name)


def test_addresses_of_a_list(directory):
    one = make(directory, "liste", members=["a1"])
    assert role_of(one, "liste") == "post"
    assert role_of(one, "liste-bounces") == "bounces"
    assert by_address(directory, f"liste-owner@{DOMAIN}") == to_list(attributes_of(one))
    with pytest.raises(InputError):
        edits.create(one, {f"liste-bounces@{DOMAIN}"}, directory.suffix)
