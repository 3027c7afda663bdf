"""Layers: a snapshot, a restore and their interruption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from malleposte.dev.lab import LabError, state
from malleposte.dev.lab.state import HostState


def test_snapshot_freezes_the_upper_layer() -> None:
    after = HostState.new("10.0.0.2", "/base").frozen("clean", 1.0)
    assert (after.upper, after.lowers, after.snapshots) == ("2", ("1",), {"clean": ("1",)})


def test_restore_opens_a_new_layer_over_the_snapshot() -> None:
    there = HostState.new("10.0.0.2", "/base").frozen("clean", 1.0).frozen("later", 2.0)
    back = there.restored("clean")
    assert (back.upper, back.lowers) == ("4", ("1",))
    assert set(back.snapshots) == {"clean", "later"}
    assert back.layers() == {"4", "1", "2"}


def test_restore_leaves_the_binds_of_a_test() -> None:
    there = HostState.new("10.0.0.2", "/base", ("/own:/own",)).frozen("clean", 1.0)
    there = dataclasses.replace(there, binds=("/dev/shm/cut:/srv/mail",))
    assert there.restored("clean", ("/own:/own",)).binds == ("/own:/own",)
    assert there.restored("clean").binds == ()


def test_layer_names_are_never_used_twice() -> None:
    now = HostState.new("10.0.0.2", "/base").frozen("a", 1.0)
    seen = {"1", "2"}
    for _ in range(20):
        now = now.restored("a")
        assert now.upper not in seen
        seen.add(now.upper)


def test_forgotten_snapshot_keeps_the_layer_stood_on() -> None:
    now = HostState.new("10.0.0.2", "/base").frozen("a", 1.0).frozen("b", 2.0).restored("a")
    assert now.without("b").layers() == {now.upper, "1"}
    assert now.without("a").layers() >= {now.upper, "1"}


def test_state_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert state.load(path) is None
    kept = HostState.new("10.0.0.2", "/base", ("/a:/b",)).frozen("a", 1.0)
    state.save(path, kept)
    assert state.load(path) == kept
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", '{"version": 99, "address": "10.0.0.2", "base": "/base", "upper": "1"}'])
def test_strange_state_is_an_error_with_a_way_out(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabError, match="take the lab down and up again"):
        state.load(path)
