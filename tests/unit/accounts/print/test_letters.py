"""Activation letters: recipients, codes revoked by later letters, the content of a page, the transfer of files."""

import csv
import dataclasses
import datetime
import io
import json
import tarfile
from pathlib import Path

import pypdf
import pytest
import reportlab
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.journal import Journal
from malleposte.accounts.print import bundle, choose, page, run, table
from malleposte.accounts.print.issue import Issuer, Letter, Validity, files
from malleposte.commands.accounts import letters as command
from malleposte.core.errors import InputError, MallepostError

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(days=3)
FIRST = NOW.date()
KEYS = Keyring("k1", {"k1": b"1" * 32})
FACTS = {
    "academy": "académie d’Exemple",
    "hostnames": {"portal": "pia.ac-exemple.test"},
    "support": {
        "phone": "03 00 00 00 00",
        "mail": "aide@ac-exemple.test",
        "opening": [{"days": ["monday", "tuesday", "wednesday"], "from": "08:30", "to": "17:00"}],
    },
}


class House:
    """A directory with two schools and five agents, and letters made of it."""

    def __init__(self, folder: Path) -> None:
        self.directory, self.folder = MemoryDirectory(), folder
        self.school("9990001X", "Collège Œuvrard", "Dijon")
        self.agent("zmartin", "Zoé", "Martin", "9990001X")
        self.agent("edurand", "Élodie", "Durand", "9990001X", "20260915120000Z")
        self.agent("bno", "Bo", "No", "")
        self.agent("actif", "Al", "Actif", "9990001X", state="active")
        self.agent("sonde", "So", "Nde", "9990001X", numen=False)

    def school(self, uai, name, town):
        self.directory.add(
            f"mpEstablishment={uai},ou=establishments,dc=ac-exemple,dc=test",
            {"mpEstablishment": [uai], "o": [name], "l": [town], "postalCode": ["21000"]},
        )

    def agent(self, uid, given, surname, uai, since="20260801120000Z", *, state="pending", numen=True):
        held = {
            "uid": [uid], "givenName": [given], "sn": [surname], "mail": [f"{uid}@ac-exemple.test"],
            "mpState": [state], "mpStateChanged": [since],
        }  # fmt: skip
        held |= {"mpEstablishment": [uai]} if uai else {}
        held |= {"mpNumenDigest": [f"k1:{uid}"]} if numen else {}
        self.directory.add(f"uid={uid},ou=people,dc=ac-exemple,dc=test", held)

    def entry(self, uid):
        return self.directory.entries[f"uid={uid},ou=people,dc=ac-exemple,dc=test"].attributes

    def letters(self, now=NOW, begin=FIRST, days=30, **wish):
        """(letters by uid, the issuer's tally)."""
        made: dict[str, Letter] = {}

        def printed(several):
            made.update((letter.reader.uid, letter) for letter in several)
            return b"%PDF"

        with Journal(self.folder / "journal.jsonl", "essai@poste") as journal:
            validity = Validity.of(begin, days, now)
            issuer = Issuer(self.directory, journal, KEYS, "ac-exemple.test", validity, now)
            chosen = choose.readers(self.directory, **wish)
            parts = choose.parts(self.directory, chosen)
            self.files = dict(files(issuer, parts, len(chosen), printed, lambda all_: table.render(all_, validity)))
        return made, issuer.tally

    def good(self, letter, now=NOW):
        uid = letter.reader.uid
        return codes.matches(KEYS, uid, letter.code, self.entry(uid), now)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_those_who_wait_get_a_letter_by_school(house):
    made, tally = house.letters()
    assert list(made) == ["bno", "edurand", "zmartin"]
    assert list(house.files) == ["sans-etablissement.pdf", "9990001X.pdf", "courriers.csv"]
    assert (tally.letters, tally.files, tally.revoked, tally.skipped) == (3, 2, 0, [])
    assert all(house.good(letter) for letter in made.values())
    assert made["zmartin"].school == choose.School("9990001X", "Collège Œuvrard", "21000 Dijon")


def test_letters_again_revoke_the_first_ones(house):
    first, _ = house.letters()
    second, tally = house.letters(LATER)
    assert tally.revoked == 3
    assert not any(house.good(letter, LATER) for letter in first.values())
    assert all(house.good(letter, LATER) for letter in second.values())


def test_codes_end_with_the_last_day_that_is_printed(house):
    made, _ = house.letters(begin=datetime.date(2026, 9, 15), days=10)
    letter = made["zmartin"]
    evening = datetime.datetime(2026, 9, 24, 23, 59).astimezone()
    assert house.good(letter, evening)
    assert not house.good(letter, evening + datetime.timedelta(minutes=2))
    rows = list(csv.reader(io.StringIO(house.files["courriers.csv"].decode("utf-8-sig")), delimiter=";"))
    assert rows[-1] == ["9990001X", "Collège Œuvrard", "21000 Dijon", "Martin", "Zoé", "zmartin",
                        "zmartin@ac-exemple.test", letter.code, "24/09/2026"]  # fmt: skip


