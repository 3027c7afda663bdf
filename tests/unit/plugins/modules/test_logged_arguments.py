"""Modules log their arguments on a host, but never the contents of files."""

import configparser
import grp
import os
import pwd
from pathlib import Path
from typing import Any

from malleposte.core import run

from tests.support.modules import ROOT, run_module

SECRET = "hunter2-hunter2-hunter2"
LOG = """
from ansible.module_utils import basic
def log(self, msg, log_args=None):
    with open({path!r}, "a") as handle:
        handle.write(f"{{msg}} {{log_args}}\\n")
basic.AnsibleModule.log = log
"""


def files(path: Path, content: str, mode: str = "0640", **more: str) -> dict[str, Any]:
    owner, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    return {
        "files": [{"dest": str(path), "owner": owner, "group": group, "mode": mode, **more}],
        "contents": [content],
    }


def logged(tmp_path: Path, name: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the module's lines in the log, and its result."""
    log = tmp_path / "log"
    result = run_module(name, before=LOG.format(path=str(log)), **arguments)
    return log.read_text(), result


def test_config_set_logs_the_path_and_not_the_content(tmp_path: Path) -> None:
    path = tmp_path / "daemon.conf"
    text, result = logged(tmp_path, "config_set", **files(path, f"password = {SECRET}\n"))
    assert path.read_text() == f"password = {SECRET}\n"
    assert str(path) in text
    assert SECRET not in text
    assert SECRET not in str(result)


def test_a_refusal_still_names_the_file_and_the_daemons_words(tmp_path: Path) -> None:
    path = tmp_path / "daemon.conf"
    wrong = files(path, f"password = {SECRET}\n", validate="grep --nonsense %s")
    text, result = logged(tmp_path, "config_set", **wrong)
    assert str(path) in result["msg"] and "nonsense" in result["msg"]
    assert SECRET not in text + str(result)


def test_the_diff_of_a_file_that_all_may_read_stays_whole(tmp_path: Path) -> None:
    result = run_module("config_set", **files(tmp_path / "public.conf", "a = 1\n", "0644"), _ansible_diff=True)
    assert result["diff"][0]["after"] == "a = 1\n"


def test_a_content_among_the_files_is_refused_before_anything_is_logged(tmp_path: Path) -> None:
    given = files(tmp_path / "f", "")
    given["files"][0]["content"] = SECRET
    result = run_module("config_set", before=LOG.format(path=str(tmp_path / "log")), **given)
    assert result["failed"] and "content" in result["msg"]
    assert not (tmp_path / "log").exists()


def test_slapd_config_logs_no_content(tmp_path: Path) -> None:
    content = f"dn: cn=config\nolcRootPW: {SECRET}\n"
    text, _ = logged(tmp_path, "slapd_config", content=content, suffix="dc=x", config_directory=str(tmp_path / "d"))
    assert "suffix" in text
    assert SECRET not in text


def test_what_a_program_prints_is_for_the_operator_alone(tmp_path: Path) -> None:
    assert run.stream(["echo", SECRET], tmp_path / "log").tail[-1] == SECRET
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_nothing_at_all_is_logged_with_the_projects_configuration() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg")
    assert settings["defaults"].getboolean("no_target_syslog")
