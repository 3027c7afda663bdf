"""Requests of a restore to doveadm: which words, for which folders."""

import subprocess
from pathlib import Path

import pytest
from malleposte.adapters import dovecot
from malleposte.backup.restore.mail import dovecot as restore_dovecot


def test_a_box_that_came_back_is_indexed_for_search_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def doveadm(*words: str, **_options: object) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 0, f"{tmp_path}\n" if words[0] == "user" else "", "")

    for module in (dovecot, restore_dovecot):
        monkeypatch.setattr(module, "doveadm", doveadm)
    for name, held in (("", True), (".Réunions", True), (".Vide", False)):
        (tmp_path / "Maildir" / name / "cur").mkdir(parents=True)
        if held:
            (tmp_path / "Maildir" / name / "cur" / "1.x:2,S").write_bytes(b"")
    restore_dovecot.Dovecot().renew("mdupond", {"INBOX": 12})
    queued = [words for words in asked if words[0] == "index"]
    assert queued == [("index", "-q", "-u", "mdupond", "--", name) for name in ("INBOX", "Réunions")]
    numbered = [words for words in asked if words[:2] == ("mailbox", "update")]
    assert [words[-1] for words in numbered] == ["INBOX", "Réunions"] and asked.index(numbered[-1]) < asked.index(
        queued[0]
    )


class Doveadm:
    """doveadm of some boxes (2.4.1): one whose account is away ends a run of several."""

    def __init__(self, away: str = "") -> None:
        self.away, self.runs = away, list[tuple[str, list[str], str]]()

    def __call__(self, *words: str, **_options: object) -> subprocess.CompletedProcess[str]:
        """`mailbox update -F FILE --min-highest-modseq NUMBER -- FOLDER`."""
        assert words[:3] == ("mailbox", "update", "-F"), words
        uids = Path(words[3]).read_text("utf-8").split()
        self.runs.append((words[-1], uids, words[5]))
        if self.away in uids:
            return subprocess.CompletedProcess(words, 75, "", f"{dovecot.ENDED}\n")
        gone = "".join(
            f"doveadm({uid}): Info: cmd mailbox update: User no longer exists, skipping\n"
            for uid in uids if uid.startswith("parti")
        )  # fmt: skip
        return subprocess.CompletedProcess(words, 0, "", gone)


@pytest.fixture
def boxes(tmp_path: Path) -> list[Path]:
    """Five boxes, each with an inbox; one has a folder more, the account of one has gone."""
    homes = [tmp_path / name for name in ("anne", "benoit", "carla", "parti", "zoe")]
    for home in homes:
        (home / "Maildir/cur").mkdir(parents=True)
        (home / "Maildir/cur/1.x:2,S").write_bytes(b"")
    (homes[2] / "Maildir/.Réunions/cur").mkdir(parents=True)
    (homes[2] / "Maildir/.Réunions/cur/1.x:2,S").write_bytes(b"")
    return homes


def test_one_doveadm_counts_on_in_a_folder_of_many_boxes(boxes: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    doveadm, lines = Doveadm(), list[str]()
    monkeypatch.setattr(restore_dovecot, "doveadm", doveadm)
    assert restore_dovecot.count_on(boxes, 100, lines.append) == ["parti"]
    assert doveadm.runs == [
        ("INBOX", ["anne", "benoit", "carla", "parti", "zoe"], "101"), ("Réunions", ["carla"], "101"),
    ]  # fmt: skip
    assert lines[-1] == "6 of 6 folders of 5 boxes opened again"


def test_a_box_that_ends_a_run_keeps_no_other_from_it(boxes: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    doveadm = Doveadm(away="benoit")
    monkeypatch.setattr(restore_dovecot, "doveadm", doveadm)
    assert restore_dovecot.count_on(boxes, 100, lambda _line: None) == ["benoit", "parti"]
    ended = [uids for name, uids, _number in doveadm.runs if name == "INBOX" and "benoit" not in uids]
    assert sorted(uid for uids in ended for uid in uids) == ["anne", "carla", "parti", "zoe"]


def test_folders_of_very_many_boxes_go_in_several_runs(boxes: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    doveadm = Doveadm()
    monkeypatch.setattr(restore_dovecot, "doveadm", doveadm)
    monkeypatch.setattr(restore_dovecot, "AT_ONCE", 2)
    restore_dovecot.count_on(boxes, 100, lambda _line: None)
    assert sorted(len(uids) for name, uids, _number in doveadm.runs if name == "INBOX") == [1, 2, 2]
