"""« Circulaires »: what is shown of what senders wrote, and how attachments leave."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls.shared.circulars import (
    ArchivedList,
    CircularPart,
    CircularReader,
    CircularRow,
    FetchCircularPart,
    FindCirculars,
    ShowCircular,
)  # fmt: skip
from malleposte.accountd.message import ErrorCode
from malleposte.circulars.model import Part
from malleposte_portal.own.messages.circulars import DOWNLOADS

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

PAGE, ONE, PART = ADDRESSES["circulars"], ADDRESSES["circular"], ADDRESSES["circular_part"]
IDENT = "20260914081500-5f2a90c1"
ROW = CircularRow("chefs", IDENT, 1_789_373_700, "Rentrée <b>", "Recteur <recteur@ac-exemple.test>", 2)
LISTS = (ArchivedList("chefs", "Chefs <i>d’établissement</i>"), ArchivedList("profs", "Professeurs", full=True))
FIELDS = {"liste": "chefs", "id": IDENT, "piece": "2"}


def listed(**more: Any) -> Told:
    return Told("mdupond", **{"circulars": (ROW,), "lists": LISTS, "oldest": 1_700_000_000, "counting": "no", **more})


def page(**more: Any) -> Told:
    fields: dict[str, Any] = {
        "list": "chefs", "title": "Chefs", "ident": IDENT, "time": ROW.time, "subject": ROW.subject,
        "sender": ROW.sender,
        "text": "Bonjour,\n<script>alert(1)</script>", "parts": (Part(2, "note.pdf", "application/pdf", 34_000),),
        "counting": "no",
    }  # fmt: skip
    return Told("mdupond", **{**fields, **more})


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    """An agent whose list has an archive."""
    accountd.answer = listed()
    log_in(visit)
    return visit


@BOTH
def test_circulars_are_listed_with_their_list_and_nothing_of_their_markup(inside: Any, language: int) -> None:
    shown = inside.get(PAGE[language])
    for part in ("Rentrée <b>", "Chefs <i>d’établissement</i>", "Recteur <recteur@ac-exemple.test>"):
        assert part in shown.main, part
    assert "<b>" not in inside.last.text and "<i>" not in inside.last.text
    assert ("Attachments: 2" if language else "Pièces jointes : 2") in shown.main
    assert ("Archive full" if language else "Archive pleine") in shown.main


def test_words_and_a_year_are_asked_of_accountd_and_stand_in_no_address(inside: Any, accountd: Any) -> None:
    inside.send(PAGE[0], words="épreuves bac", year="2026")
    asked = accountd.asked[-1]
    assert isinstance(asked, FindCirculars) and asked.words == "épreuves bac"
    assert asked.until - asked.since == 365 * 86_400 and asked.since < 1_767_225_600 + 1 <= asked.until


@pytest.mark.parametrize("year", ["26", "abcd", "2026 OR 1", "9999"])
def test_what_is_no_year_is_refused(inside: Any, accountd: Any, year: str) -> None:
    before = len(accountd.asked)
    shown = inside.send(PAGE[0], year=year)
    assert inside.last.status_code == 422 and len(accountd.asked) == before + 1, "the page alone was asked for"
    assert "Donnez une année" in shown.main


@pytest.mark.parametrize(
    ("counting", "says", "hides"),
    [
        ("names", "voient qui l’a ouverte", "sans leurs noms"), ("count", "sans leurs noms", "voient qui"),
        ("no", "Circulaires", "lecture est notée"),
    ],
)  # fmt: skip
def test_the_reader_is_told_before_that_reading_is_noted(
    inside: Any, accountd: Any, counting: str, says: str, hides: str
) -> None:
    accountd.answer = listed(counting=counting)
    shown = inside.get(PAGE[0]).main
    assert says in shown and hides not in shown


def test_a_circular_is_text_with_attachments_to_save(inside: Any, accountd: Any) -> None:
    accountd.answer = page()
    shown = inside.get(f"{ONE[0]}?liste=chefs&id={IDENT}")
    asked = accountd.asked[-1]
    assert isinstance(asked, ShowCircular) and (asked.list, asked.ident) == ("chefs", IDENT)
    assert "<script>alert(1)</script>" in shown.main and "<script>alert" not in inside.last.text
    assert [one["fields"]["piece"] for one in shown.forms() if one["action"] == PART[0]] == ["2"]
    assert "34 ko" in shown.main and "Lectures" not in shown.main


def test_senders_see_how_many_read_and_who_where_that_is_shown(inside: Any, accountd: Any) -> None:
    accountd.answer = page(counting="names", readers=2, names=(CircularReader("Anne <u>", ROW.time),))
    shown = inside.get(f"{ONE[0]}?liste=chefs&id={IDENT}").main
    assert "Ouverte ici par 2 agents" in shown and "Anne <u>" in shown and "Votre lecture est notée." in shown
    accountd.answer = page(counting="count", readers=0)
    assert "Personne ne l’a ouverte ici" in inside.get(f"{ONE[0]}?liste=chefs&id={IDENT}").main


def test_what_is_not_for_the_agent_is_not_there(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.NOT_FOUND)
    inside.get(f"{ONE[0]}?liste=autres&id={IDENT}")
    assert inside.last.status_code == 404 and "n’existe pas" in inside.last.text


class _Bytes(contextlib.ExitStack):
    """The bytes behind an answer."""


def copy_of(content: bytes, **fields: Any) -> client.Copy:
    answer = CircularPart("mdupond", size=len(content), **fields)
    stream = io.BufferedRWPair(io.BytesIO(content), io.BytesIO())
    return client.Copy(answer, stream, _Bytes())


def test_an_attachment_is_saved_under_its_name_and_opened_in_no_way(
    inside: Any, accountd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"%PDF-1.4" + b"x" * 200_000
    asked: list[FetchCircularPart] = []

    def fetch(request: FetchCircularPart) -> client.Copy:
        asked.append(request)
        return copy_of(content, name="Note d’été.pdf", kind="application/pdf")

    monkeypatch.setattr(accountd, "fetch", fetch, raising=False)
    accountd.answer = page()
    answer = inside.press(f"{ONE[0]}?liste=chefs&id={IDENT}", PART[0], **FIELDS)
    assert answer.data == content and (asked[0].list, asked[0].ident, asked[0].number) == ("chefs", IDENT, 2)
    assert answer.headers["Content-Type"] == "application/pdf"
    disposition = answer.headers["Content-Disposition"]
    assert (
        disposition.startswith("attachment;") and "filename*=UTF-8''Note%20d%E2%80%99%C3%A9t%C3%A9.pdf" in disposition
    )
    answer.close()
    assert DOWNLOADS.begin("mdupond"), "the download is over"
    try:
        assert inside.press(f"{ONE[0]}?liste=chefs&id={IDENT}", PART[0], **FIELDS).status_code == 429
    finally:
        DOWNLOADS.end("mdupond")
