"""Circulars by the portal: who reads them, who sees who reads, and one answer for all that is not for an agent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from malleposte.accountd.call import OF
from malleposte.accountd.calls.shared.charges import Charges, SetArchive
from malleposte.accountd.calls.shared.circulars import (
    CircularPage,
    Circulars,
    FetchCircularPart,
    FindCirculars,
    ShowCircular,
)  # fmt: skip
from malleposte.accountd.message import LONGEST, Refused, encoded
from malleposte.accounts.hosts.acts import deliveries as acts
from malleposte.circulars import ask
from malleposte.circulars.model import Counting, Filing
from malleposte.circulars.store import Store
from malleposte.core.errors import MallepostError
from malleposte.daemons.circulars import Archive
from malleposte.directory.model import FunctionalBox, State, box_attributes
from malleposte.lists import edits
from malleposte.lists.model import attributes_of

from ..circulars.test_reading import letter
from .test_service import HERE, Stage, success, token

DOMAIN = "ac-exemple.test"
IDENT, OTHER = "20260914081500-5f2a90c1", "20260915081500-5f2a90c2"
NOW = 1_790_000_000
ACTS = (acts.circulars, acts.circular, acts.circular_part, acts.circular_readers)


class Ground:
    """A service, the archive of one host behind it, and lists of all kinds."""

    def __init__(self, folder: Path) -> None:
        (folder / "archive").mkdir()
        self.stage, self.store = Stage(folder), Store(folder / "archive")
        self.archive = Archive(self.store, Counting.NOTHING, lambda: NOW)
        self.host = SimpleNamespace(circulars_socket=Path("none"))
        for one in ACTS:
            setattr(self.stage.hosts, one.name, self.asked(one.name))
        directory = self.stage.directory
        people = ("membre", "autre", "chef", "recteur", "parti")
        for number, uid in enumerate(people):
            self.stage.agent(uid, State.ACTIVE, f"01E950000{number}ABC")
        self.stage.agent("secretaire", State.ACTIVE, "01E9500009ABC", mpOpens=["ce.x"])
        box = FunctionalBox("ce.x", "Collège", f"ce.x@{DOMAIN}")
        directory.add(box.dn(directory.suffix), box_attributes(box))
        self.list("chefs", members=["membre", "ce.x", "parti"], posters=["recteur", "@staff"], managers=["chef"])
        self.list("profs", members=["autre"], archive=True, hidden=True)
        self.list("sans", members=["membre"], archive=False)

    def asked(self, name: str) -> Any:
        """Return a function that asks the archive for an act, as a host would."""

        def do(*words: Any) -> Any:
            if self.stage.mute:
                raise MallepostError("no host answers")
            fields = {"circulars": "find", "circular": "show", "circular_part": "part", "circular_readers": "readers"}
            line = msgspec.json.encode(ask.Request(**{fields[name]: words[0]}))
            reply = self.archive.answer(line)
            assert not reply.error, reply.error
            answers: dict[str, Any] = {
                "circulars": (reply.answer, []),
                "circular": reply.shown,
                "circular_part": reply.chunk,
            }
            return answers.get(name, reply.readers)

        return do

    def list(self, name: str, *, archive: bool = True, **words: Any) -> None:
        directory = self.stage.directory
        one = edits.draft(directory, name, f"Liste {name}", DOMAIN, archive=archive, **words)
        directory.add(one.dn(directory.suffix), attributes_of(one))

    def file(self, ident: str = IDENT, name: str = "chefs", raw: bytes = b"", time: int = NOW) -> None:
        raw = raw or letter(("note.pdf", b"%PDF-1.4 x"))
        self.store.file(Filing(ident, name, f"recteur@{DOMAIN}", time, len(raw)), raw)

    def find(self, uid: str, **more: Any) -> Circulars | Refused:
        return self.stage.ask(FindCirculars(HERE, uid, token(uid), **more))

    def found(self, uid: str, **more: Any) -> Sequence[str]:
        return [one.ident for one in success(self.find(uid, **more)).circulars]

    def show(self, uid: str, name: str = "chefs", ident: str = IDENT) -> CircularPage | Refused:
        return self.stage.ask(ShowCircular(HERE, uid, token(uid), name, ident))

    def part(self, uid: str, number: int, name: str = "chefs", ident: str = IDENT) -> Any:
        return self.stage.ask(FetchCircularPart(HERE, uid, token(uid), name, ident, number))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize("uid", ["membre", "secretaire", "chef", "recteur"])
def test_members_delegates_of_a_member_box_managers_and_posters_by_name_read(ground: Ground, uid: str) -> None:
    ground.file()
    assert ground.found(uid) == [IDENT]
    page = success(ground.show(uid))
    assert (page.subject, page.title, page.text) == ("Rentrée 2026", "Liste chefs", "Bonjour,\nvoici la note.")
    number = page.parts[0].number
    answer = success(ground.part(uid, number))
    assert (answer.name, answer.kind, answer.size) == ("note.pdf", "application/pdf", 10)
    opens = OF[FetchCircularPart].opens
    assert opens is not None
    with opens(SimpleNamespace(hosts=ground.stage.hosts), answer) as stream:
        assert stream.read() == b"%PDF-1.4 x"


def test_for_all_others_it_is_one_that_is_not_there(ground: Ground) -> None:
    ground.file()
    ground.file(OTHER, "profs")
    assert ground.found("autre") == [OTHER], "who may write as all agents may does not read"
    unknown = ground.show("membre", "chefs", "20990101000000-00000000")
    assert isinstance(unknown, Refused) and unknown.error == "not_found"
    for name, ident in (
        ("profs", OTHER), ("chefs", OTHER), ("nulle", IDENT), ("sans", IDENT), ("../chefs", IDENT), ("chefs", "../x"),
        ("chefs", ""), ("*", IDENT), ("chefs", IDENT + "\n"),
    ):  # fmt: skip
        assert ground.show("membre", name, ident) == unknown, (name, ident)
        assert ground.part("membre", 0, name, ident) == unknown, (name, ident)
    assert ground.show("autre") == unknown and ground.part("autre", 1) == unknown
    for number in (-1, 99, 1000):
        assert ground.part("membre", number) == unknown
    assert ground.find("membre", list="profs") == ground.find("membre", list="nulle") == unknown
    assert [one.name for one in success(ground.find("membre")).lists] == ["chefs"], "a hidden list stays unknown"
    assert [one.name for one in success(ground.find("autre")).lists] == ["profs"]


def test_who_leaves_the_list_reads_no_more(ground: Ground) -> None:
    ground.file()
    assert ground.found("parti") == [IDENT]
    directory = ground.stage.directory
    entry = edits.find(directory, "chefs")
    member = [edits.member_of(directory, "parti")[1]]
    for change in edits.adjusted(entry, "member", [], member):
        directory.modify(change.dn, change.after)
    refused = ground.show("parti")
    assert ground.found("parti") == [] and isinstance(refused, Refused) and refused.error == "not_found"
    assert ground.found("membre") == [IDENT]


def test_words_lists_and_times_choose(ground: Ground) -> None:
    ground.list("deux", members=["membre"])
    ground.file()
    ground.file(OTHER, "deux", letter(text="Épreuves"), NOW + 1000)
    assert ground.found("membre") == [OTHER, IDENT] and ground.found("membre", words="epreuves") == [OTHER]
    assert ground.found("membre", list="chefs") == [IDENT] and ground.found("membre", since=NOW + 1) == [OTHER]
    assert ground.found("membre", words='" OR *') == []


def test_nobody_is_counted_unless_the_academy_says_so(ground: Ground) -> None:
    ground.file()
    success(ground.show("membre"))
    assert success(ground.show("recteur")).readers == -1 and success(ground.find("membre")).counting == "no"
    assert ground.archive.answer(msgspec.json.encode(ask.Request(read_by="membre"))).readings == ()


@pytest.mark.parametrize("counting", [Counting.COUNT, Counting.NAMES])
def test_senders_see_who_read_and_readers_do_not(ground: Ground, counting: Counting) -> None:
    ground.archive.counting = counting
    ground.file()
    assert success(ground.find("membre")).counting == counting.value
    for _time in range(2):
        assert success(ground.show("membre")).readers == -1
    page = success(ground.show("chef"))
    assert page.readers == 2 and page.counting == counting.value
    assert [one.name for one in page.names] == (["Marie Dupond"] * 2 if counting is Counting.NAMES else [])
    own = ground.archive.answer(msgspec.json.encode(ask.Request(read_by="membre"))).readings
    assert [(one.list, one.subject, one.time) for one in own] == [("chefs", "Rentrée 2026", NOW)]
    assert ground.archive.answer(msgspec.json.encode(ask.Request(erase=("membre", "x")))).count == 1
    assert success(ground.show("recteur")).readers == 2


def test_long_circulars_fit_an_answer_and_their_text_is_to_be_had_whole(ground: Ground) -> None:
    text = "\n".join(f'Ligne {number} « "é\\ »' for number in range(2000))
    ground.file(raw=letter(*((f"{'n' * 90}{number}.txt", b"x") for number in range(55)), text=text))
    page = success(ground.show("membre"))
    assert page.cut and page.more_files and page.parts and len(encoded(page)) < LONGEST - 500
    assert success(ground.part("membre", 0)).size == len(text.encode())
    for number in range(45):
        ground.file(f"20260101000000-{number:08x}", time=NOW - number)
    answer = success(ground.find("membre"))
    assert answer.more and answer.circulars and len(encoded(answer)) < LONGEST - 500


def test_without_its_host_an_archive_says_that_it_is_away(ground: Ground) -> None:
    ground.file()
    ground.stage.mute = True
    answer = ground.show("membre")
    assert isinstance(answer, Refused) and answer.error == "unavailable"


def test_managers_give_their_list_an_archive_and_nobody_else_does(ground: Ground) -> None:
    ground.file()
    answer = ground.stage.ask(SetArchive(HERE, "membre", token("membre"), "chefs", False))
    assert isinstance(answer, Refused) and answer.error == "not_found" and ground.found("membre") == [IDENT]
    done = success(ground.stage.ask(SetArchive(HERE, "chef", token("chef"), "chefs", False)))
    assert not done.charges[0].archive and ground.found("membre") == []
    success(ground.stage.ask(SetArchive(HERE, "chef", token("chef"), "Chefs", True)))
    assert success(ground.stage.ask(Charges(HERE, "chef", token("chef"), "list", "chefs"))).charges[0].archive
    assert ground.found("membre") == [IDENT]
