"""The account lifecycle: states, names, recovery, filters, queue, channels, removal; with the directory in memory."""

import contextlib
import datetime
import io
import json
import os
import socket
import struct
import subprocess
import threading
import zipfile
from dataclasses import replace
from functools import partial

import pytest
from malleposte.accounts import acts, life, search
from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure, close_all, roundcube
from malleposte.accounts.channels.dovecot import Dovecot
from malleposte.accounts.disclosure import export
from malleposte.accounts.hosts.acts import contents
from malleposte.accounts.hosts.every import Hosts, names
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import nightly, removal, steps
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox import filters, queue
from malleposte.accounts.mailbox.hours import store as hours_store
from malleposte.accounts.mailbox.hours.model import Change as HoursChange
from malleposte.accounts.mailbox.hours.store import Store as Hours
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.used_names import UsedNames
from malleposte.adapters.sogo import memcached
from malleposte.commands.away import without_way
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.directory.query import All, AnyOf, Contains, Equal, Not, Present, UpTo
from malleposte.platform import mailstore
from malleposte.platform.classes import Classes

from tests.support.directory import OPERATIONAL, MemoryDirectory, matches
from tests.support.hosts import FakeChannel, FakeHands
from tests.unit.accounts.life.test_renewal import FACTS

SECOND = datetime.timedelta(seconds=1)
NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
DOMAIN = "ac-exemple.test"


def agent(uid="mdupond", **more):
    return Agent(**{"uid": uid, "given_name": "Marie", "surname": "Dupond", "mail": f"marie.{uid}@{DOMAIN}",
                    "profile": "convergence", "state": State.ACTIVE, **more})  # fmt: skip


@pytest.fixture
def directory():
    made = MemoryDirectory()
    made.add(agent().dn(made.suffix), agent_attributes(agent()))
    made.force(agent().dn(made.suffix), {"pwdChangedTime": ["20260101000000Z"]})
    return made


@pytest.fixture
def held(directory):
    """The entry as it is now, with attributes set first."""

    def look_at(**attributes):
        forced = {name: values for name, values in attributes.items() if name.lower() in OPERATIONAL}
        directory.force(agent().dn(directory.suffix), forced)
        if attributes:
            given = {name: values for name, values in attributes.items() if name not in forced}
            directory.modify(agent().dn(directory.suffix), given)
        return acts.entry(directory, "mdupond")

    return look_at


@pytest.fixture
def tools(directory, tmp_path):
    hands = FakeHands()
    with Journal(tmp_path / "journal.jsonl", "root@essai") as journal:
        yield acts.Tools(directory, journal, [FakeChannel()], hands, hands)


def written(tmp_path):
    return [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]


# --- queries ---


def test_a_query_escapes_every_value_and_asks_memory_the_same():
    query = All((AnyOf((Equal("uid", "*)(uid=*"), Contains("cn", "(dur"))), Not(Present("mpArchived"))))
    assert query.render() == r"(&(|(uid=\2a\29\28uid=\2a)(cn=*\28dur*))(!(mpArchived=*)))"
    assert matches(query, {"CN": ["Marie (Dur)and"]})
    assert not matches(query, {"cn": ["Marie (Dur)and"], "mpArchived": ["20260101000000Z"]})
    assert matches(UpTo("t", "20260102000000Z"), {"t": ["20260101000000Z"]})
    assert not matches(UpTo("t", "20260102000000Z"), {"t": ["20260103000000Z"]})
    assert Equal("cn", "a\\b\0").render() == r"(cn=a\5cb\00)"


@pytest.mark.parametrize(
    ("text", "found"),
    [("dupond marie", True), ("MDUPOND", True), ("marie.mdupond@", True), (f"marie.mdupond@{DOMAIN}", True),
     ("0210001a", True), ("durand", False), ("*", None), ("dupond jean", False), ("*)(uid=*", False),
     ("Dupônd Màrie", True), ("l’dupond", True), ("d'dupond marie", True)],
)  # fmt: skip
def test_find_by_what_is_known(held, text, found):
    attributes = held(mpEstablishment=["0210001A"]).attributes
    if found is None:
        with pytest.raises(InputError, match="too short"):
            search.query_of(text)
    else:
        assert matches(search.query_of(text), attributes) is found


def test_a_list_is_narrowed_and_limited(directory):
    directory.add(agent("jdoe").dn(directory.suffix), agent_attributes(agent("jdoe", state=State.SUSPENDED)))
    assert [row["uid"] for row in search.rows(directory, search.narrowed(state="suspended"))] == ["jdoe"]
    assert len(list(search.rows(directory, search.narrowed(), limit=1))) == 1
    assert not list(search.rows(directory, search.narrowed(blocked=True)))


# --- states ---


def test_a_block_has_an_end_and_is_never_shortened(held):
    (change,) = life.block(held(), NOW, 48)
    assert change.after["mpState"] == ["blocked"] and change.after["mpBlockedUntil"] == ["20261126120000Z"]
    assert change.before == {"mpState": ["active"], "mpStateChanged": [], "mpBlockedUntil": []}
    blocked = held(**change.after)
    assert life.block(blocked, NOW - HOUR, 48) == []


