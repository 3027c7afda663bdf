"""Agendas and contacts that follow the class: moves, conflicts, leftovers, and interruptions at any point."""

import json
import plistlib
import sys
from types import ModuleType

import pytest
import vobject
from malleposte.accounts.agendas import Collection, Item, Kind, Moved, Stores, move, vcard
from malleposte.accounts.agendas import radicale as radicale_store
from malleposte.accounts.agendas.model import Place, collected, components, fit_name, merged, uid_of
from malleposte.accounts.agendas.radicale import PROPERTIES, Radicale, as_kept
from malleposte.accounts.agendas.roundcube import RoundcubeBook, words
from malleposte.accounts.agendas.sogo import SogoStore
from malleposte.core.errors import MallepostError
from malleposte.platform import locks
from malleposte.runtime import owner

from tests.support.classes import CLASSES


def event(uid, summary="Réunion", changed=100.0, name=""):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}"]
    text = "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""])
    return Item(name or f"{uid}.ics", text, changed)


def card(uid, name="Zoë", changed=100.0):
    return Item(f"{uid}.vcf", f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n", changed)


def agenda(*items, name="personal", title=""):
    return Collection(Kind.AGENDA, name, title, collected(items))


def book(*items, name="personal"):
    return Collection(Kind.CONTACTS, name, "", collected(items))


class Memory:
    """A store in memory. It refuses what `refuses` holds; `lives` are the writes that are left to all that share it."""

    def __init__(self, name, *collections, refuses=(), lives=None):
        self.name, self.held, self.refuses = name, {one.place: one for one in collections}, refuses
        self.flat = name == "roundcube"
        self.gone = set()
        self.lives = lives or [1000]

    def read(self, _uid):
        return list(self.held.values())

    def add(self, _uid, collections):
        for one in collections:
            held = self.held.setdefault(one.place, Collection(one.kind, one.name, one.title))
            for key, item in one.items.items():
                self._write()
                if key not in self.refuses and (key not in held.items or held.items[key].changed < item.changed):
                    held.items[key] = item

    def remove(self, _uid, collections):
        for one in collections:
            for key, item in one.items.items():
                self._write()
                if self.held[one.place].items.get(key) == item:
                    del self.held[one.place].items[key]
                    self.gone.add(key)

    def forget(self, _uid):
        self._write()
        self.gone.clear()

    def _write(self):
        self.lives[0] -= 1
        if self.lives[0] < 0:
            raise OSError("killed")

    def holders(self):
        return {"mdupond"} if any(one.items for one in self.held.values()) else set()

    def keys(self):
        return sorted(key for one in self.held.values() for key in one.items)


def test_all_moves_and_leaves_where_it_was():
    old = Memory("sogo", agenda(event("a"), event("b")), book(card("c")))
    new = Memory("radicale")
    assert move("mdupond", [old], [new]) == Moved(agenda=2, contacts=1)
    assert (old.keys(), new.keys()) == ([], ["a", "b", "c"])
    assert not move("mdupond", [old], [new]), "a second time there is nothing to do"


def test_the_later_change_wins_and_what_only_the_new_store_has_stays():
    old = Memory("sogo", agenda(event("a", "tard", 200), event("b", "tôt", 50)))
    new = Memory("radicale", agenda(event("a", "avant", 100), event("b", "après", 100), event("z")))
    move("mdupond", [old], [new])
    held = {key: item.text for one in new.read("") for key, item in one.items.items()}
    assert "tard" in held["a"] and "après" in held["b"] and "z" in held
    assert old.keys() == []


def test_what_the_new_store_does_not_take_stays_and_is_counted():
    old, new = Memory("radicale", agenda(event("a"), event("journal"))), Memory("sogo", refuses=("journal",))
    assert move("mdupond", [old], [new]) == Moved(agenda=1, left=1)
    assert (old.keys(), new.keys()) == (["journal"], ["a"])


@pytest.mark.parametrize("writes", range(9))
def test_killed_at_any_point_and_run_again_it_ends_in_the_same_place(writes):
    lives = [writes]
    old = Memory("sogo", agenda(event("a"), event("b")), book(card("c"), card("d")), lives=lives)
    new = Memory("radicale", lives=lives)
    with pytest.raises(OSError, match="killed"):
        move("mdupond", [old], [new])
    assert set(old.keys()) | set(new.keys()) == {"a", "b", "c", "d"}, "nothing is lost on the way"
    lives[0] = 9
    move("mdupond", [old], [new])
    assert (old.keys(), new.keys()) == ([], ["a", "b", "c", "d"])
    assert old.gone == set(), "nothing is left of what went"


def test_two_sources_become_one_and_the_second_target_gets_the_same():
    devices, webmail = (
        Memory("radicale", book(card("a", changed=1))),
        Memory("roundcube", book(card("a", "Zoé", 2), card("b"))),
    )
    sogo = Memory("sogo")
    stores = Stores([sogo, devices, webmail], CLASSES)
    assert stores.settle("mdupond", "convergence") == Moved(contacts=2)
    assert (sogo.keys(), devices.keys(), webmail.keys()) == (["a", "b"], [], [])
    assert "Zoé" in sogo.read("")[0].items["a"].text
    assert stores.astray({"mdupond": "roundcube"}) == ["mdupond"]
    assert stores.astray({"mdupond": "convergence"}) == stores.astray({}) == []
    assert stores.settle("mdupond", "roundcube") == Moved(contacts=2)
    assert (sogo.keys(), devices.keys(), webmail.keys()) == ([], ["a", "b"], ["a", "b"])


class Flat(Memory):
    """As Roundcube: one address book for all."""

    def add(self, uid, collections):
        items = [item for one in collections if one.kind == Kind.CONTACTS for item in one.items.values()]
        super().add(uid, [book(*items)])

    def remove(self, uid, collections):
        super().remove(uid, [book(*one.items.values()) for one in collections])


def test_contacts_of_a_second_address_book_come_back_to_it_alone():
    sogo = Memory("sogo", book(card("a")), book(card("b"), name="amis"))
    devices, webmail = Memory("radicale"), Flat("roundcube")
    stores = Stores([sogo, devices, webmail], CLASSES)
    stores.settle("mdupond", "roundcube")
    assert webmail.keys() == ["a", "b"]
    webmail.held[Kind.CONTACTS, "personal"].items["b"] = card("b", "Plus tard", 300)
    assert stores.settle("mdupond", "convergence") == Moved(contacts=2)
    held = {one.name: sorted(one.items) for one in sogo.read("")}
    assert held == {"personal": ["a"], "amis": ["b"]}
    assert "Plus tard" in sogo.held[Kind.CONTACTS, "amis"].items["b"].text
    assert (devices.keys(), webmail.keys()) == ([], [])


def test_a_place_of_a_strange_name_moves_under_another():
    old, new = Memory("sogo", agenda(event("a"), name="mes cours/été")), Memory("radicale")
    assert move("mdupond", [old], [new]) == Moved(agenda=1)
    assert (old.keys(), new.keys()) == ([], ["a"])
    ((_kind, name),) = new.held
    assert name.isalnum() and new.held[Kind.AGENDA, name].title == "mes cours/été"


def test_a_store_that_is_elsewhere_moves_nothing():
    old = Memory("sogo", agenda(event("a")))
    with pytest.raises(MallepostError, match="radicale is not on this host"):
        Stores([old], CLASSES).settle("mdupond", "roundcube")
    assert old.keys() == ["a"]


def test_a_uid_is_read_as_the_rfcs_write_it():
    assert uid_of("BEGIN:VEVENT\r\nUID;X=1: ab\r\n  c\r\nEND") == "ab c"
    assert uid_of("BEGIN:VCARD\nFN:UID:x\nEND:VCARD") == ""
    assert components("BEGIN:VCALENDAR\nBEGIN:vjournal\n") == {"VCALENDAR", "VJOURNAL"}
    assert Item("n.ics", "BEGIN:VEVENT", 0).key == "n.ics"


def test_names_that_another_store_could_not_bear_are_replaced():
    for name in ("../x", "a/b", ".caché", "", "é.ics", "x" * 300):
        assert fit_name(event("a", name=name or " "), Kind.AGENDA).endswith(".ics")
        assert "/" not in fit_name(event("a", name=name or " "), Kind.AGENDA)
    assert fit_name(event("a", name="déjà.ics"), Kind.AGENDA) == fit_name(event("a", name="autre/.ics"), Kind.AGENDA)
    assert fit_name(event("a"), Kind.AGENDA) == "a.ics"
    assert fit_name(event("a"), Kind.AGENDA, ["a.ics"]) != "a.ics"


def test_collections_are_merged_by_place():
    both = merged([agenda(event("a"), title="Classes", name="x"), agenda(event("b"), name="x"), agenda(name="y")])
    assert [(one.name, one.title, sorted(one.items)) for one in both] == [("x", "Classes", ["a", "b"]), ("y", "", [])]


# --- Radicale ---


@pytest.fixture
def radicale(tmp_path):
    root = tmp_path / "collections" / "collection-root"
    root.mkdir(parents=True)
    return Radicale(root, lambda text, tag: None if "refusé" in text else text)


def test_radicale_gets_collections_a_file_an_item(radicale):
    radicale.add(
        "mdupond", [agenda(event("a", changed=1234.0)), agenda(event("b"), name="3A9A-1", title="Classes de 3e")]
    )
    base = radicale.root / "mdupond"
    assert sorted(path.name for path in base.iterdir()) == ["3A9A-1", "agenda", "contacts"]
    assert json.loads((base / "agenda" / PROPERTIES).read_text())["tag"] == "VCALENDAR"
    assert json.loads((base / "3A9A-1" / PROPERTIES).read_text())["D:displayname"] == "Classes de 3e"
    assert (base / "agenda" / "a.ics").stat().st_mtime == 1234.0
    read = {one.place: one for one in radicale.read("mdupond")}
    assert sorted(read[Kind.AGENDA, "personal"].items) == ["a"]
    assert read[Kind.AGENDA, "3A9A-1"].title == "Classes de 3e"
    assert radicale.holders() == {"mdupond"}
    assert not list(base.rglob(".malleposte*"))


def test_radicale_keeps_the_name_of_what_it_has_and_gives_a_contact_its_uid(radicale):
    radicale.add("mdupond", [agenda(event("a", "avant", 1, name="autre.ics"))])
    radicale.add("mdupond", [agenda(event("a", "après", 2))])
    folder = radicale.root / "mdupond"
    assert [path.name for path in (folder / "agenda").glob("*.ics")] == ["autre.ics"]
    assert "après" in (folder / "agenda" / "autre.ics").read_text()
    radicale.add("mdupond", [book(Item("sans.vcf", "BEGIN:VCARD\r\nFN:x\r\nEND:VCARD\r\n", 1))])
    assert "UID:sans.vcf" in (folder / "contacts" / "sans.vcf").read_text()


def test_radicale_puts_nothing_where_another_collection_bears_the_name(radicale):
    second, third = book(card("c"), name="ecole"), agenda(event("b"), name="contacts")
    radicale.add("mdupond", [agenda(event("a"), name="ecole"), second, third])
    held = {one.place: sorted(one.items) for one in radicale.read("mdupond")}
    assert held == {(Kind.AGENDA, "ecole"): ["a"], (Kind.AGENDA, "personal"): [], (Kind.CONTACTS, "personal"): []}


def test_radicale_leaves_what_it_would_refuse_and_removes_only_what_is_as_it_was(radicale):
    radicale.add("mdupond", [agenda(event("a"), event("b", "refusé"), event("c"))])
    read = radicale.read("mdupond")
    assert sorted(read[0].items) == ["a", "c"]
    (radicale.root / "mdupond/agenda/c.ics").write_text(event("c", "changé").text, newline="")
    radicale.remove("mdupond", read)
    assert sorted(radicale.read("mdupond")[0].items) == ["c"]
    assert radicale.read("nobody") == [] and not (radicale.root / "nobody").exists()


def test_radicale_s_files_are_for_its_group_to_read(radicale):
    radicale.add("mdupond", [agenda(event("a"))])
    assert (radicale.root / "mdupond/agenda/a.ics").stat().st_mode & 0o777 == 0o640


# --- SOGo ---


class Tables:
    """SOGo's tables as far as they are read; the statements that were run."""

    def __init__(self, *rows, rights=()):
        self.rows, self.rights, self.ran = rows, rights, []

    def __call__(self, database, text):
        assert database == "sogo"
        self.ran.append(text)
        found = self.rows if "LEFT JOIN" in text else self.rights if "sogo_acl" in text else ()
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in found)


