"""The packages of a host are told by dpkg, as one text."""

from pathlib import Path

from tests.support.modules import run_module
from tests.support.programs import executable

TOLD = "installed bash\\nconfig-files exim4-base\\ninstalled libc6\\ninstalled libc6\\nnot-installed nano\\n"


def test_only_what_is_installed_is_told_and_each_name_once(tmp_path: Path) -> None:
    query = executable(tmp_path / "dpkg-query", f"printf '{TOLD}'")
    copy = tmp_path / "installed.py"
    before = f"""
source = open(module).read().replace('/usr/bin/dpkg-query', {str(query)!r})
open({str(copy)!r}, 'w').write(source)
module = {str(copy)!r}
"""
    found = run_module("installed", before=before)
    assert (found["ansible_facts"], found["changed"]) == ({"installed": "bash libc6"}, False)