def test_a_block_that_is_typed_again_keeps_its_end(held):
    """It begins anew for an account that was used since, and for one whose block is over or was lifted."""
    (change,) = life.block(held(), NOW, 48)
    assert life.block(held(**change.after), NOW + HOUR, 48) == []
    for used in ({"mpState": ["active"]}, {"mpBlockedUntil": []}, {"mpBlockedUntil": ["20261124110000Z"]}):
        (again,) = life.block(held(**(change.after | used)), NOW + HOUR, 48)
        assert again.after["mpBlockedUntil"] == ["20261126130000Z"], used
    (void,) = life.block(held(**change.after, mpRecoveryNext=["mail x@lointain.test"]), NOW + HOUR, 48)
    assert void.after == {"mpRecoveryNext": []}, "and what waits is void each time"


def test_sending_returns_with_time(held):
    reading = held(mpState=["active"], mpBlockedUntil=["20261126120000Z"])
    assert life.lift(reading, NOW) == []
    (lifted,) = life.lift(reading, NOW + 2 * DAY)
    assert lifted.after == {"mpBlockedUntil": []}


def test_suspension_and_return(held):
    (change,) = life.suspend(held(mpInaDigest=["k1:x"], mpInaExpiry=["20261201000000Z"]), NOW)
    assert change.after["mpState"] == ["suspended"] and change.after["mpInaDigest"] == []
    (change,) = life.suspend(held(mpInaCode=["mail 20261201000000Z k1:x"]), NOW)
    assert change.after["mpInaCode"] == []
    gone = held(**change.after)
    with pytest.raises(InputError, match="suspended"):
        life.block(gone, NOW)
    (back,) = life.resume(held(mpArchived=["20261124120000Z"]), NOW)
    assert back.after["mpState"] == ["active"] and back.after["mpArchived"] == []
    assert life.resume(held(pwdChangedTime=[]), NOW)[0].after["mpState"] == ["pending"]


def test_only_an_active_account_expires_and_a_blocked_one_is_not_resumed(held):
    assert life.expire(held(), NOW)[0].after["mpState"] == ["expired"]
    with pytest.raises(InputError, match="blocked"):
        life.expire(held(mpState=["blocked"]), NOW)
    with pytest.raises(InputError, match="new password"):
        life.resume(held(), NOW)


@pytest.mark.parametrize(
    ("state", "barred", "changed", "ignored"),
    [("blocked", True, "20261101000000Z", True), ("active", True, "20261101000000Z", True),
     ("active", False, "20261101000000Z", False), ("blocked", True, "20261001000000Z", False)],
)  # fmt: skip
def test_recovery_that_changed_before_a_block_is_not_believed(held, state, barred, changed, ignored):
    entry = held(mpState=[state], mpBlockedUntil=["20261126120000Z"] if barred else [],
                 mpRecoveryMail=["moi@lointain.test"], mpRecoveryChanged=[changed])  # fmt: skip
    found = life.usable_recovery(entry, NOW)
    assert found.ignored is ignored
    assert found.mail == ("" if ignored else "moi@lointain.test")


def test_means_of_recovery_that_an_agent_changes_count_after_their_delay(held):
    entry = held(mpRecoveryMail=["moi@lointain.test"])
    (asked,) = life.ask_recovery(entry, NOW, mail="neuf@lointain.test", phone="", hours=72)
    assert asked.after == {"mpRecoveryNext": ["20261127120000Z neuf@lointain.test -"]}
    waits = held(mpRecoveryMail=["moi@lointain.test"], **asked.after)
    in_time = NOW + datetime.timedelta(hours=72)
    for moment, mail in ((NOW, "moi@lointain.test"), (in_time - SECOND, "moi@lointain.test"),
                         (in_time, "neuf@lointain.test")):  # fmt: skip
        assert life.usable_recovery(waits, moment).mail == mail
    assert life.settled(waits, in_time - SECOND) == []
    (settled,) = life.settled(waits, in_time)
    assert settled.after == {"mpRecoveryMail": ["neuf@lointain.test"], "mpRecoveryNext": [],
                             "mpRecoveryChanged": ["20261127120000Z"]}  # fmt: skip


def test_one_of_the_means_changes_and_the_other_stays_as_it_is_or_will_be(held):
    means = {"mpRecoveryMail": ["moi@lointain.test"], "mpRecoveryPhone": ["+33612345678"]}
    (asked,) = life.ask_recovery(held(**means), NOW, phone="")
    assert asked.after == {"mpRecoveryNext": ["20261127120000Z moi@lointain.test -"]}
    wait = {"mpRecoveryNext": ["20261126120000Z neuf@lointain.test +33612345678"]}
    (both,) = life.ask_recovery(held(**means, **wait), NOW, phone="+33699999999")
    assert both.after == {"mpRecoveryNext": ["20261127120000Z neuf@lointain.test +33699999999"]}
    (back,) = life.ask_recovery(held(**means, **wait), NOW, mail="moi@lointain.test")
    assert back.after == {"mpRecoveryNext": []}
    over = {"mpRecoveryNext": ["20261101120000Z neuf@lointain.test -"]}
    (settled,) = life.ask_recovery(held(**means, **over), NOW, phone="+33699999999")
    assert settled.after["mpRecoveryMail"] == ["neuf@lointain.test"]
    assert settled.after["mpRecoveryNext"] == ["20261127120000Z neuf@lointain.test +33699999999"]


