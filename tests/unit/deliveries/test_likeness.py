"""Messages that are like another are found by their texts, of honest ones as of a wave: who is meant, a person says."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.errors import InputError
from malleposte.deliveries import likeness
from malleposte.deliveries.conditions import PART
from malleposte.deliveries.model import Likeness, Message, Query
from malleposte.deliveries.store import DAY, IndexedMessage, Store

NOW = 20_000 * DAY + 36_000
WAVE = (
    "Bonjour {name}, votre boîte de l'académie est pleine à quatre-vingt-dix-neuf pour cent. Vos messages ne seront"
    " plus reçus à compter de ce soir minuit si vous ne confirmez pas votre identité sur la page sécurisée ci-dessous,"
    " qui demande votre identifiant et votre mot de passe. Sans réponse de votre part le compte sera fermé"
    " définitivement et son contenu perdu. Le service informatique vous remercie de votre compréhension."
    " Référence {name}."
)
CIRCULAR = (
    "Chers parents, la réunion de rentrée des classes de sixième aura lieu le {name} à dix-huit heures dans la salle"
    " polyvalente. Les professeurs principaux présenteront l'année, les manuels et le règlement intérieur. Merci de"
    " prévenir le secrétariat en cas d'empêchement. Les représentants des associations seront présents à l'accueil. Un"
    " verre de l'amitié clôturera la soirée. La principale, madame Martin."
)
ANSWER = "Bonjour, ce message me paraît douteux, est-il de vous ? Je n'ai pas cliqué. Cordialement, P. Dubois. > "


def prints(text: str) -> bytes:
    """The shingles of a text as the filter makes them: of all three words in a row, the smallest of 32 digests."""
    words = text.lower().split()
    rows = [" ".join(words[place : place + 3]) for place in range(len(words) - 2)]
    return b"".join(
        min(hashlib.blake2b(row.encode(), digest_size=8, key=bytes((number,))).digest() for row in rows)
        for number in range(likeness.COMPARED)
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def add(store: Store, queue: str, text: str = "", parts: tuple[str, ...] = (), time: int = NOW, **facts: Any) -> None:
    whole = prints(text) if text else b""
    marks = [*((likeness.PRINT, one) for one in likeness.marks(whole)), *((PART, one) for one in parts)]
    author = facts.get("author", "pirate@x.test")
    message = Message(queue, time, author, author, place=f"192.0.2.{len(queue)}", message_id=f"{queue}@x")
    store.add([IndexedMessage(message, marks, whole)])


def like(store: Store, queue: str, **asked: Any) -> dict[str, int]:
    texts = store.likeness(Query(queue=queue).checked())
    answer = store.find(Query(like=texts, **asked).checked())
    return {one.queue: one.alike for one in answer.messages}


def test_a_wave_with_names_is_found_and_its_honest_look_alikes_are_only_as_alike_as_they_are(store: Store) -> None:
    for number, name in enumerate(("Marie", "Paul", "Anne-Sophie", "monsieur Lefèvre")):
        add(store, f"W{number}", WAVE.format(name=name), time=NOW - number * DAY)
    add(store, "ANSWER", ANSWER + WAVE.format(name="Marie"), author="p.dubois@ac-exemple.test")
    add(store, "OTHER", CIRCULAR.format(name="mardi 8 septembre"))
    found = like(store, "W0")
    assert set(found) == {"W0", "W1", "W2", "W3", "ANSWER"}
    assert found["W0"] == 32 and all(likeness.LEAST <= found[one] < 32 for one in found if one != "W0")
    assert set(like(store, "W0", sender="pirate@x.test")) == {"W0", "W1", "W2", "W3"}
    assert set(like(store, "W0", since=NOW - DAY)) == {"W0", "W1", "ANSWER"}


def test_a_circular_that_a_school_sends_twice_is_like_itself_and_not_like_a_wave(store: Store) -> None:
    add(store, "C1", CIRCULAR.format(name="mardi 8 septembre"))
    add(store, "C2", CIRCULAR.format(name="jeudi 12 novembre"))
    add(store, "W1", WAVE.format(name="Marie"))
    assert set(like(store, "C1")) == {"C1", "C2"} and set(like(store, "W1")) == {"W1"}


def test_messages_without_text_are_like_by_a_part_and_those_with_one_are_not(store: Store) -> None:
    add(store, "P1", parts=("scan", "logo"))
    add(store, "P2", parts=("scan",))
    add(store, "P3", parts=("other",))
    add(store, "TEXT", CIRCULAR.format(name="lundi"), parts=("logo",))
    assert like(store, "P1") == {"P1": 0, "P2": 0}
    assert set(like(store, "TEXT")) == {"TEXT"}


def test_of_several_messages_a_few_texts_are_compared(store: Store) -> None:
    for number in range(20):
        add(store, f"Q{number}", " ".join(hashlib.sha256(bytes((number, at))).hexdigest() for at in range(40)))
    texts = store.likeness(Query(sender="pirate@x.test").checked())
    assert len(texts.prints) == Likeness.MOST_TEXTS
    assert len(store.find(Query(like=texts)).messages) == Likeness.MOST_TEXTS
    with pytest.raises(InputError, match="needs a sender"):
        Query(like=Likeness()).checked()


def test_what_a_stranger_sends_by_the_thousand_bounds_a_question_and_the_answer_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "MOST_READ", 10)
    for number in range(10):
        add(store, f"W{number}", WAVE.format(name=f"Marie {number}"), time=NOW - (number % 2) * DAY)
    texts = store.likeness(Query(queue="W0").checked())
    answer = store.find(Query(like=texts))
    assert len(answer.messages) == 10 and not answer.more
    add(store, "W10", WAVE.format(name="Marie 10"), time=NOW - DAY)
    answer = store.find(Query(like=texts))
    assert len(answer.messages) >= 10 and answer.more
    assert not store.find(Query(like=texts, since=NOW)).more, "narrowed down"


def test_a_question_compares_only_messages_with_a_mark(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[bytes]()
    fits = likeness.fits
    monkeypatch.setattr(likeness, "fits", lambda text, of: compared.append(text) or fits(text, of))
    texts = [hashlib.shake_256(str(number).encode()).digest(256) for number in range(1000)]
    store.add(
        IndexedMessage(
            Message(f"H{n}", NOW, place=f"10.0.{n}.1"), [(likeness.PRINT, one) for one in likeness.marks(text)], text
        )
        for n, text in enumerate(texts)
    )
    add(store, "W1", WAVE.format(name="Paul"))
    assert set(like(store, "W1")) == {"W1"} and len(compared) == 1
