"""config_set in check mode: the checks use the programs that the deploy would bring, not those of the host."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.task import Task
from ansible.utils.hashing import secure_hash
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit

from plugins.action.config_set import ActionModule

FILES = [
    {"content": "x", "dest": "/etc/a", "validate": f"{toolkit.command('sogo-check')} %s"},
    {"content": "x", "dest": "/etc/b", "validate": "true %s"},
]
COPY = "/remote/tmp/malleposte.pyz"


def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: bool, there: str = "", files: Any = FILES, **more: Any
) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments of the module, and the files brought to a host whose archive has the checksum `there`."""
    given: dict[str, Any] = {}
    brought: list[str] = []

    def execute(_self: ActionModule, name: str, arguments: dict[str, Any], **_named: Any) -> dict[str, Any]:
        if name.startswith("ansible.builtin."):
            given.setdefault("made", []).append((name.removeprefix("ansible.builtin."), arguments))
            return {"changed": False, "failed": arguments.get("path") == "/refused"}
        given.update(arguments)
        return {"changed": True}

    def transfer(_self: ActionModule, local: str, remote: str) -> str:
        assert Path(local).read_bytes() == toolkit.build()
        brought.append(remote)
        return remote

    monkeypatch.setattr("plugins.action.config_set.constants.DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_args, **_named: {})
    monkeypatch.setattr(ActionModule, "_execute_module", execute)
    monkeypatch.setattr(ActionModule, "_execute_remote_stat", lambda *_args, **_named: {"checksum": there})
    monkeypatch.setattr(ActionModule, "_transfer_file", transfer)
    monkeypatch.setattr(ActionModule, "_fixup_perms2", lambda *_args: None)
    shell = SimpleNamespace(tmpdir="/remote/tmp", join_path=lambda *parts: "/".join(parts))
    task = Task()
    task.check_mode = check
    task.args = {"files": files, "validate_staged": f"{toolkit.command('postfix-check')} {{stage}}", **more}
    connection: Any = SimpleNamespace(_shell=shell)
    given["result"] = ActionModule(task, connection, None, None, None, None).run(task_vars={})  # type: ignore[arg-type]
    return given, brought


def test_the_checks_of_a_host_with_an_older_archive_use_a_copy_of_the_new_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given, brought = run(monkeypatch, tmp_path, check=True, there="other")
    assert brought == [COPY]
    assert given["files"][0]["validate"] == f"/usr/bin/python3 -I -B {COPY} run sogo-check %s"
    assert given["files"][1]["validate"] == "true %s"
    assert given["validate_staged"] == f"/usr/bin/python3 -I -B {COPY} run postfix-check {{stage}}"


@pytest.mark.parametrize("check", [True, False])
def test_nothing_is_brought_where_the_archive_is_todays_nor_in_a_deploy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: bool
) -> None:
    there = secure_hash(str(toolkit.written(tmp_path))) if check else "other"
    given, brought = run(monkeypatch, tmp_path, check=check, there=str(there))
    assert brought == []
    assert given["files"][0]["validate"] == FILES[0]["validate"]


def test_a_folder_is_laid_whole_with_a_check_for_each_ending(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "files/plugin"
    for name, text in {"a.php": "<?php\n", "a.js": "let b = '{{ c }}';\n", "words/fr.inc": "<?php\n\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    monkeypatch.setattr(ActionModule, "_find_needle", lambda _self, kind, name: str(tmp_path / kind / name))
    spec = {"folder": "plugin", "dest": "/var/lib/x", "validate": {"php": "php -l %s", "inc": "php -l %s"}}
    given, _brought = run(monkeypatch, tmp_path, check=False, files=[spec, {"content": "y", "dest": "/etc/y"}])
    assert [(one["dest"], one.get("validate")) for one in given["files"]] == [
        ("/var/lib/x/a.js", None),
        ("/var/lib/x/a.php", "php -l %s"),
        ("/var/lib/x/words/fr.inc", "php -l %s"),
        ("/etc/y", None),
    ]
    assert given["contents"] == ["let b = '{{ c }}';\n", "<?php\n", "<?php\n\n", "y"]
    given, _brought = run(monkeypatch, tmp_path, check=False, files=[{"folder": "plugin"}])
    assert given["files"][0]["dest"] == "/plugin/a.js"


@pytest.mark.parametrize("more", [{"mode": "0600"}, {"validate": "php -l %s"}])
def test_a_folder_with_other_words_is_refused(
    more: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(AnsibleActionFail, match="a folder has a dest"):
        run(monkeypatch, tmp_path, check=False, files=[{"folder": "plugin", **more}])


def test_folders_are_made_before_the_files_and_one_that_cannot_be_ends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = [{"path": "/etc/keys", "mode": "0700"}, {"path": "/var/lib/x", "owner": "x", "mode": "0750"}]
    given, _brought = run(monkeypatch, tmp_path, check=False, folders=folders)
    assert given["made"] == [
        ("file", {"path": "/etc/keys", "owner": "root", "group": "root", "mode": "0700", "state": "directory"}),
        ("file", {"path": "/var/lib/x", "owner": "x", "group": "root", "mode": "0750", "state": "directory"}),
    ]
    assert "folders" not in given
    assert given["result"]["changed"]
    given, _brought = run(monkeypatch, tmp_path, check=False, folders=[{"path": "/refused", "mode": "0700"}])
    assert given["result"]["failed"]
    assert "files" not in given


@pytest.mark.parametrize(("user", "group"), [({"name": "x"}, "x"), ({"name": "x", "group": "y"}, "y")])
def test_the_user_is_made_with_its_group_before_the_folders(
    user: dict[str, str], group: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given, _brought = run(
        monkeypatch, tmp_path, check=False, user=user, folders=[{"path": "/x", "owner": "x", "mode": "0700"}]
    )
    assert [name for name, _arguments in given["made"]] == ["group", "user", "file"]
    assert given["made"][0][1] == {"name": group, "system": True}
    assert given["made"][1][1] == {
        "name": "x",
        "group": group,
        "system": True,
        "home": "/nonexistent",
        "create_home": False,
        "shell": "/usr/sbin/nologin",
    }
    assert not {"user", "folders"} & set(given)
