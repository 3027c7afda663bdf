"""Reserved names, ends of boxes and lists, disclosures to agents: on a directory in memory."""

import datetime
import io
import json
import zipfile
from functools import partial
from pathlib import Path

import pytest
from malleposte.accounts import boxes, life, names
from malleposte.accounts.acts import Tools
from malleposte.accounts.disclosure import export
from malleposte.accounts.disclosure import terms as disclosure
from malleposte.accounts.hosts.acts import contents
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import base, ending, removal
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.plan.current import Current
from malleposte.accounts.used_names import UsedNames
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.devices import Device, device_attributes
from malleposte.directory.model import Agent, FunctionalBox, agent_attributes
from malleposte.lists import edits
from malleposte.lists.model import entry_of
from malleposte.lists.rule import parse
from malleposte.platform import mailstore

from tests.support.directory import MemoryDirectory
from tests.support.hosts import NoPasswords

DOMAIN = "ac-exemple.test"
NOW = datetime.datetime(2026, 9, 1, 6, tzinfo=datetime.UTC)


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    one = Agent(uid="mdupond", given_name="Marie", surname="Dupond", mail=f"mdupond@{DOMAIN}", profile="roundcube")
    made.add(one.dn(made.suffix), agent_attributes(one) | {"mpOpens": ["vie-scolaire"]})
    box = FunctionalBox("vie-scolaire", "Vie scolaire", f"vie-scolaire@{DOMAIN}", delegates=("mdupond",))
    for change in boxes.create(box, {}, (), made.suffix):
        made.add(change.dn, change.after)
    return made


@pytest.fixture
def journal(tmp_path: Path):
    with Journal(tmp_path / "journal.jsonl", "essai@poste") as opened:
        yield opened


@pytest.fixture
def rules(tmp_path: Path) -> LifeRules:
    rules = LifeRules(store=tmp_path / "mail", radicale=tmp_path / "dav", archive_folder=tmp_path / "archives")
    cur = mailstore.home_of("vie-scolaire", rules.store) / "Maildir" / "cur"
    cur.mkdir(parents=True)
    (cur / "1.x:2,S").write_bytes(b"Subject: un\n\n")
    return rules


def arrival(**given: str) -> life.Arrival:
    return life.Arrival(
        Agent(**({"uid": "", "given_name": "Paul", "surname": "Durand", "mail": "", "profile": "roundcube"} | given))
    )


# --- names ---


@pytest.mark.parametrize("name", ["postmaster", "abuse", "root", "noc", "accountd", "ce.0210001m", "security"])
def test_nobody_is_given_a_name_of_the_platform(directory: MemoryDirectory, name: str) -> None:
    for given in ({"uid": name}, {"mail": f"{name}@{DOMAIN}"}):
        with pytest.raises(InputError, match="reserved"):
            life.create(arrival(**given), directory.suffix, DOMAIN, UsedNames(directory), NOW)
    held = next(directory.search("people", life.base.ASKED, {"uid": "mdupond"}))
    for words in ({"address": f"{name}@{DOMAIN}"}, {"log_in": name}):
        with pytest.raises(InputError, match="reserved"):
            life.rename(held, DOMAIN, UsedNames(directory), **words)
    assert life.create(
        arrival(uid="pdurand9", mail=f"paul@{DOMAIN}"), directory.suffix, DOMAIN, UsedNames(directory), NOW
    )


def test_the_standard_s_names_are_reserved() -> None:
    assert {"info", "marketing", "sales", "support", "abuse", "noc", "security", "postmaster", "hostmaster", "usenet",
            "news", "webmaster", "www", "uucp", "ftp"} <= names.RESERVED  # fmt: skip


@pytest.mark.parametrize("words", ["uai=0210001A", "fonction=Principal uai=021000", "departement=999"])
def test_a_rule_with_a_wrong_code_is_refused(words: str) -> None:
    with pytest.raises(InputError, match="no rule"):
        parse(words)
    assert parse("uai=0210001m fonction=Principal departement=021,2A").departments == ("21", "2A")


# --- the end of a box ---


