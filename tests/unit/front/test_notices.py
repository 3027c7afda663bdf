"""Messages on the portal: each has an end, is named the same everywhere, and goes in time."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from malleposte.front import notices
from malleposte.front.notices import Notice, NoticeError

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def notice(begin: float = 0, end: float = 2, kind: str = "incident", **texts: str) -> Notice:
    """One that begins and ends so many hours from now."""
    hour = timedelta(hours=1)
    return Notice(kind, NOW + begin * hour, NOW + end * hour, texts or {"fr": "Messagerie indisponible."})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"end": 0}, "is not after the start"),
        ({"kind": "news"}, "'news' is not one of incident, maintenance, information"),
        ({"en": "Mail is away."}, "the French text is missing"),
        ({"fr": "x" * 501}, "more than 500 characters"),
        ({"fr": "a\nb"}, "more than one line"),
    ],
)
def test_what_cannot_be_shown_is_refused(wrong: dict[str, str], said: str) -> None:
    notice()
    with pytest.raises(NoticeError, match=said):
        notice(**wrong)  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NoticeError, match="no zone"):
        Notice("incident", NOW.replace(tzinfo=None), NOW, {"fr": "a"})


def test_the_name_is_the_same_on_every_host() -> None:
    assert notice().ident == notice().ident
    assert len({notice().ident, notice(end=3).ident, notice(fr="Autre.").ident}) == 3


@pytest.mark.parametrize(("text", "minutes"), [("90min", 90), ("2h", 120), ("3d", 4320)])
def test_a_length(text: str, minutes: int) -> None:
    assert notices.length(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "2", "0h", "-1h", "2 h", "1w", "10000h"])
def test_another_length_is_refused(text: str) -> None:
    with pytest.raises(NoticeError, match="is no duration: write 90min, 2h or 3d"):
        notices.length(text)


@pytest.mark.usefixtures("paris")
def test_a_moment_has_the_zone_of_the_clock() -> None:
    assert notices.moment("2026-11-28 18:00") == datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
    assert notices.moment("2026-07-28 18:00") == datetime(2026, 7, 28, 16, 0, tzinfo=UTC), "whatever the season is now"
    assert notices.moment("2026-11-28T18:00+02:00") == datetime(2026, 11, 28, 16, 0, tzinfo=UTC)
    with pytest.raises(NoticeError, match="'demain' is no time: write 2026-11-28 18:00"):
        notices.moment("demain")


def test_what_is_shown() -> None:
    past, here, later = notice(-3, -1), notice(-1, 1), notice(5, 6)
    assert notices.shown([later, past, here], NOW) == [here, later]


def test_ending_one() -> None:
    here, later = notice(-1, 1), notice(5, 6)
    left = notices.ended([here, later], here.ident, NOW)
    assert [one.end for one in left] == [NOW, later.end]
    assert notices.ended([here, later], later.ident, NOW) == [here]
    with pytest.raises(NoticeError, match="there is no notice 00000000: `notice list` shows them"):
        notices.ended([here], "00000000", NOW)


def test_the_file_is_read_back_and_old_ones_go(tmp_path: Path) -> None:
    path = tmp_path / "portal" / "notices.json"
    assert notices.read(path) == []
    kept, old = notice(fr="Été", en="Summer"), notice(-24 * 40, -24 * 31)
    notices.write([kept, old], NOW, path)
    assert notices.read(path) == [kept]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    assert (kept.text("en"), kept.text("fr"), notice().text("en")) == ("Summer", "Été", "Messagerie indisponible.")
    path.write_text("[{}]")
    with pytest.raises(NoticeError, match=r"notices\.json: 'start'"):
        notices.read(path)


def test_what_is_published_is_what_is_shown(tmp_path: Path) -> None:
    path, published = tmp_path / "notices.json", tmp_path / notices.PUBLISHED
    here, later, past = notice(-1, 1), notice(5, 6), notice(-3, -1)
    notices.write([past, here, later], NOW, path)
    assert [one["id"] for one in json.loads(published.read_text("utf-8"))] == [here.ident, later.ident]
    assert published.stat().st_mode & 0o777 == 0o644
    # An operator ends one whose words were wrong: nobody reads them any more, but in the list of the command line.
    notices.write(notices.ended(notices.read(path), here.ident, NOW), NOW, path)
    assert json.loads(published.read_text("utf-8")) == [{"id": later.ident, **later.as_dict()}]
    assert len(notices.read(path)) == 3