def test_a_validity_that_is_over_is_refused():
    with pytest.raises(InputError, match="of no use"):
        Validity.of(datetime.date(2026, 1, 1), 30, NOW)


def test_one_school_newcomers_and_names(house):
    assert list(house.letters(school="9990001X")[0]) == ["edurand", "zmartin"]
    assert list(house.letters(since=datetime.date(2026, 9, 1))[0]) == ["edurand"]
    assert list(house.letters(uids=("bno", "zmartin", "bno"))[0]) == ["bno", "zmartin"]


def test_who_has_a_password_gets_one_for_another_where_that_is_asked_for(house):
    with pytest.raises(InputError, match="actif is active"):
        house.letters(uids=["actif"])
    made, _tally = house.letters(uids=["ACTIF", "zmartin", "actif"], reset=True)
    assert {uid: letter.reader.reset for uid, letter in made.items()} == {"actif": True, "zmartin": False}
    assert codes.waits(house.entry("actif"), NOW, codes.Way.LETTER)
    made, _tally = house.letters(school="9990001X", reset=True)
    assert set(made) == {"actif", "zmartin", "edurand"}
    with pytest.raises(InputError, match="sonde has no NUMEN"):
        house.letters(uids=["sonde"], reset=True)


def test_letters_that_the_help_desk_asked_for_and_the_wish_ends(house):
    assert house.letters(asked=True)[0] == {}
    house.directory.modify("uid=edurand,ou=people,dc=ac-exemple,dc=test", {"mpLetterAsked": ["20260901070000Z"]})
    assert list(house.letters(asked=True)[0]) == ["edurand"]
    assert house.entry("edurand").get("mpLetterAsked", []) == []
    assert house.letters(asked=True)[0] == {}


def test_names_that_get_no_letter_are_told_and_nothing_is_issued(house):
    with pytest.raises(InputError, match=r"actif is active, personne is nobody, sonde has no NUMEN"):
        house.letters(uids=("zmartin", "actif", "personne", "sonde"))
    assert "mpInaCode" not in house.entry("zmartin")


def test_who_changes_meanwhile_is_left_out_and_told(house):
    real = house.directory.modify

    def meanwhile(dn, changes):
        if dn.startswith("uid=edurand"):
            house.entry("zmartin")["mpInaCode"] = ["desk 20990101000000Z k1:autre"]
        real(dn, changes)

    house.directory.modify = meanwhile
    made, tally = house.letters()
    assert list(made) == ["bno", "edurand"]
    assert tally.skipped[0][0] == "zmartin"
    assert b"zmartin" not in house.files["courriers.csv"]


def test_what_was_never_printed_is_void_once_it_is_run_again(house):
    printed = house.directory.modify
    seen = []

    def killed(dn, changes):
        printed(dn, changes)
        seen.append((dn, changes["mpInaCode"]))
        if len(seen) == 2:
            raise ConnectionError

    house.directory.modify = killed
    with pytest.raises(ConnectionError):
        house.letters()
    house.directory.modify = printed
    made, tally = house.letters()
    assert (tally.letters, tally.revoked) == (3, 2)
    for dn, digest in seen:
        assert house.directory.entries[dn.lower()].attributes["mpInaCode"] != digest
    assert all(house.good(letter) for letter in made.values())


def test_the_journal_tells_of_each_code_and_holds_none(house):
    made, _ = house.letters()
    text = (house.folder / "journal.jsonl").read_text("utf-8")
    assert [json.loads(line)["action"] for line in text.splitlines()] == ["code"] * 3
    for letter in made.values():
        assert letter.code not in text
        assert letter.code.replace("-", "") not in text
        assert house.entry(letter.reader.uid)["mpInaCode"][0] not in text
        assert letter.code not in repr(letter)


def test_a_large_school_comes_in_parts(house):
    for number in range(7):
        house.agent(f"agent{number}", "A", f"Nom{number}", "9990002Y")
    found = choose.parts(house.directory, choose.readers(house.directory, school="9990002Y"), most=3)
    assert [(part.name, len(part.readers)) for part in found] == [("9990002Y", 3), ("9990002Y-2", 3), ("9990002Y-3", 1)]


# --- pages ---


@pytest.fixture
def printer(tmp_path) -> page.Printer:
    """With fonts that come with reportlab, in the place of Debian's."""
    theirs = Path(reportlab.__file__).parent / "fonts"
    for ours, file in (("DejaVuSans", "Vera"), ("DejaVuSans-Bold", "VeraBd"), ("DejaVuSansMono-Bold", "VeraBd")):
        (tmp_path / f"{ours}.ttf").symlink_to(theirs / f"{file}.ttf")
    platform = page.Platform.of(FACTS, "platform.json")
    return page.Printer(platform, datetime.date(2026, 10, 1), NOW.date(), tmp_path)


