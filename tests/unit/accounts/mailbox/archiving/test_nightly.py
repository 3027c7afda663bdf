"""The night job: each box, the letter of each month, and what fails."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from malleposte.accounts.mailbox.archiving import letter, nightly
from malleposte.accounts.mailbox.archiving.model import Choice, Record
from malleposte.accounts.mailbox.archiving.nightly import Night
from malleposte.accounts.mailbox.archiving.store import Store
from malleposte.core.errors import MallepostError


class Stage:
    """A store, a clock, letters that were sent, boxes that were archived; each night archives three messages a box."""

    def __init__(self, root: Path) -> None:
        self.store, self.now = Store(root), 0.0
        self.store.folder.mkdir()
        self.sent: list[tuple[str, dict[str, int]]] = []
        self.archived: list[str] = []
        self.failing: set[str] = set()

    def send(self, uid: str, counts: Mapping[str, int]) -> None:
        if uid in self.failing:
            raise OSError("no route")
        self.sent.append((uid, dict(counts)))

    def archive(self, store: Store, uid: str, _now: float) -> int:
        if uid in self.failing:
            raise MallepostError("doveadm: no answer")
        self.archived.append(uid)
        kept = store.read(uid)
        store.write(uid, replace(kept, untold={"Archives/2025": kept.untold.get("Archives/2025", 0) + 3}))
        return 3

    def night(self, day: str) -> list[str]:
        self.now = datetime.datetime.fromisoformat(f"{day}T02:20").timestamp()
        return Night(self.store, self.send, self.archive, lambda: self.now).run()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_month_has_one_letter_that_tells_the_month_before(stage: Stage) -> None:
    stage.store.write("mdupond", Record(Choice(6)))
    for day in ("2026-11-29", "2026-11-30"):
        assert stage.night(day) == [] and stage.sent == []
    stage.night("2026-12-01")
    assert stage.sent == [("mdupond", {"Archives/2025": 6})]
    stage.night("2026-12-02")
    stage.night("2026-12-31")
    assert len(stage.sent) == 1
    stage.night("2027-01-01")
    assert stage.sent[1:] == [("mdupond", {"Archives/2025": 9})]


def test_who_had_nothing_archived_gets_no_letter(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.store.write("mdupond", Record(Choice(6)))
    monkeypatch.setattr(stage, "archive", lambda *_: 0)
    for day in ("2026-11-30", "2026-12-01", "2027-01-01"):
        assert stage.night(day) == []
    assert stage.sent == []


def test_a_letter_that_fails_goes_the_next_night(stage: Stage) -> None:
    stage.store.write("mdupond", Record(Choice(6)))
    stage.store.write("jmartin", Record(Choice(6)))
    stage.night("2026-11-30")
    stage.failing = {"mdupond"}
    assert len(stage.night("2026-12-01")) == 2
    assert [uid for uid, _counts in stage.sent] == ["jmartin"]
    stage.failing = set()
    assert stage.night("2026-12-02") == []
    assert [uid for uid, _counts in stage.sent] == ["jmartin", "mdupond"]
    assert sorted(stage.archived[-2:]) == ["jmartin", "mdupond"]


def test_who_chose_nothing_is_not_looked_at(stage: Stage) -> None:
    assert stage.night("2026-12-01") == [] and stage.archived == [] and stage.store.uids() == []


def test_a_night_that_is_too_short_leaves_others_out_than_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = {f"agent{number}" for number in range(7)}
    for uid in uids:
        stage.store.write(uid, Record(Choice(6)))
    reached: set[str] = set()
    for day in range(1, 29):
        ticks = iter(range(100))
        monkeypatch.setattr(nightly, "LONGEST", 6.0)
        now = datetime.datetime.fromisoformat(f"2026-11-{day:02d}T02:20").timestamp()
        stage.archived.clear()
        Night(stage.store, stage.send, stage.archive, lambda at=now, turn=ticks: at + next(turn)).run()
        assert 0 < len(stage.archived) < len(uids)
        reached |= set(stage.archived)
    assert reached == uids


def test_the_letter_says_it_in_one_line() -> None:
    made = letter.compose(
        "postmaster@ac-exemple.test", "mdupond", {"Archives/2024": 12, "Archives/2025": 1}, "https://pia.test/compte"
    )
    text = made.get_content().replace("\N{NO-BREAK SPACE}", " ")
    assert "Messages archivés : 12 dans Archives/2024, 1 dans Archives/2025." in text
    assert "https://pia.test/compte" in text and "12 in Archives/2024" in text
    assert made["Subject"] == "Archivage\N{NO-BREAK SPACE}: 13 messages ce mois-ci"
    assert made["To"] == "mdupond:;" and made["Auto-Submitted"] == "auto-generated"


def test_words_that_are_wrong_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert nightly.main(["/srv/mail"]) == 2 == nightly.main(["/srv/mail", "-u", "a", "b", "c"])
    assert "usage: archiving" in capsys.readouterr().err


def test_a_file_that_is_none_of_ours_is_named(stage: Stage) -> None:
    stage.store.write("mdupond", Record(Choice(6)))
    stage.store.write("abime", Record(Choice(6)))
    (stage.store.folder / "abime.json").write_text("?", "utf-8")
    failures = stage.night("2026-12-01")
    assert failures and all("abime.json" in line for line in failures) and stage.archived[:1] == ["mdupond"]
