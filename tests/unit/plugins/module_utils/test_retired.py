"""Units whose files a deploy removes stop, and leave neither a link nor a word of systemd's about them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import retired

TIMER, SERVICE = "malleposte-old.timer", "malleposte-old.service"


class Systemd:
    """A systemd that has units in memory; `stubborn` ones do not stop."""

    def __init__(self, states: dict[str, str], stubborn: Sequence[str] = ()) -> None:
        self.states = states
        self.stubborn = stubborn
        self.asked: list[list[str]] = []

    def __call__(self, argv: list[str]) -> str:
        self.asked.append(argv)
        _systemctl, verb, *words = argv
        names = words[words.index("--") + 1 :] if "--" in words else []
        if verb == "show":
            return "\n\n".join(f"ActiveState={self.states.get(name, 'inactive')}" for name in names) + "\n"
        for name in names:
            if verb == "stop" and self.states.get(name) != "failed" and name not in self.stubborn:
                self.states.pop(name, None)
            if verb == "reset-failed":
                self.states.pop(name, None)
        return ""


def link(folder: Path, name: str) -> Path:
    """A link as `systemctl enable` makes it."""
    path = folder / "timers.target.wants" / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(folder / name)
    return path


def test_files_of_units_are_told_from_others() -> None:
    paths = ["/etc/systemd/system/a.service", "/etc/systemd/system/a.socket", "/etc/systemd/system/b.service.d/x.conf",
             "/usr/local/lib/malleposte/check", "/etc/malleposte/c.timer"]  # fmt: skip
    assert retired.units(paths) == ["a.socket", "a.service"]


@pytest.mark.parametrize("state", ["active", "activating", "failed"])
def test_a_unit_is_left_while_systemd_has_it_in_memory_without_a_file(tmp_path: Path, state: str) -> None:
    assert retired.left([TIMER, SERVICE], Systemd({TIMER: state}), str(tmp_path)) == [TIMER]


def test_a_unit_is_left_while_its_file_or_a_link_is_there(tmp_path: Path) -> None:
    (tmp_path / SERVICE).write_text("[Service]\n")
    link(tmp_path, TIMER)
    assert retired.left([TIMER, SERVICE], Systemd({}), str(tmp_path)) == [TIMER, SERVICE]


def test_nothing_is_left_of_units_that_never_were(tmp_path: Path) -> None:
    assert retired.left([TIMER, SERVICE], Systemd({}), str(tmp_path)) == []
    assert retired.left([TIMER], lambda _argv: "", str(tmp_path)) == []
    nothing = Systemd({})
    assert retired.left([], nothing, str(tmp_path)) == [] and nothing.asked == []


def test_units_stop_and_their_links_go(tmp_path: Path) -> None:
    systemd, path = Systemd({TIMER: "active", SERVICE: "failed"}), link(tmp_path, TIMER)
    assert retired.stop([TIMER, SERVICE], systemd, str(tmp_path)) == []
    assert not path.is_symlink()
    retired.forget([TIMER, SERVICE], systemd)
    assert systemd.states == {}


def test_a_unit_that_does_not_stop_is_told(tmp_path: Path) -> None:
    systemd = Systemd({TIMER: "active", SERVICE: "active"}, stubborn=[SERVICE])
    assert retired.stop([TIMER, SERVICE], systemd, str(tmp_path)) == [SERVICE]