def row(module, folder, name, text, changed=100, title="t"):
    return {"module": module, "folder": folder, "title": title, "name": name, "text": text, "changed": changed}


def test_sogo_s_tables_are_read_and_its_lists_stay():
    odd = event("a", "ligne\u2028coupée").text
    rows = (
        row("Calendar", "personal", "a.ics", odd),
        row("Contacts", "personal", "l.vlf", "BEGIN:VLIST\nUID:l\nEND:VLIST"),
    )
    store = SogoStore("sogo", Tables(*rows, row("Calendar", "x", None, None)), lambda uid, content: None)
    read = {one.place: one for one in store.read("mdupond")}
    assert read[Kind.AGENDA, "personal"].items["a"].text == odd
    assert read[Kind.CONTACTS, "personal"].items == {} == read[Kind.AGENDA, "x"].items
    assert read[Kind.AGENDA, "x"].title == "t" and read[Kind.AGENDA, "personal"].title == ""


def test_sogo_gets_a_property_list_of_what_is_new():
    put = []
    tables = Tables(row("Calendar", "personal", "nom-ici.ics", event("a", "avant").text, changed=50))
    store = SogoStore("sogo", tables, lambda uid, content: put.append((uid, plistlib.loads(content))))
    new = [event("a", "après\x0b", 100), event("b"), Item("j.ics", "BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nUID:j\n", 1)]
    store.add("mdupond", [agenda(*new), book(card("c"), name="amis")])
    ((uid, document),) = put
    assert uid == "mdupond" and sorted(document["tables"]) == [
        "/Users/mdupond/Calendar/personal",
        "/Users/mdupond/Contacts/amis",
    ]
    records = document["tables"]["/Users/mdupond/Calendar/personal"]["records"]
    assert [one["c_name"] for one in records] == ["nom-ici.ics", "b.ics"]
    assert "après" in records[0]["c_content"] and "\x0b" not in records[0]["c_content"]
    removed = next(text for text in tables.ran if "c_deleted = 1" in text)
    assert "nom-ici.ics" in removed and "b.ics" not in removed, "the tool passes over names that are there"


