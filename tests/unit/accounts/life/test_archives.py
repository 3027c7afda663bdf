"""The end of archives: only of what was removed, only in time, by a clock that agrees with the night before."""

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from malleposte.accounts.acts import Tools
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import archives, nightly, steps
from malleposte.accounts.life.rules import LifeRules
from malleposte.platform.times import stamp

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 11, 24, 2, 20, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@dataclass
class Host:
    """A host that keeps archives: its folder, its directory, and the nights on it."""

    place: Path
    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    days: float = 365

    @property
    def folder(self) -> Path:
        return self.place / "archives"

    def removed(self, uid: str, days: float) -> None:
        dn = f"uid={uid},ou=tombstones,{self.directory.suffix}"
        self.directory.add(dn, {"uid": [uid], "mpRemoved": [stamp(NOW - days * DAY)]})

    def kept(self, *names: str) -> None:
        self.folder.mkdir(exist_ok=True)
        for name in names:
            (self.folder / name).write_bytes(b"PK")

    def left(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def night(self, now: datetime.datetime = NOW, *, dry: bool = False) -> steps.StepResult:
        told = steps.StepResult("archive-ends")
        with Journal(self.place / "journal.jsonl", "root@essai") as journal:
            tools = Tools(self.directory, journal, (), None, None)  # type: ignore[arg-type,type-var]
            rules = LifeRules(archive_folder=self.folder, archive_kept_days=self.days)
            nightly.STEPS["archive-ends"](steps.NightlyRun(None, rules, tools, now, dry), told)  # type: ignore[arg-type]
        return told

    def journal(self) -> list[tuple[str, str, str]]:
        lines = [json.loads(line) for line in (self.place / "journal.jsonl").read_text().splitlines()]
        return [(line["action"], line["account"], Path(line["file"]).name) for line in lines]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """With the night before behind it."""
    monkeypatch.setattr(archives, "LOOKED", tmp_path / "looked")
    archives.look(archives.LOOKED, NOW - DAY)
    return Host(tmp_path)


def test_an_archive_ends_in_time_and_the_journal_says_so(host: Host) -> None:
    host.removed("partie", 366)
    host.removed("recente", 364)
    host.kept("partie-20250801.zip", "partie-20250801-2.zip", "partie-20250701.part", "recente-20250101.zip")
    host.kept("restee-20200101.zip")
    assert host.night(dry=True).done == ["partie-20250701.part", "partie-20250801-2.zip", "partie-20250801.zip"]
    assert len(host.left()) == 5, "a dry run removes nothing"
    told = host.night()
    assert len(told.done) == 3 and not told.failures
    assert host.left() == {"recente-20250101.zip", "restee-20200101.zip"}
    assert ("archive-end", "partie", "partie-20250801.zip") in host.journal()
    assert host.night().done == [] and len(host.journal()) == 3


def test_the_end_of_a_list_has_an_end(host: Host) -> None:
    host.removed("liste.conseil", 366)
    host.removed("liste.tous", 2)
    host.kept("liste-conseil-20251101.json", "liste-conseil-20251101.part", "liste-tous-20251101.json")
    assert host.night().done == ["liste-conseil-20251101.json", "liste-conseil-20251101.part"]


def test_an_archive_is_as_old_as_the_later_of_its_two_dates(host: Host) -> None:
    host.removed("partie", 400)
    host.kept("partie-20261101.zip")
    assert host.night().done == []


@pytest.mark.parametrize(
    "name",
    ["partie.zip", "partie-2025.zip", "partie-20259999.zip", "partie-20250801.zip.old", "partie-20250801.tar", ".zip",
     "-20250801.zip", "partie-٢٠٢٥٠٨٠١.zip"],
)  # fmt: skip
def test_another_name_stays(host: Host, name: str) -> None:
    host.removed("partie", 999)
    host.kept(name, "partie-20250801.zip")
    assert host.night().done == ["partie-20250801.zip"] and host.left() == {name}


def test_neither_a_link_nor_a_folder_is_an_archive(host: Host) -> None:
    host.removed("partie", 999)
    host.kept("partie-20250801.zip")
    (host.folder / "partie-20250802.zip").symlink_to("/etc/hostname")
    (host.folder / "partie-20250803.zip").mkdir()
    assert host.night().done == ["partie-20250801.zip"] and len(host.left()) == 2


@pytest.mark.parametrize("jump", [3650, 8, -400])
def test_a_clock_that_jumps_ends_nothing(host: Host, jump: int) -> None:
    host.removed("recente", 10)
    host.removed("partie", 999)
    host.kept("recente-20261001.zip", "partie-20230101.zip")
    told = host.night(NOW + jump * DAY)
    assert told.done == [] and len(host.left()) == 2
    assert "none was removed" in told.failures[0]
    assert host.night(NOW).done == [], "the clock is right again, and differs from the last night's"
    assert host.night(NOW + DAY).done == ["partie-20230101.zip"]


def test_the_first_night_ends_nothing_and_is_no_failure(host: Host) -> None:
    archives.LOOKED.unlink()
    host.removed("partie", 999)
    host.kept("partie-20230101.zip")
    told = host.night()
    assert told.done == [] and told.failures == []
    assert host.night(NOW + DAY).done == ["partie-20230101.zip"]


def test_an_interrupted_night_ends_in_the_same_place(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.removed("partie", 999)
    host.kept("partie-20230101.zip", "partie-20230102.zip")

    def killed(path: Path, **_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            host.night()
    assert host.night().done == ["partie-20230101.zip", "partie-20230102.zip"] and host.left() == set()


def test_a_file_that_cannot_be_removed_is_told_and_the_next_one_goes(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.removed("partie", 999)
    host.kept("partie-20230101.zip", "partie-20230102.zip")
    unlink = Path.unlink

    def refused(path: Path, **more: bool) -> None:
        if path.name == "partie-20230101.zip":
            raise PermissionError(1, "Operation not permitted")
        unlink(path, **more)

    monkeypatch.setattr(Path, "unlink", refused)
    told = host.night()
    assert told.done == ["partie-20230102.zip"] and "partie-20230101.zip: Operation not permitted" in told.failures[0]


def test_zero_days_keep_archives_for_ever(host: Host) -> None:
    host.days = 0
    host.removed("partie", 9999)
    host.kept("partie-20000101.zip")
    assert host.night().done == [] and host.night(dry=True).done == []