def test_means_that_wait_are_confirmed_given_up_or_void(held):
    wait = {"mpRecoveryMail": ["moi@lointain.test"], "mpRecoveryNext": ["20261127120000Z - +33612345678"]}
    (confirmed,) = life.confirm_recovery(held(**wait), NOW)
    assert confirmed.after == {"mpRecoveryMail": [], "mpRecoveryPhone": ["+33612345678"], "mpRecoveryNext": [],
                               "mpRecoveryChanged": ["20261124120000Z"]}  # fmt: skip
    assert life.cancel_recovery(held(**wait))[0].after == {"mpRecoveryNext": []}
    assert life.ask_recovery(held(**wait), NOW, mail="moi@lointain.test", phone="")[0].after == {"mpRecoveryNext": []}
    assert life.block(held(**wait), NOW)[0].after["mpRecoveryNext"] == [], "an attacker's change goes with the block"
    (modified,) = life.set_recovery(held(**wait), NOW, phone="+33699999999")
    assert modified.after["mpRecoveryNext"] == []
    for act in (life.cancel_recovery, lambda entry: life.confirm_recovery(entry, NOW)):
        with pytest.raises(InputError, match="no means of recovery that wait"):
            act(held(mpRecoveryNext=[]))


def test_an_attacker_s_change_is_not_believed_and_the_old_means_stay(held):
    wait = {"mpRecoveryMail": ["moi@lointain.test"], "mpRecoveryNext": ["20261127120000Z voleur@lointain.test -"]}
    blocked = held(mpState=["blocked"], **wait)
    assert life.usable_recovery(blocked, NOW).mail == "moi@lointain.test"
    assert life.usable_recovery(blocked, NOW + datetime.timedelta(days=4)).ignored


# --- names and facts ---


def test_a_rename_keeps_old_addresses_and_the_uid(directory, held):
    (change,) = life.rename(held(), DOMAIN, UsedNames(directory), surname="Martin", log_in="mmartin")
    assert change.kind is Kind.RENAME and "uid" not in change.after
    assert change.after["mail"] == [f"marie.martin@{DOMAIN}"]
    assert change.after["mailLocalAddress"] == [f"marie.mdupond@{DOMAIN}", f"marie.martin@{DOMAIN}"]
    assert change.after["cn"] == ["Marie Martin"] and change.after["mpLoginAlias"] == ["mmartin"]
    (back,) = life.rename(held(**change.after), DOMAIN, UsedNames(directory), address=f"marie.mdupond@{DOMAIN}")
    assert back.after == {"mail": [f"marie.mdupond@{DOMAIN}"]}


@pytest.mark.parametrize(
    ("words", "cause"),
    [({"address": f"jean.jdoe@{DOMAIN}"}, "somebody's"), ({"address": "x@lointain.test"}, "no address of"),
     ({"log_in": "jdoe"}, "somebody's"), ({"log_in": "*"}, "no log-in"), ({"surname": "李"}, "Latin")],
)  # fmt: skip
def test_a_name_of_somebody_else_is_never_given(directory, held, words, cause):
    other = agent("jdoe", mail=f"jean.jdoe@{DOMAIN}")
    stone = removal.tombstone(acts.Entry(other.dn(directory.suffix), agent_attributes(other)), directory.suffix, NOW)
    directory.add(stone.dn, stone.after)
    with pytest.raises(InputError, match=cause):
        life.rename(held(), DOMAIN, UsedNames(directory), **words)


def test_quota_class_schools_recovery(held):
    assert life.quota(held(), 9000)[0].after == {"mpQuota": ["9000"]}
    assert life.quota(held(), None) == []
    with pytest.raises(InputError, match="0 MB"):
        life.quota(held(), 0)
    assert life.profile(held(), "roundcube")[0].before == {"mpProfile": ["convergence"]}
    assert life.move(held(), ["0210001A", "0210001A"])[0].after == {"mpEstablishment": ["0210001A"]}
    (change,) = life.set_recovery(held(), NOW, mail="moi@lointain.test")
    assert change.after["mpRecoveryChanged"] == ["20261124120000Z"]
    assert life.set_recovery(held(), NOW, phone="") == []
    with pytest.raises(InputError):
        life.attributes(held(), {"mpState": ["active"]})


def test_an_arrival_by_hand_is_numbered(directory):
    wanted = life.Arrival(agent("", mail=""), recovery_mail="moi@lointain.test")
    (change,) = life.create(wanted, directory.suffix, DOMAIN, UsedNames(directory), NOW)
    assert change.uid == "mdupond2" and change.after["mail"] == [f"marie.dupond@{DOMAIN}"] and change.is_new


# --- whole acts ---