def letter(uid="zmartin", given="Zoé", surname="Martin", name="Collège Œuvrard") -> Letter:
    reader = choose.Reader(uid, "", given, surname, f"{uid}@ac-exemple.test", "9990001X", {})
    return Letter(reader, choose.School("9990001X", name, "21000 Dijon"), "HJK34-9CFTX")


def test_a_page_says_who_what_and_until_when(printer):
    read = pypdf.PdfReader(io.BytesIO(printer.render([letter(), letter("edurand", "Élodie", "Durand")])))
    assert len(read.pages) == 2
    text = " ".join(read.pages[1].extract_text().split())
    for words in (
        "Élodie Durand", "Collège Œuvrard", "HJK34-9CFTX", "valable jusqu’au 1er octobre 2026 inclus", "NUMEN",
        "https://pia.ac-exemple.test/", "edurand@ac-exemple.test", "03 00 00 00 00", "until 1 October 2026",
        "du lundi au mercredi, de 8 h 30 à 17 h", "Monday to Wednesday, 08:30 to 17:00.",
    ):  # fmt: skip
        assert words in text, words
    assert "Martin" not in text and "Activer mon compte" in text and "oublié" not in text


def test_the_page_of_a_reset_leads_to_another_password(printer):
    one = letter()
    reset = dataclasses.replace(one, reader=dataclasses.replace(one.reader, reset=True))
    text = " ".join(pypdf.PdfReader(io.BytesIO(printer.render([reset]))).pages[0].extract_text().split())
    assert "Identifiant ou mot de passe oublié" in text and "Forgotten log-in or password" in text
    assert "Activer mon compte" not in text and "HJK34-9CFTX" in text


def test_a_file_bears_language_title_and_outline(printer):
    read = pypdf.PdfReader(io.BytesIO(printer.render([letter()])))
    assert read.trailer["/Root"]["/Lang"] == "fr-FR"
    assert "9990001X Collège Œuvrard" in read.metadata.title
    assert [item.title for item in read.outline] == ["Martin Zoé (zmartin)"]


def test_the_longest_names_stay_on_the_page(printer):
    words = "Saint-Étienne de la Très Longue Dénomination " * 4
    content = printer.render([letter("x" * 64, "Anne-Sophie-" * 5, words.strip(), words.strip())])
    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) == 1


def test_facts_and_fonts_that_are_missing_are_said(tmp_path):
    with pytest.raises(InputError, match=r"platform\.json: 'support'"):
        page.Platform.of({}, "platform.json")
    with pytest.raises(InputError, match="fonts-dejavu-core"):
        page.Printer(page.Platform.of(FACTS, "p"), NOW.date(), NOW.date(), tmp_path / "none")


# --- on the way ---


def stream(*given) -> io.BytesIO:
    target = io.BytesIO()
    bundle.pack(given, target)
    return io.BytesIO(target.getvalue())


def test_files_arrive_as_they_left_for_their_owner_alone(tmp_path):
    told = json.dumps({"letters": 1}).encode()
    with bundle.new_folder(tmp_path / "l") as folder:
        found = command.keep(folder, bundle.unpack(stream(("a.pdf", b"x" * 20_000), (run.MANIFEST, told))))
    assert found == {"letters": 1}
    assert (tmp_path / "l" / "a.pdf").read_bytes() == b"x" * 20_000
    assert (tmp_path / "l").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "l" / "a.pdf").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", [100, 700, 9000, 11_000])
def test_a_stream_that_breaks_off_leaves_nothing(tmp_path, cut):
    whole = stream(("a.pdf", b"x" * 10_000), ("b.pdf", b"y"), (run.MANIFEST, b"{}")).getvalue()[:cut]
    with pytest.raises(MallepostError, match="was interrupted"), bundle.new_folder(tmp_path / "l") as folder:
        command.keep(folder, bundle.unpack(io.BytesIO(whole)))
    assert not (tmp_path / "l").exists()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", ".ssh", ""])
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(MallepostError, match="not a letter"), bundle.new_folder(tmp_path / "l") as folder:
        command.keep(folder, bundle.unpack(stream((name, b"x"))))


def test_links_are_refused(tmp_path):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w|") as archive:
        entry = tarfile.TarInfo("a.pdf")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(MallepostError, match="not a letter"):
        list(bundle.unpack(io.BytesIO(target.getvalue())))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "garder").write_text("x")
    with pytest.raises(InputError, match="--out"), bundle.new_folder(tmp_path):
        pass
    assert (tmp_path / "garder").exists()


def test_the_host_is_asked_for_the_same_letters():
    wish = run.Wish(("a", "--school"), "9990001X", datetime.date(2026, 9, 1), datetime.date(2026, 9, 15), 40)
    assert command.words_of(wish) == [
        "accounts", "letters", "--tar", "--days", "40", "--since", "2026-09-01", "--from", "2026-09-15",
        "--school", "9990001X", "--", "a", "--school",
    ]  # fmt: skip