def test_rights_that_others_have_in_sogo_stay():
    put = []
    shares = [("mleroy", "PublicViewer"), ("mleroy", "ObjectCreator"), ("<default>", "None")]
    rights = [{"place": "Calendar/personal", "uid": uid, "role": role} for uid, role in shares]
    rights.append({"place": "Calendar/autre", "uid": "mleroy", "role": "PublicViewer"})
    tables = Tables(row("Calendar", "personal", "a.ics", event("a").text), rights=rights)
    store = SogoStore("sogo", tables, lambda uid, content: put.append(plistlib.loads(content)["tables"]))
    store.add("mdupond", [agenda(event("b")), book(card("c"), name="amis")])
    assert {path: table["acl"] for path, table in put[0].items()} == {
        "/Users/mdupond/Calendar/personal": {"mleroy": ["PublicViewer", "ObjectCreator"], "<default>": ["None"]},
        "/Users/mdupond/Contacts/amis": {},
    }


def test_sogo_is_not_touched_for_nothing_and_statements_hold_no_quotes_of_others():
    tables = Tables(row("Calendar", "personal", "a.ics", event("a").text))
    store = SogoStore("sogo", tables, lambda uid, content: pytest.fail("nothing is new"))
    store.add("mdupond", [agenda(event("a"))])
    store.remove("mdupond", [agenda()])
    assert len(tables.ran) == 1
    store.remove("mdupond", [agenda(event("a", name="x'); DROP TABLE sogo_store; --.ics"))])
    assert "x''); DROP" in tables.ran[-1]


