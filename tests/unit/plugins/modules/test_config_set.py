"""config_set, run as Ansible runs it: the files of a daemon change together, or not at all."""

import grp
import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import run_module

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name


def entry(path: Path, content: str, **more: Any) -> dict[str, Any]:
    return {"dest": str(path), "content": content, "owner": OWNER, "group": GROUP, **more}


def run(check: bool = False, files: Sequence[dict[str, Any]] = (), **arguments: Any) -> dict[str, Any]:
    contents = [one.get("content", "") for one in files]
    bare = [{key: value for key, value in one.items() if key != "content"} for one in files]
    return run_module("config_set", check, files=bare, contents=contents, **arguments)


def test_files_are_written_with_their_mode_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "etc/deep/daemon.conf"
    files = [entry(path, "a = é\n", mode="0640")]
    assert run(files=files)["changed_files"] == [str(path)]
    assert path.read_text() == "a = é\n"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert run(files=files)["changed"] is False


def test_a_wrong_mode_alone_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(0o666)
    assert run(files=[entry(path, "x")])["changed"] is True
    assert path.stat().st_mode & 0o7777 == 0o644


def test_check_mode_writes_nothing_and_tells(tmp_path: Path) -> None:
    path = tmp_path / "f"
    result = run(check=True, files=[entry(path, "x")])
    assert result["changed"] is True
    assert not path.exists()


def test_a_refused_file_replaces_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old")
    result = run(files=[entry(first, "new"), entry(second, "bad", validate="grep -q good %s")])
    assert result["failed"] is True
    assert f"{second} refused by `grep -q good {second}`" in result["msg"]
    assert first.read_text() == "old"
    assert not second.exists()


def test_the_stage_holds_the_old_tree_and_the_new_files(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "kept").write_text("kept")
    files = [entry(tree / "main", "new")]
    check = f"sh -c 'cat {{stage}}{tree}/kept {{stage}}{tree}/main | grep -q keptnew && ! test -e {tree}/main'"
    assert run(files=files, stage_copy=[str(tree)], validate_staged=check)["changed"] is True
    assert (tree / "main").read_text() == "new"


def test_what_is_refused_in_place_is_put_back(tmp_path: Path) -> None:
    kept, made, gone = tmp_path / "kept", tmp_path / "made", tmp_path / "gone"
    kept.write_text("old")
    kept.chmod(0o600)
    gone.write_text("gone")
    result = run(
        files=[entry(kept, "new"), entry(made, "new")],
        absent=[str(gone)],
        validate="sh -c 'echo a word of the daemon >&2; exit 1'",
    )
    assert "a word of the daemon" in result["msg"]
    assert "the old files were put back" in result["msg"]
    assert (kept.read_text(), kept.stat().st_mode & 0o7777) == ("old", 0o600)
    assert gone.read_text() == "gone"
    assert not made.exists()


def test_absent_files_go(tmp_path: Path) -> None:
    path = tmp_path / "vendor.conf"
    path.write_text("x")
    assert run(absent=[str(path)])["changed_files"] == [str(path)]
    assert not path.exists()
    assert run(absent=[str(path)])["changed"] is False


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"dest": "relative", "content": ""}, "must be an absolute path"),
        ({"dest": "/tmp", "content": ""}, "is a directory"),
        ({"dest": "/tmp/x", "content": "", "owner": "no-such-user"}, "no-such-user"),
    ],
)
def test_bad_input_is_named(spec: dict[str, Any], message: str) -> None:
    result = run(files=[spec])
    assert result["failed"] is True
    assert message in result["msg"]


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    run(files=[entry(tmp_path / "a", "1")], validate="false")
    assert list(tmp_path.iterdir()) == []


SYSTEMD = """
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils import retired

def run_command(self, argv, **_more):
    with open({log!r}, "a") as log:
        print(*argv, file=log)
    stopped = " stop " in open({log!r}).read()
    return 0, "ActiveState=" + ("inactive" if stopped else {state!r}) + chr(10), ""

AnsibleModule.run_command = run_command
for name in ("units", "left", "stop"):
    plain = getattr(retired, name)
    setattr(retired, name, lambda *given, plain=plain: plain(*given, folder={folder!r}))
"""


def systemd(tmp_path: Path, state: str) -> str:
    """A systemd whose units lie in `tmp_path` and are in one state until something stops; its log is beside them."""
    return SYSTEMD.format(log=str(tmp_path / "log"), state=state, folder=str(tmp_path))


@pytest.mark.parametrize("with_file", [True, False])
def test_a_unit_stops_before_its_file_goes_and_when_the_file_went_before(tmp_path: Path, with_file: bool) -> None:
    path = tmp_path / "old.timer"
    if with_file:
        path.write_text("[Timer]\n")
    arguments = {"before": systemd(tmp_path, "active"), "absent": [str(path)]}
    foretold = run_module("config_set", True, **arguments)
    assert (foretold["changed"], path.exists()) == (True, with_file)
    assert " stop " not in (tmp_path / "log").read_text()
    told = run_module("config_set", **arguments)
    assert (told["changed"], told["retired_units"], path.exists()) == (True, ["old.timer"], False)
    verbs = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()[-4:]]
    assert verbs == ["stop", "show", "daemon-reload", "reset-failed"]
    assert run_module("config_set", **arguments)["changed"] is False
