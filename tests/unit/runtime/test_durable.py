"""A file is replaced whole or not at all, whatever ends the program in between."""

import os
import stat
from pathlib import Path

import pytest
from malleposte.runtime import durable


def test_the_file_is_the_new_one_with_its_mode_and_time(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250)
    path.write_text("old")
    path.chmod(0o666)
    durable.write(path, "nouveau é", 0o640, changed=1000.0)
    assert path.read_text("utf-8") == "nouveau é"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.stat().st_mtime == 1000.0
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [OSError("full"), KeyboardInterrupt(), SystemExit(1)])
def test_what_ends_in_between_leaves_the_old_one(tmp_path: Path, ending: BaseException) -> None:
    path = tmp_path / "state.json"
    durable.write(path, "old")

    def cut_off() -> None:
        with durable.replacing(path) as file:
            file.write(b"ne")
            raise ending

    with pytest.raises(type(ending)):
        cut_off()
    assert path.read_text() == "old" and [one.name for one in tmp_path.iterdir()] == ["state.json"]


def test_the_content_is_on_the_disk_before_its_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "state.json", list[tuple[str, bool]]()
    sync = os.fsync

    def synced(handle: int) -> None:
        seen.append(("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file", path.exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    durable.write(path, "new")
    assert seen == [("file", False), ("folder", True)]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "state").symlink_to(tmp_path / "theirs")
    durable.write(tmp_path / "state", "ours")
    assert (tmp_path / "theirs").read_text() == "theirs" and not (tmp_path / "state").is_symlink()


def test_what_is_set_aside_is_kept_under_a_dated_name(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for content in ("{", ""):
        path.write_text(content)
        aside = durable.set_aside(path)
        assert aside.read_text() == content and aside.name.startswith("state.json.broken-2")
    assert not path.exists() and len(list(tmp_path.iterdir())) == 2
