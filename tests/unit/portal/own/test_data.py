"""« Mes données »: a copy is asked for with the password, shown as it stands, fetched and removed by its owner."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls.own_data import AskOwnData, EndOwnData, FetchOwnData, OwnData, OwnDataCopy
from malleposte.accountd.message import ErrorCode, Refused
from malleposte_portal.own import data
from msgspec.structs import asdict

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.conftest import Visitor, portal
from tests.unit.portal.own.test_pages import DONE
from tests.unit.portal.test_fuzzing import SIGNS

PAGE, FETCH, END = (ADDRESSES[name][0] for name in ("own_data", "own_data_fetch", "own_data_end"))
READY = OwnData("ready", "20261126120000Z", "20991203130000Z", "20991127120000Z", 1_234_567_890)


class Copy:
    """As client.Copy; says whether it was closed."""

    def __init__(self, content: bytes, broken: bool = False) -> None:
        self.answer = OwnDataCopy("mdupond", size=len(content))
        self.content, self.broken, self.closed = content, broken, False

    def __iter__(self) -> Iterator[bytes]:
        yield self.content[:3]
        if self.broken:
            raise ConnectionError("closed in a copy")
        yield self.content[3:]

    def close(self) -> None:
        self.closed = True


def held(accountd: Any, **copy: Any) -> None:
    """From now on the account has such a copy."""
    accountd.answer = replace(DONE, own_data=OwnData(**copy))


def handed(accountd: Any, copy: Copy | Exception) -> None:
    """From now on this is handed over."""

    def fetch(request: FetchOwnData) -> Copy:
        accountd.asked.append(request)
        if isinstance(copy, Exception):
            raise copy
        return copy

    accountd.answer = replace(DONE, own_data=READY)
    accountd.fetch = fetch


@BOTH
@pytest.mark.parametrize(
    ("copy", "told"),
    [
        ({}, ("pas encore demandé", "not asked for a copy")),
        ({"state": "asked", "asked": "20261126120000Z"}, ("est demandée", "is asked for")),
        ({"state": "making", "asked": "20261126120000Z"}, ("se prépare", "being made")),
        (asdict(READY), ("1,2 Go", "1.2 GB")),
        (asdict(READY) | {"missing": 3}, ("n’ont pas pu être lus : 3", "could not be read: 3")),
        ({"state": "failed", "reason": "room"}, ("La place manque", "no room")),
        ({"state": "failed", "reason": "away"}, ("Un serveur n’a pas répondu", "server gave no answer")),
        ({"state": "ended"}, ("est effacée", "is deleted")),
    ],
)
def test_each_state_is_told(inside: Any, accountd: Any, copy: dict[str, Any], told: Any, language: int) -> None:
    held(accountd, **copy)
    shown = inside.get(ADDRESSES["own_data"][language]).main
    assert told[language] in shown
    pending = copy.get("state") in ("asked", "making")
    later = copy.get("again", "") > "2099"
    assert ('name="password"' in inside.last.text) is (not pending and not later)


def test_a_copy_is_asked_for_with_the_password(inside: Any, accountd: Any) -> None:
    held(accountd)
    inside.send(PAGE, password="Vieux-Chemin7!x")
    assert inside.last.status_code == 200
    asked = accountd.only(AskOwnData)
    assert (asked.uid, asked.password) == ("mdupond", "Vieux-Chemin7!x") and asked.token.count(".") == 2
    assert "Vieux-Chemin7!x" not in inside.last.text
    page = inside.send(PAGE, password="")
    assert inside.last.status_code == 422 and page.named("password-error")
    assert len(accountd.requests(AskOwnData)) == 1


@pytest.mark.parametrize(
    ("error", "message", "status", "said"),
    [
        ("not_proved", "", 403, "Mot de passe inexact"),
        ("forbidden", "copy_today", 403, "Une seule demande par jour"),
        ("forbidden", "copy_room", 403, "La place manque"),
        ("unavailable", "", 503, "ne répond pas"),
    ],
)
def test_a_refusal_is_told_on_the_page(
    inside: Any, accountd: Any, error: str, message: str, status: int, said: str
) -> None:
    held(accountd)
    form = inside.get(PAGE).form(PAGE)
    accountd.refuse(ErrorCode(error), AskOwnData, message=message)
    page = inside.post(PAGE, form | {"password": "faux"})
    assert inside.last.status_code == status and said in page.named("errors")
    accountd.failures.clear()
    inside.send(PAGE, password="Vieux-Chemin7!x")
    assert inside.last.status_code == 200


def test_the_copy_comes_as_a_file_and_no_address_leads_to_it(inside: Any, another: Any, accountd: Any) -> None:
    copy = Copy(b"PK content")
    handed(accountd, copy)
    answer = inside.press(PAGE, FETCH)
    assert (answer.status_code, answer.data) == (200, b"PK content")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Length"] == "10" and answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == "attachment; filename=mes-donnees-mdupond.zip"
    answer.close()
    assert copy.closed
    asked = accountd.only(FetchOwnData)
    assert asked.uid == "mdupond" and asked.token.count(".") == 2
    assert inside.raw(FETCH).status_code == 405
    stranger = another()
    stranger.get("/motdepasse/changer")
    accountd.asked.clear()
    stranger.http.post(FETCH, base_url="https://pia.test")
    assert accountd.asked == []


def test_a_download_without_the_form_s_token_is_refused(inside: Any, accountd: Any) -> None:
    handed(accountd, Copy(b"PK content"))
    for path in (FETCH, END):
        assert inside.http.post(path, base_url="https://pia.test").status_code == 400
    assert accountd.asked == []
    answer = inside.press(PAGE, FETCH)
    assert answer.status_code == 200
    answer.close()


def test_a_copy_that_is_gone_is_told(inside: Any, accountd: Any) -> None:
    handed(accountd, client.RefusedError(Refused(ErrorCode.REFUSED_VALUE, "no copy is ready")))
    answer = inside.press(PAGE, FETCH)
    assert answer.status_code == 422 and "pas de copie à télécharger" in answer.text
    handed(accountd, client.UnavailableError("away"))
    assert inside.press(PAGE, FETCH).status_code == 503


def test_a_log_in_that_is_over_fetches_nothing(inside: Any, accountd: Any) -> None:
    handed(accountd, client.RefusedError(Refused(ErrorCode.NOT_PROVED)))
    answer = inside.press(PAGE, FETCH)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/deconnecte?fin=1")


def test_one_an_agent_few_in_all_and_a_place_comes_back(inside: Any, another: Any, log_in: Any, accountd: Any) -> None:
    open_ = []
    for number in range(data.AT_ONCE):
        visitor = another()
        log_in(visitor, f"agent{number}")
        handed(accountd, Copy(b"PK content"))
        open_.append(visitor.press(PAGE, FETCH))
        assert open_[-1].status_code == 200
        assert visitor.press(PAGE, FETCH).status_code == 429, "one an agent"
    busy = inside.press(PAGE, FETCH)
    assert busy.status_code == 429 and "autres téléchargements" in busy.text
    open_.pop().close()
    handed(accountd, Copy(b"PK content", broken=True))
    for _ in range(2):
        answer = inside.press(PAGE, FETCH)
        with pytest.raises(ConnectionError):
            _read = answer.data
        answer.close()  # as a server does in any case
    handed(accountd, Copy(b"PK content"))
    open_.append(inside.press(PAGE, FETCH))
    assert open_[-1].status_code == 200
    for one in open_:
        one.close()


def test_the_copy_is_removed(inside: Any, accountd: Any) -> None:
    accountd.answer = replace(DONE, own_data=READY)
    answer = inside.press(PAGE, END)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    held(accountd, state="ended")
    assert "La copie est supprimée" in inside.get(PAGE).main
    assert "La copie est supprimée" not in inside.get(PAGE).main
    assert [type(one) for one in accountd.asked if isinstance(one, EndOwnData)] == [EndOwnData]


@BOTH
def test_no_password_breaks_the_form(inside: Any, accountd: Any, language: int) -> None:
    held(accountd)
    path = ADDRESSES["own_data"][language]
    token = inside.get(path).forms()[-1]["fields"]["csrf_token"]
    for sign in SIGNS:
        values = {"csrf_token": token, "password": sign, "x": sign}
        answer = inside.http.post(path, data=values, base_url="https://pia.test")
        assert answer.status_code in (303, 422), sign
        assert "<script>alert" not in answer.text and "x=y" not in str(answer.headers)


@pytest.mark.parametrize(
    ("many", "french"), [(0, "1 ko"), (400_000, "400 ko"), (7_600_000, "8 Mo"), (5_000_000_000, "5,0 Go")]
)
def test_a_size_is_said_as_people_say_it(inside: Any, accountd: Any, many: int, french: str) -> None:
    held(accountd, **asdict(READY) | {"size": many})
    assert french in inside.get(PAGE).main


@BOTH
def test_the_page_on_personal_data_says_what_is_kept(
    accountd: Any, provider: Any, valkey: Any, clock: Any, language: int
) -> None:
    made = portal(accountd, provider, valkey, clock)
    held = made.extensions["portal"]
    shown = {"undelete_days": 0, "trash_days": 61, "archive_days": 62, "purge_days": 366, "archive_kept_days": 367,
             "backup_months": 13}  # fmt: skip
    made.extensions["portal"] = replace(held, kept=shown)
    page = Visitor(made.test_client()).get(("/donnees-personnelles", "/en/privacy")[language])
    text = page.main
    english = ("61 days", "after 62 days, removed after 366 days", "367 days after the removal", "13 months", "30 days")
    french = (
        "61 jours", "après 62 jours, supprimé après 366 jours", "367 jours après la suppression", "13 mois", "30 jours",
    )  # fmt: skip
    for told in english if language else french:
        assert told in text, told
    assert ("Deleted messages" if language else "Messages effacés") not in text