def test_a_block_does_everything_and_says_what_failed(tools, directory, tmp_path):
    tools.channels[0].reason = "no answer"
    result = acts.block(tools, "mdupond", NOW, note="ticket 1")
    assert result.failures == [Failure("essai", "no answer")] and result.held == ["4ABCDEF"] and not result.whole
    assert tools.passwords.scrambled == ["mdupond"]
    lines = written(tmp_path)
    assert [line["action"] for line in lines] == ["block", "scramble", "blocked"]
    assert lines[0]["note"] == "ticket 1" and lines[0]["before"]["mpState"] == ["active"]
    assert lines[-1]["held"] == ["4ABCDEF"] and lines[-1]["failures"] == ["essai: no answer"]
    acts.block(tools, "mdupond", NOW)
    assert tools.channels[0].closed == ["mdupond"] * 2


def test_unblocking_before_the_time_needs_a_reason(tools, directory, tmp_path):
    acts.block(tools, "mdupond", NOW)
    with pytest.raises(InputError, match="--override"):
        acts.unblock(tools, "mdupond", NOW + HOUR)
    acts.unblock(tools, "mdupond", NOW + HOUR, override="jury ce soir")
    assert written(tmp_path)[-1]["note"] == "before its time: jury ce soir"
    entry = acts.entry(directory, "mdupond")
    assert "mpBlockedUntil" not in entry.attributes and entry.attributes["mpState"] == ["blocked"]
    acts.unblock(tools, "mdupond", NOW + HOUR)


def test_what_a_feed_changed_is_followed_up(tools, directory):
    def change(kind, uid, before=None, after=None):
        return Change(kind, uid, f"uid={uid},ou=people,{directory.suffix}", before or {}, after or {})

    tools.channels[0].reason = "no answer"
    failures = acts.follow_up(tools, [
        change(Kind.SUSPEND, "parti"),
        change(Kind.RESUME, "revenu"),
        change(Kind.MODIFY, "autre", {"mpProfile": ["convergence"]}, {"mpProfile": ["roundcube"]}),
        change(Kind.MODIFY, "ailleurs", {"mpEstablishment": []}, {"mpEstablishment": ["9990001X"]}),
    ])  # fmt: skip
    assert (tools.channels[0].closed, tools.channels[0].forgotten) == (["autre", "parti"], ["revenu"])
    assert tools.hosts.carried == tools.hosts.settled == [("autre", "roundcube")]
    assert [str(failure) for failure in failures] == ["essai: no answer"], "each channel once"


def test_a_host_that_is_away_is_not_waited_for_at_each_of_many(tools, directory, monkeypatch):
    asked: list[str] = []

    def away(uid: str, _profile: str) -> None:
        asked.append(uid)
        raise MallepostError("on mail2: no route to host")

    monkeypatch.setattr(tools.hosts, "carry", away)
    changes = [
        Change(Kind.PROFILE, f"a{number}", f"uid=a{number},ou=people,{directory.suffix}",
               {"mpProfile": ["convergence"]}, {"mpProfile": ["roundcube"]})
        for number in range(9)
    ]  # fmt: skip
    told: list[tuple[int, int]] = []
    failures = acts.follow_up(tools, changes, lambda done, whole: told.append((done, whole)))
    assert asked == ["a0", "a1", "a2"]
    assert [str(one) for one in failures] == [
        *(f"a{number}: filters: on mail2: no route to host" for number in range(3)),
        "filters: 6 more accounts were not tried: type this again",
    ]
    assert len(tools.hosts.settled) == 9 and told[-1] == (27, 27), "what can be done is done"


def test_a_change_of_class_carries_filters_ends_sessions_and_moves_agendas(tools, tmp_path):
    result = acts.set_class(tools, "mdupond", "roundcube")
    assert result.carried == "sogo" and tools.hosts.carried == [("mdupond", "roundcube")]
    assert tools.channels[0].closed == ["mdupond"]
    assert tools.hosts.settled == [("mdupond", "roundcube")] and result.moved == Moved(3, 2)
    assert written(tmp_path)[-1]["moved"] == {"agenda": 3, "contacts": 2, "left": 0}


def test_channels_take_no_strange_name():
    with pytest.raises(InputError):
        close_all([FakeChannel()], "x'; DROP TABLE session; --")


# --- channels ---


def test_the_session_that_roundcube_keeps_is_named_whole():
    assert 'username|s:7:"mdupond";' in roundcube.statement("mdupond")
    with pytest.raises(InputError):
        roundcube.statement("a' OR 'a")


def test_memcached_is_told_in_its_words(tmp_path):
    path, heard = tmp_path / "m.sock", []
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve():
        link, _ = server.accept()
        with link, link.makefile("rwb") as lines:
            for line in lines:
                heard.append(line)
                lines.write(b"NOT_FOUND\r\n")
                lines.flush()

    thread = threading.Thread(target=serve)
    thread.start()
    memcached.delete(path, ["mdupond+attributes", "with blank", "x\r\nflush_all"])
    thread.join(5)
    server.close()
    assert heard == [b"delete mdupond+attributes\r\n"]


# --- the queue ---