def test_sogo_and_roundcube_forget_what_went_and_nothing_else():
    ran = []
    SogoStore("sogo", lambda _database, text: ran.append(text), lambda uid, content: None).forget("o'brien")
    RoundcubeBook("roundcube", str, lambda _database, text: ran.append(text)).forget("o'brien")
    assert "DELETE FROM sogo_store" in ran[0] and "s.c_deleted = 1" in ran[0] and "i.c_path2 = 'o''brien'" in ran[0]
    assert "sogo_folder_info" not in [line.split()[2] for line in ran[0].splitlines() if line.startswith("DELETE")]
    assert ran[1].startswith("DELETE FROM contacts WHERE del = 1 AND") and "username = 'o''brien'" in ran[1]


# --- Roundcube ---


def test_roundcube_s_rows_become_vcards_and_back():
    rows = [
        {"id": 1, "name": "Zoë Lœuf", "email": "z@a.test,zz@a.test", "firstname": "Zoë", "surname": "Lœuf",
         "vcard": None, "changed": 5},
        {"id": 2, "name": "x", "email": "", "firstname": "", "surname": "", "vcard": card("u").text, "changed": 6},
    ]  # fmt: skip
    ran = []

    def sql(_database, text):
        ran.append(text)
        return "\n".join(map(json.dumps, rows)) if "row_to_json" in text else ""

    book_of = RoundcubeBook("roundcube", lambda: "mail.ac-exemple.test", sql)
    (read,) = book_of.read("mdupond")
    assert sorted(read.items) == ["roundcube-1", "u"]
    assert vcard.read(read.items["roundcube-1"].text) == vcard.Card(
        "Zoë Lœuf", "Zoë", "Lœuf", ("z@a.test", "zz@a.test")
    )
    book_of.add("mdupond", [agenda(event("e")), book(card("u", "Élodie", 7), card("neuf", "L'été"))])
    items = json.loads(ran[-1].partition("json_to_recordset('")[2].partition("') AS")[0].replace("''", "'"))
    assert [(one["old"], one["name"], one["words"]) for one in items] == [
        (2, "Élodie", "elodie"),
        (None, "L'été", "l'ete"),
    ]
    book_of.remove("mdupond", [read.only(["u"])])
    assert '"id": 2' in ran[-1] and '"id": 1' not in ran[-1]