def end_box(directory: MemoryDirectory, journal: Journal, rules: LifeRules, tmp_path: Path) -> Path:
    held = boxes.find(directory, "vie-scolaire")
    hosts = Hosts(directory, [LocalHost(rules, lambda *_: "", beside=())])
    tools = Tools(directory, journal, (), NoPasswords(), hosts)
    path, _ = ending.end_box(tools, rules, (), held, NOW, pending=tmp_path / "pending")
    return path


def test_a_box_ends_archived_and_its_names_are_given_to_nobody(directory, journal, rules, tmp_path) -> None:
    path = end_box(directory, journal, rules, tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert "courrier/INBOX/000001.eml" in archive.namelist()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not mailstore.home_of("vie-scolaire", rules.store).exists()
    assert next(directory.search("people", ["mpOpens"], {"uid": "mdupond"})).attributes.get("mpOpens", []) == []
    with pytest.raises(InputError, match="no functional box"):
        boxes.find(directory, "vie-scolaire")
    again = FunctionalBox("vie-scolaire", "Vie scolaire", f"vie-scolaire@{DOMAIN}")
    with pytest.raises(InputError, match="is or was somebody's"):
        boxes.create(again, {}, Current(directory).names(), directory.suffix)


@pytest.mark.parametrize("after", range(1, 6))
def test_an_interrupted_end_of_a_box_is_gone_on_with(directory, journal, rules, tmp_path, after: int) -> None:
    directory.fail_after = directory.changes + after
    try:
        end_box(directory, journal, rules, tmp_path)
    except ConnectionError:
        directory.fail_after = None
        try:
            end_box(directory, journal, rules, tmp_path)
        except InputError:
            removal.finish(directory, journal, tmp_path / "pending")
    directory.fail_after = None
    assert [entry.attributes["uid"] for entry in directory.search("tombstones", ["uid"])] == [["vie-scolaire"]]
    assert list(directory.search("functional", ["uid"])) == []
    kept = [zipfile.ZipFile(path).namelist() for path in rules.archive_folder.glob("*.zip")]
    assert any("courrier/INBOX/000001.eml" in found for found in kept)


def test_a_box_that_cannot_be_archived_stays(directory, journal, rules, tmp_path, monkeypatch) -> None:
    def broken(root):
        raise OSError("the disk is gone")

    monkeypatch.setattr(contents, "messages", broken)
    with pytest.raises(MallepostError, match="the archive would not be whole"):
        end_box(directory, journal, rules, tmp_path)
    assert boxes.find(directory, "vie-scolaire").attributes["mpState"] == ["suspended"]
    assert mailstore.home_of("vie-scolaire", rules.store).exists()


# --- the end of a list ---


def test_a_list_ends_kept_in_a_file_and_its_addresses_are_given_to_nobody(directory, journal, rules, tmp_path) -> None:
    one = edits.draft(directory, "conseil", "Conseil", DOMAIN, members=["mdupond"])
    directory.add(one.dn(directory.suffix), edits.create(one, (), directory.suffix).after)
    other = edits.draft(directory, "tous", "Tous", DOMAIN, members=["@list:conseil", "mdupond"])
    directory.add(other.dn(directory.suffix), edits.create(other, (), directory.suffix).after)
    held = edits.find(directory, "conseil")
    path = ending.end_list(directory, journal, rules, held, NOW, pending=tmp_path / "pending")
    assert json.loads(path.read_text("utf-8"))["mail"] == [f"conseil@{DOMAIN}"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert entry_of(directory, "conseil") is None
    left = entry_of(directory, "tous")
    assert left is not None
    assert left.attributes["member"] == [f"uid=mdupond,ou=people,{directory.suffix}"]
    for name in ("conseil", "conseil-owner"):
        assert f"{name}@{DOMAIN}" in UsedNames(directory)
    with pytest.raises(InputError, match="is or was somebody's"):
        edits.create(one, Current(directory).names(), directory.suffix)


# --- what is told to whom it is about ---


def test_an_export_tells_of_devices_and_of_no_password(directory, rules) -> None:
    made, (held,) = (
        NOW - datetime.timedelta(days=9),
        directory.search("people", ["uid", "mail", "mpState"], {"uid": "mdupond"}),
    )
    for ident, owner in (("d1", "mdupond"), ("d2", "autre")):
        device = Device(ident, owner, f"Téléphone de {owner}", ("imap", "smtp"), made, used=NOW, place="192.0.2.7")
        directory.add(device.dn(directory.suffix), device_attributes(device, held.attributes, "{ARGON2}empreinte"))
    target = io.BytesIO()
    report = export.Exporter(partial(contents.files, LocalHost(rules)), ()).write(
        export.Subject.of(directory, held), target
    )
    with zipfile.ZipFile(target) as archive:
        text = archive.read("appareils.json").decode()
    (told,) = json.loads(text)
    assert (told["appareil"], told["usages"]) == ("Téléphone de mdupond", "imap, smtp")
    assert told["créé le"] == f"{made.astimezone():%d/%m/%Y %H:%M}"
    assert "empreinte" not in text and "d1" not in text
    assert report.counts["devices"] == 1


def test_an_export_has_facts_that_no_act_looks_at(directory, rules) -> None:
    directory.modify(f"uid=mdupond,ou=people,{directory.suffix}", {
        "mpQuietHours": ["12345 18:30-07:45"], "mpBrowserName": [f"20261101080000Z {'ab' * 16} Salle 12"],
    })  # fmt: skip
    (held,) = directory.search("people", base.ASKED, {"uid": "mdupond"})
    target = io.BytesIO()
    export.Exporter(partial(contents.files, LocalHost(rules)), ()).write(export.Subject.of(directory, held), target)
    with zipfile.ZipFile(target) as archive:
        entry = json.loads(archive.read("compte.json"))
    assert entry["heures de déconnexion"] == ["12345 18:30-07:45"] and entry["identifiant"] == ["mdupond"]
    assert entry["noms donnés à vos navigateurs"] == ["Salle 12"]


def test_an_export_speaks_french_and_shows_nothing_of_the_machinery(rules, tmp_path) -> None:
    lines = [
        {"time": "2026-09-01T06:00:00", "who": "root@pc-dsi for untel@pc", "action": "block", "account": "mdupond",
         "dn": "uid=mdupond,ou=people,dc=x", "before": {"mpState": ["active"], "mpSourceDigest": ["k1:zz"]},
         "after": {"mpState": ["blocked"], "mpBlockedUntil": ["20260903060000Z"], "mpInaDigest": ["k1:yy"]},
         "note": "courriels frauduleux"},
        {"time": "t", "who": "root", "action": "skipped", "account": "mdupond", "reason": "mpSourceDigest changed"},
        {"time": "t", "who": "root", "action": "mystère", "account": "mdupond"},
    ]  # fmt: skip
    journal = tmp_path / "accounts.jsonl"
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    held = {
        "objectClass": ["mpAgent"], "uid": ["mdupond"], "sn": ["Dupond"], "mpState": ["active"],
        "mpStateChanged": ["20260101000000Z"], "mpNumenDigest": ["k1:aa"], "mpSourceDigest": ["k1:bb"],
        "mpInaDigest": ["k1:cc"], "pwdHistory": ["dd"], "entryCSN": ["ee"], "entryUUID": ["ff"], "mailHost": ["gg"],
        "MPFUNCTION": ["Principale"],
    }  # fmt: skip
    target = io.BytesIO()
    report = export.Exporter(partial(contents.files, LocalHost(rules)), (journal,)).write(
        export.Subject("mdupond", held), target
    )
    with zipfile.ZipFile(target) as archive:
        entry = json.loads(archive.read("compte.json"))
        done = [json.loads(line) for line in archive.read("journal.jsonl").decode().splitlines()]
    assert entry["état du compte"] == ["actif"] and entry["fonction"] == ["Principale"] and entry["nom"] == ["Dupond"]
    assert set(entry) <= set(disclosure.FACTS.values())
    assert [row["opération"] for row in done] == ["compte bloqué", "autre opération"]
    assert done[0]["après"]["état du compte"] == ["bloqué"] and done[0]["motif"] == "courriels frauduleux"
    whole = json.dumps([entry, done])
    for internal in ("k1:", "Digest", "mpS", "dn", "root", "untel", "pwd", "entry", "objectClass", "gg"):
        assert internal not in whole, internal
    assert report.counts["journal"] == 2