def test_mail_is_known_by_its_sender_or_by_who_was_logged_in():
    listed = queue.read(
        "\n".join(
            json.dumps({"queue_name": name, "queue_id": ident, "arrival_time": 1, "message_size": 2, "sender": sender,
                        "recipients": [{"address": "a@lointain.test"}]})
            for name, ident, sender in (("deferred", "4AAAAA", f"marie.mdupond@{DOMAIN}"),
                                        ("hold", "4BBBBB", f"ce.0210001a@{DOMAIN}"), ("active", "4CCCCC", "x@y.test"))
        )
    )  # fmt: skip
    printed = ("*** ENVELOPE RECORDS deferred/4/4BBBBB ***\nnamed_attribute: sasl_username=mdupond\nsender: x\n"
               "*** ENVELOPE RECORDS 4CCCCC ***\nnamed_attribute: sasl_username=jdoe\n")  # fmt: skip
    found = queue.of("mdupond", [f"marie.mdupond@{DOMAIN}"], listed, queue.logins(printed))
    assert [(one.ident, one.held) for one in found] == [("4AAAAA", False), ("4BBBBB", True)]


# --- filters ---

SCRIPT = """# rule:[redirect "no@no.test"]
require ["copy"];
/* redirect "no@no.test"; */
if header :contains "subject" "redirect \\"no@no.test\\"" { redirect :copy "oui@lointain.test"; }
redirect text:
deux@lointain.test
.
;
"""


def test_forwards_are_read_as_sieve_reads_them():
    assert filters.forwards(SCRIPT) == ("oui@lointain.test", "deux@lointain.test")
    assert filters.announces('vacation :days 7 "absent";') and not filters.announces('# vacation\nkeep "vacation";')


def test_filters_go_with_the_class_and_come_back(tmp_path):
    home = tmp_path / "box"
    (home / "sieve").mkdir(parents=True)
    (home / "sieve" / "sogo.sieve").write_text(SCRIPT)
    (home / ".dovecot.sieve").symlink_to("sieve/sogo.sieve")
    assert filters.carry(home, "sogo") == ""
    assert filters.carry(home, "roundcube") == "sogo"
    now = filters.read(home)
    assert (now.active, now.carried, now.forwards[0]) == ("", True, "oui@lointain.test")
    (home / "sieve" / "roundcube.sieve").write_text("keep;\n")
    (home / ".dovecot.sieve").symlink_to("sieve/roundcube.sieve")
    assert filters.carry(home, "sogo") == "roundcube"
    assert filters.read(home).active == "sogo" and (home / "carried.sieve").read_text() == "keep;\n"
    assert filters.drop(home) and not filters.read(home).carried
    assert filters.carry(tmp_path / "none", "sogo") == ""


def test_a_change_of_class_that_is_typed_again_keeps_the_filters(tmp_path):
    home = tmp_path / "box"
    (home / "sieve").mkdir(parents=True)
    (home / "sieve" / "sogo.sieve").write_text(SCRIPT)
    (home / ".dovecot.sieve").symlink_to("sieve/sogo.sieve")
    assert filters.carry(home, "roundcube") == "sogo"
    assert filters.carry(home, "roundcube") == ""
    assert (home / "carried.sieve").read_text() == SCRIPT
    assert filters.carry(home, "sogo") == ""
    now = filters.read(home)
    assert (now.active, now.carried) == ("sogo", False), "its own script again, and once"


def test_a_link_in_the_place_of_carried_filters_goes(tmp_path):
    home = tmp_path / "box"
    (home / "sieve").mkdir(parents=True)
    (home / "carried.sieve").symlink_to("/etc/shadow")
    assert filters.carry(home, "sogo") == ""
    assert not (home / "carried.sieve").is_symlink()


# --- export and removal ---


@pytest.fixture
def house(tmp_path):
    """Rules whose stores lie in a scratch folder, with a box, an agenda and a journal."""
    rules = LifeRules(store=tmp_path / "mail", radicale=tmp_path / "dav", archive_folder=tmp_path / "archives",
                      channels=("sogo", "roundcube"))  # fmt: skip
    home = mailstore.home_of("mdupond", rules.store)
    for folder in ("cur", "new"):
        (home / "Maildir" / folder).mkdir(parents=True)
    (home / "Maildir" / ".Envoyés.2025" / "cur").mkdir(parents=True)
    (home / "Maildir" / "cur" / "1.x:2,S").write_bytes(b"Subject: un\n\n")
    (home / "Maildir" / ".Envoyés.2025" / "cur" / "2.x:2,").write_bytes(b"Subject: deux\n\n")
    (rules.radicale / "mdupond" / "agenda").mkdir(parents=True)
    (rules.radicale / "mdupond" / "agenda" / "a.ics").write_text("BEGIN:VCALENDAR")
    for name in ("item", "history"):
        cache = rules.radicale / "mdupond" / "agenda" / ".Radicale.cache" / name
        cache.mkdir(parents=True)
        (cache / "a.ics").write_bytes(b"\x80pickled")
    return rules


def sql(database, text):
    if "sogo_store" in text and "row_to_json" in text:
        return json.dumps({"folder": "../etc", "name": "x", "content": "BEGIN:VCARD\n"}) + "\n"
    return ""


def on_host(tools, rules, run, **places):
    """The tools, with one host that holds all."""
    return replace(tools, hosts=Hosts(tools.directory, [LocalHost(rules, run, beside=(), **places)]))