def test_a_vcard_is_read_with_groups_parameters_and_folds():
    text = (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:D\\, de\r\n La Tour\r\nN:de La Tour;Hélène;;;\r\n"
        'item1.EMAIL;TYPE="work:x":h@a.test\r\nEMAIL;TYPE=home:h2@a.test\r\nNOTE:EMAIL:non@a.test\r\nEND:VCARD\r\n'
    )
    assert vcard.read(text) == vcard.Card("D, deLa Tour", "Hélène", "de La Tour", ("h@a.test", "h2@a.test"))
    assert vcard.read("BEGIN:VCARD\r\nEMAIL:seul@a.test\r\nEND:VCARD") == vcard.Card(
        "seul@a.test", "", "", ("seul@a.test",)
    )
    hostile = vcard.Card("a;b,c\r\nEMAIL:x@y.test", "\\", "é", ("z@a.test",))
    assert vcard.read(vcard.write("u", hostile)).emails == ("z@a.test",)
    assert words(["Zoë", "L’Été zoë"]) == "zoe l’ete"


def test_an_event_that_nobody_could_walk_through_is_refused_before_radicale_walks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walked: list[str] = []
    item = ModuleType("radicale.item")
    vars(item).update(
        read_components=lambda text: list(vobject.readComponents(text)),
        check_and_sanitize_items=lambda items, tag: walked.append(tag),
    )
    monkeypatch.setitem(sys.modules, "radicale.item", item)
    for rule, kept in (("FREQ=DAILY;COUNT=9", True), ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", False)):
        lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:a", "DTSTART:20261201T080000Z", f"RRULE:{rule}", "END:VEVENT"]
        text = as_kept("\r\n".join([*lines, "END:VCALENDAR", ""]), "VCALENDAR")
        assert (text is not None and rule in text) is kept
    assert walked == ["VCALENDAR"]


def test_writers_do_not_wait_while_texts_of_an_agenda_are_read(radicale, monkeypatch):
    radicale.add("jdupont", [agenda(event("un"), event("deux"))])
    read, free = owner.read, []

    def watched(path):
        if path.suffix == ".ics":
            with (radicale.root.parent / radicale_store.LOCK).open("a") as file:
                free.append(locks.take(file))
            if len(free) == 1:
                path.unlink()  # by Radicale, meanwhile
        return read(path)

    monkeypatch.setattr(owner, "read", watched)
    (entries,) = radicale.changed([Place("jdupont", "personal")], 10).values()
    assert free == [True, True] and len(entries) == 1
