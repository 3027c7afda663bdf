"""The front page: states of services, messages, the help desk's hours; and the diagnosis without log-in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from malleposte.front import notices, states
from malleposte.front.states import State, Walk
from malleposte_portal.core.settings import Settings
from malleposte_portal.front import services as front

from tests.unit.portal.conftest import FakeAccountd, Visitor, make_app

SERVICES = (
    {"service": "roundcube", "title": {"fr": "Webmail", "en": "Webmail"}},
    {"service": "dovecot", "title": {"fr": "Lecture du courrier", "en": "Reading mail"}},
)
TILES = (
    {"service": "roundcube", "title": {"fr": "Webmail", "en": "Webmail"}, "text": {"fr": "a", "en": "b"}, "url": "/x"},
)
WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday"]
OPENING = [
    {"days": WEEK, "from": "08:00", "to": "12:00"},
    {"days": WEEK, "from": "13:30", "to": "17:00"},
    {"days": ["saturday"], "from": "09:00", "to": "12:00"},
]
SUPPORT = {"phone": "1", "mail": "a@b.test", "hours": "le matin", "opening": OPENING, "closed": ["2026-12-25"]}


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    files = {"states": str(tmp_path / "states.json"), "notices": str(tmp_path / "notices.json")}
    return Settings("Académie", SUPPORT, TILES, services=SERVICES, school_networks=["10.1.0.0/16"], **files)  # type: ignore[arg-type]


@pytest.fixture
def app(site: Settings) -> Any:
    return make_app(site, FakeAccountd())


@pytest.fixture
def seen(site: Settings) -> Callable[..., None]:
    """Write what the timer found: the services that do not answer; `age` in minutes."""

    def write(*down: str, age: int = 0) -> None:
        now = datetime.now(UTC)
        since = (now - timedelta(minutes=1)).isoformat()
        found = {one["service"]: State(one["service"] not in down, since) for one in SERVICES}
        states.write(Path(site.states), Walk(now - timedelta(minutes=age), found))  # type: ignore[arg-type]

    return write


def text(visit: Visitor, path: str) -> str:
    return visit.get(path).main


@pytest.mark.parametrize(("path", "up"), [("/", "Disponible"), ("/en/", "Available")])
def test_a_tile_shows_that_its_service_answers(visit: Visitor, seen: Any, path: str, up: str) -> None:
    assert up not in text(visit, path), "nothing is known yet"
    seen()
    assert text(visit, path).count(up) == 1
    assert visit.get(path).named("down") == ""


@pytest.mark.parametrize(("path", "word"), [("/", "Lecture du courrier"), ("/en/", "Reading mail")])
def test_the_home_page_says_what_does_not_answer(visit: Visitor, seen: Any, path: str, word: str) -> None:
    seen("dovecot")
    told = visit.get(path).named("down")
    assert word in told and "Webmail" not in told


def test_a_walk_of_long_ago_says_nothing(visit: Visitor, seen: Any) -> None:
    seen("dovecot", age=5)
    assert visit.get("/").named("down") == ""
    assert text(visit, "/diagnostic").count("État inconnu") == 2
    seen("dovecot", age=4)
    assert visit.get("/").named("down")


@pytest.mark.parametrize(
    ("down", "path", "said"),
    [
        ((), "/diagnostic", "Tous les services répondent."),
        (("dovecot",), "/diagnostic", "1 service ne répond pas."),
        (("dovecot", "roundcube"), "/en/diagnosis", "2 services do not answer."),
    ],
)
def test_the_diagnosis(visit: Visitor, seen: Any, down: tuple[str, ...], path: str, said: str) -> None:
    seen(*down)
    found = text(visit, path)
    assert said in found
    assert found.count("Ne répond pas" if path == "/diagnostic" else "No answer") == len(down)


@pytest.mark.parametrize(
    ("address", "said"),
    [("10.1.2.3", "réseau d’un établissement"), ("192.0.2.1", "sur Internet"), ("", "sur Internet")],
)
def test_the_diagnosis_tells_the_place(visit: Visitor, seen: Any, address: str, said: str) -> None:
    seen()
    answer = visit.http.get("/diagnostic", base_url="https://pia.test", headers={"X-Real-IP": address})
    assert said in answer.text and (address or "127.0.0.1") in answer.text


def posted(site: Settings, kind: str, start: float, end: float, **texts: str) -> None:
    now = datetime.now(UTC)
    times = [now + timedelta(hours=one) for one in (start, end)]
    notices.write([notices.Notice(kind, *times, texts)], now, Path(site.notices))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "start", "said"),
    [
        ("incident", -1, "Incident en cours"),
        ("maintenance", -1, "Maintenance en cours"),
        ("maintenance", 1, "Maintenance prévue"),
        ("information", -1, "Information"),
    ],
)
def test_a_message_is_on_every_page_until_its_end(
    visit: Visitor, site: Settings, kind: str, start: float, said: str
) -> None:
    posted(site, kind, start, 3, fr="Mise à jour <b>", en="Update")
    for path, words in (("/", (said, "Mise à jour <b>")), ("/motdepasse", (said,)), ("/en/", ("Update",))):
        shown = visit.get(path)
        assert [one for _tag, one in shown.elements if "data-notice" in one], path
        assert all(word in shown.all("body")[0][1] for word in words)
    posted(site, kind, -3, -1, fr="Mise à jour")
    assert not [one for _tag, one in visit.get("/").elements if "data-notice" in one]


@pytest.mark.parametrize(
    ("path", "said"),
    [("/", "Maintenance en cours, jusqu’au %d/%m à "), ("/en/", "Maintenance under way, until %-d %B at ")],
)
def test_the_end_on_another_day_is_told_with_its_day(visit: Visitor, site: Settings, path: str, said: str) -> None:
    posted(site, "maintenance", -1, 48, fr="Mise à jour", en="Update")
    day = (datetime.now().astimezone() + timedelta(hours=48)).strftime(said)
    assert day in visit.get(path).all("body")[0][1]


def test_a_file_of_messages_that_cannot_be_read_takes_no_page_away(visit: Visitor, site: Settings) -> None:
    Path(site.notices).write_text("{")
    visit.get("/")
    assert visit.last.status_code == 200


@pytest.mark.parametrize(
    ("moment", "french", "english"),
    [
        ("2026-11-26T08:00", "Ouvert maintenant, jusqu’à 12 h.", "Open now, until 12:00."),
        ("2026-11-26T11:59", "Ouvert maintenant, jusqu’à 12 h.", "Open now, until 12:00."),
        ("2026-11-26T12:00", "Fermé. Ouvre aujourd’hui à 13 h 30.", "Closed. Opens today at 13:30."),
        ("2026-11-26T17:00", "Fermé. Ouvre demain à 8 h.", "Closed. Opens tomorrow at 08:00."),
        ("2026-11-28T12:00", "Fermé. Ouvre lundi à 8 h.", "Closed. Opens Monday at 08:00."),
        ("2026-12-25T09:00", "Fermé. Ouvre demain à 9 h.", "Closed. Opens tomorrow at 09:00."),
        ("2026-12-24T17:00", "Fermé. Ouvre samedi à 9 h.", "Closed. Opens Saturday at 09:00."),
    ],
)
def test_whether_the_help_desk_is_open(app: Any, moment: str, french: str, english: str) -> None:
    for path, said in (("/", french), ("/en/", english)):
        with app.test_request_context(path):
            app.preprocess_request()
            assert front.desk(datetime.fromisoformat(moment).astimezone()).replace("\u00a0", " ") == said


def test_the_hours_are_told_in_words(app: Any) -> None:
    with app.test_request_context("/"):
        app.preprocess_request()
        assert [one.replace("\u00a0", " ") for one in front.hours()] == [
            "Du lundi au vendredi, de 8 h à 12 h et de 13 h 30 à 17 h",
            "Samedi, de 9 h à 12 h",
        ]


def test_without_times_the_words_of_the_fact_stand(another: Any, app: Any) -> None:
    app.extensions["portal"] = Settings("Académie", {"phone": "1", "mail": "a@b.test", "hours": "le matin"})
    assert "le matin" in text(another(), "/")