def test_an_export_holds_everything_but_secrets(house, directory, held, tmp_path):
    (tmp_path / "j.jsonl").write_text('{"account": "mdupond", "action": "a"}\n{"account": "jdoe"}\nbroken\n')
    target = io.BytesIO()
    entry = held(mpNumenDigest=["k1:secret"], userPassword=["secret"])
    subject = export.Subject("mdupond", entry.attributes | {"mpNumenDigest": ["k1:secret"], "userPassword": ["secret"]})
    report = export.Exporter(partial(contents.files, LocalHost(house, sql)), (tmp_path / "j.jsonl",)).write(
        subject, target
    )
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        whole = b"".join(archive.read(name) for name in names)
    assert "courrier/INBOX/000001.eml" in names and "courrier/Envoyés/2025/000001.eml" in names
    radicale = [name for name in names if name.startswith("agendas-et-contacts/radicale/")]
    assert radicale == ["agendas-et-contacts/radicale/agenda/a.ics"], "not what Radicale remembers beside it"
    assert "agendas-et-contacts/sogo/etc/x.vcf" in names and not any(".." in name for name in names)
    assert "Messagerie complète".encode() in whole
    assert b"secret" not in whole and report.counts["journal"] == 1 and not report.failures


def test_a_purge_leaves_a_tombstone_and_nothing_else(house, directory, tools, tmp_path):
    other = agent("jdoe", delegates=("mdupond", "autre"))
    directory.add(other.dn(directory.suffix), agent_attributes(other))
    circular = f"cn=circulaires,ou=lists,{directory.suffix}"
    directory.add(circular, {"cn": ["circulaires"], "mpPoster": ["mdupond"], "member": [agent().dn(directory.suffix)]})
    asked = []
    reached = on_host(tools, house, lambda *words: asked.append(words) or "")
    done = removal.purge(reached, "mdupond", NOW, "parti", pending=tmp_path / "p")
    assert not mailstore.home_of("mdupond", house.store).exists() and not (house.radicale / "mdupond").exists()
    assert [database for database, _ in asked] == ["sogo", "roundcube"] and len(done.stores) == 4
    assert f"marie.mdupond@{DOMAIN}" in UsedNames(directory) and "mdupond" in UsedNames(directory)
    assert acts.entry(directory, "jdoe").attributes["mpDelegate"] == ["autre"]
    assert directory.entries[circular].attributes == {"cn": ["circulaires"], "mpPoster": ["mdupond"]}, "not opened"
    with pytest.raises(InputError):
        acts.entry(directory, "mdupond")
    assert not list((tmp_path / "p").iterdir())


def test_a_purge_that_fails_keeps_the_entry(house, directory, tools, tmp_path):
    def broken(database, text):
        raise MallepostError("database away")

    with pytest.raises(MallepostError, match="still there"):
        removal.purge(on_host(tools, house, broken), "mdupond", NOW, pending=tmp_path / "p")
    assert acts.entry(directory, "mdupond")


@pytest.mark.parametrize("after", [0, 1])
def test_an_interrupted_purge_is_finished(house, directory, tools, tmp_path, after):
    directory.changes, directory.fail_after = 0, after
    with pytest.raises(ConnectionError):
        removal.purge(on_host(tools, house, sql), "mdupond", NOW, pending=tmp_path / "p")
    directory.fail_after = None
    removal.finish(directory, tools.journal, tmp_path / "p")
    there = [entry.dn for entry in directory.search("people", ["uid"])]
    stones = [entry.dn for entry in directory.search("tombstones", ["uid"])]
    assert len(there) + len(stones) == 1 and bool(stones) is bool(after)


@pytest.mark.parametrize("cut", ["", '{"kind": "tombs', "[]", '{"kind": "tombstone"}'])
def test_a_note_that_was_cut_off_is_set_aside_and_stops_no_purge(house, directory, tools, tmp_path, cut):
    pending = tmp_path / "p"
    pending.mkdir()
    (pending / "coupee.json").write_text(cut)
    removal.purge(on_host(tools, house, sql), "mdupond", NOW, pending=pending)
    assert [entry.attributes["uid"] for entry in directory.search("tombstones", ["uid"])] == [["mdupond"]]
    (failure,) = removal.finish(directory, tools.journal, pending)
    assert failure.startswith(f"{pending}/coupee.json: cannot be read (")
    (kept,) = pending.iterdir()
    assert kept.name.startswith("coupee.json.broken-") and kept.read_text() == cut
    assert removal.finish(directory, tools.journal, pending) == []


def test_a_note_is_whole_or_not_there(house, directory, tools, tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(tools.journal, "sync", lambda: None)
    with pytest.raises(OSError, match="No space"):
        removal.purge(on_host(tools, house, sql), "mdupond", NOW, pending=tmp_path / "p")
    assert acts.entry(directory, "mdupond") and not list((tmp_path / "p").iterdir())


def test_an_age_or_a_reason(held):
    with pytest.raises(InputError, match="not suspended"):
        removal.demand_age(held(), NOW, 60, "remove it", "why")
    gone = held(mpState=["suspended"], mpStateChanged=["20261120120000Z"])
    with pytest.raises(InputError, match="4 days, of 60"):
        removal.demand_age(gone, NOW, 60, "remove it", " ")
    assert removal.demand_age(gone, NOW, 60, "remove it", "why") == "before its time: why"
    assert removal.demand_age(gone, NOW, 3, "remove it", "") == ""
    assert not removal.archived(gone) and removal.archived(held(mpArchived=["20261121120000Z"]))


def test_a_night_ends_blocks_archives_and_removes(house, directory, tools, held, tmp_path, monkeypatch):
    for uid, days in (("partie", 400), ("recente", 10), ("vieille", 61)):
        gone = agent(uid, state=State.SUSPENDED)
        since = {"mpStateChanged": [life.stamp(NOW - days * DAY)]}
        directory.add(gone.dn(directory.suffix), agent_attributes(gone) | since)
    held(mpBlockedUntil=[life.stamp(NOW - HOUR)])
    monkeypatch.setattr(removal, "PENDING", tmp_path / "p")
    monkeypatch.setattr(removal.purge, "__kwdefaults__", {**removal.purge.__kwdefaults__, "pending": tmp_path / "p"})
    settings = type("S", (), {"journal": tmp_path / "journal.jsonl"})()
    said = {}
    for name in ("lift", "archive", "purge"):
        said[name] = steps.StepResult(name)
        nightly.STEPS[name](steps.NightlyRun(settings, house, on_host(tools, house, sql), NOW), said[name])
    assert not [failure for told in said.values() for failure in told.failures]
    assert said["lift"].done == ["mdupond"] and said["archive"].done == ["partie", "vieille"]
    assert said["purge"].done == ["partie"]
    assert (tmp_path / "archives" / "partie-20261124.zip").stat().st_mode & 0o777 == 0o600


def test_an_account_that_is_resumed_while_a_night_removes_others_stays(house, directory, tools, tmp_path, monkeypatch):
    for uid in ("partie", "reprise", "revenue"):
        gone = agent(uid, state=State.SUSPENDED)
        dates = {"mpStateChanged": [life.stamp(NOW - 400 * DAY)], "mpArchived": [life.stamp(NOW - 300 * DAY)]}
        directory.add(gone.dn(directory.suffix), agent_attributes(gone) | dates)
    monkeypatch.setattr(removal.purge, "__kwdefaults__", {**removal.purge.__kwdefaults__, "pending": tmp_path / "p"})

    def meanwhile(database, _text):
        if database == "sogo" and acts.entry(directory, "reprise").attributes["mpState"] == ["suspended"]:
            acts.make(directory, tools.journal, life.resume(acts.entry(directory, "reprise"), NOW))
            back = life.resume(acts.entry(directory, "revenue"), NOW)
            acts.make(directory, tools.journal, back)
            acts.make(directory, tools.journal, life.suspend(acts.entry(directory, "revenue"), NOW))
        return ""

    told = steps.StepResult("purge")
    nightly.purge(steps.NightlyRun(None, house, on_host(tools, house, meanwhile), NOW), told)
    assert told.done == ["partie"]
    assert [line.partition(":")[0] for line in told.failures] == ["reprise", "revenue"]
    assert "mpState" in told.failures[0] and acts.entry(directory, "reprise") and acts.entry(directory, "revenue")


def test_the_night_brings_school_holidays_to_the_hosts_of_mailboxes(house, tools, tmp_path):
    source = tmp_path / "school-holidays.json"
    rules = replace(house, channels=("dovecot",))
    here = on_host(tools, rules, sql, school_holidays=source)
    night = steps.NightlyRun(None, rules, here, NOW)

    def run(night):
        result = steps.StepResult("school-holidays")
        nightly.STEPS["school-holidays"](night, result)
        assert not result.failures
        return result.done

    store = Hours(house.store)
    assert run(night) == [] and store.school_holidays() == ()
    source.write_text(json.dumps(["2126-12-19/2127-01-03"]))
    assert run(replace(night, dry=True)) == [] and store.school_holidays() == ()
    assert run(night) == ["2126-12-19/2127-01-03"] and store.school_holidays() == ("2126-12-19/2127-01-03",)


def test_the_night_gives_the_hours_of_the_class_to_who_chose_none(house, directory, tools, monkeypatch):
    table = {
        "convergence": {"mail": "sogo", "agenda": "sogo", "quota_mb": 5000, "hours": ["12345 08:00-18:00"]},
        "roundcube": {"mail": "roundcube", "agenda": "radicale", "quota_mb": 2500, "default": True},
    }
    for uid, profile, state in (
        ("sans", "convergence", State.ACTIVE), ("avec", "convergence", State.ACTIVE),
        ("leger", "roundcube", State.ACTIVE), ("attend", "convergence", State.PENDING),
    ):  # fmt: skip
        one = agent(uid, profile=profile, state=state)
        directory.add(one.dn(directory.suffix), agent_attributes(one))
    monkeypatch.setattr(nightly.classes, "read", lambda: Classes.parse(table))
    monkeypatch.setattr(nightly.renewal.Facts, "read", lambda: FACTS)
    monkeypatch.setattr(hours_store, "show_folders", lambda *_: None)
    monkeypatch.setattr(hours_store.facts, "read", lambda: {"domain": DOMAIN, "support": {"mail": f"aide@{DOMAIN}"}})
    rules = replace(house, channels=("dovecot",))
    letters = []
    here = on_host(tools, rules, sql)
    night = steps.NightlyRun(None, rules, here, NOW, send=letters.append)
    Hours(house.store).change("avec", HoursChange(holidays=True))

    def run(night):
        result = steps.StepResult("default-hours")
        nightly.STEPS["default-hours"](night, result)
        assert not result.failures
        return result.done

    assert run(replace(night, dry=True)) == ["mdupond", "sans"] and not letters
    assert run(night) == ["mdupond", "sans"] and run(night) == []
    assert Hours(house.store).read("sans").on and not Hours(house.store).read("avec").on
    letter = letters[1]
    assert len(letters) == 2 and letter["To"] == f"marie.sans@{DOMAIN}"
    assert "- du lundi au vendredi de 8 h à 18 h" in letter.get_content() and letter["X-Malleposte-Alert"]


def test_a_night_names_who_failed_and_goes_on(house, directory, tools, held, tmp_path, monkeypatch):
    uids = ("alice", "berthe", "celine")
    for uid in uids:
        gone = agent(uid, state=State.SUSPENDED)
        directory.add(gone.dn(directory.suffix), agent_attributes(gone) | {"mpStateChanged": ["20240101000000Z"]})
    write = export.Exporter.write

    def broken(self, subject, target):
        if subject.uid == "berthe":
            raise struct.error("'H' format requires 0 <= number <= 65535")
        return write(self, subject, target)

    monkeypatch.setattr(export.Exporter, "write", broken)
    settings = type("S", (), {"journal": tmp_path / "journal.jsonl"})()
    told = steps.StepResult("archive")
    nightly.archive(steps.NightlyRun(settings, house, on_host(tools, house, sql), NOW), told)
    assert told.done == ["alice", "celine"]
    assert len(told.failures) == 1 and told.failures[0].startswith("berthe: error: 'H' format requires")


def test_a_step_that_fails_keeps_no_other_from_its_work(monkeypatch):
    def defect(_night, _told):
        raise ValueError("what nobody expected")

    steps = {"one": defect, "two": lambda _night, told: told.done.append("done")}
    monkeypatch.setattr(nightly, "STEPS", steps)
    monkeypatch.setattr(nightly.here, "tools", lambda _settings: contextlib.nullcontext())
    monkeypatch.setattr(nightly.here, "rules_of", lambda _settings: None)
    one, two = nightly.run(None, NOW)
    assert one.failures[0].startswith("ValueError: what nobody expected (test_life.py:") and two.done == ["done"]


@pytest.mark.parametrize("fault", [ValueError("x"), subprocess.TimeoutExpired("doveadm", 5), KeyError("x")])
def test_a_channel_that_fails_in_any_way_hides_no_other(fault):
    closed = []

    class Channel:
        def __init__(self, name, fails=None):
            self.name, self.fails = name, fails

        def close(self, uid):
            if self.fails:
                raise self.fails
            closed.append(self.name)

    failures = close_all([Channel("dovecot", fault), Channel("sogo"), Channel("portal")], "mdupond")
    assert closed == ["sogo", "portal"] and [one.channel for one in failures] == ["dovecot"]


def test_a_night_that_would_remove_many_removes_none(house, directory, tools):
    for number in range(3):
        gone = agent(f"parti{number}", state=State.SUSPENDED)
        dates = {"mpStateChanged": ["20240101000000Z"], "mpArchived": ["20240301000000Z"]}
        directory.add(gone.dn(directory.suffix), agent_attributes(gone) | dates)
    told = steps.StepResult("purge")
    rules = LifeRules(purge_most=2)
    nightly.purge(steps.NightlyRun(None, rules, tools, NOW, dry=True), told)
    assert not told.done and "3 accounts are due" in told.failures[0]


# --- the way to the host ---


def test_the_inventory_stays_on_the_controller():
    words = ["mdupond", "-i", "lab", "--json", "--inventory=x", "--host", "a", "-ilab", "--", "-i", "y"]
    assert without_way(words) == ["mdupond", "--json", "--", "-i", "y"]


def test_rules_say_what_is_wrong(monkeypatch):
    assert LifeRules.parse({"channels": ["sogo"], "purge_days": 3, "store": "/x"}, "f").purge_days == 3.0
    with pytest.raises(InputError, match="strange"):
        LifeRules.parse({"strange": 1}, "f")
    from malleposte.accounts.life.rules import may_override

    monkeypatch.setenv("SUDO_USER", "nobody")
    assert not may_override("no-such-group")
    monkeypatch.delenv("SUDO_USER")
    assert may_override("no-such-group") is (os.geteuid() == 0)


def test_what_dovecot_remembers_for_deliveries_is_forgotten_as_well() -> None:
    directory = MemoryDirectory()
    one = Agent("anne", "Anne", "Roy", "anne.roy@ac-exemple.test", "roundcube", State.ACTIVE)
    directory.add(one.dn(directory.suffix), agent_attributes(one))
    (channel,) = LocalHost(LifeRules(channels=("dovecot",))).channels(lambda uid: names(directory, uid))
    assert isinstance(channel, Dovecot)
    wanted = {"anne", "anne.roy@ac-exemple.test", "anne@stores.invalid", "anne@sent.stores.invalid"}
    assert wanted <= set(channel.names("anne"))
