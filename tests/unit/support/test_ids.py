"""A parametrised test whose name bears an address in memory is refused as it is collected."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ids

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("how", "code"), [("str", pytest.ExitCode.USAGE_ERROR), ("type", pytest.ExitCode.OK)])
def test_the_str_of_an_object_is_no_name(tmp_path: Path, how: str, code: int) -> None:
    test = tmp_path / "test_some.py"
    test.write_text(
        "import pytest\n"
        f"@pytest.mark.parametrize('one', [object()], ids=lambda one: str({'one' if how == 'str' else 'type(one)'}))\n"
        "def test_it(one): pass\n"
    )
    words = ["-m", "pytest", "-q", "-p", "tests.support.ids", "-c", "/dev/null", f"--rootdir={tmp_path}", str(test)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("the name bears an address in memory" in done.stderr + done.stdout) is (how == "str")


def test_a_number_is_no_address() -> None:
    assert ids.changing(["a.py::test_it[<object object at 0x7f01>]"]) == ["a.py::test_it[<object object at 0x7f01>]"]
    assert ids.changing(["a.py::test_it[0x7f]", "a.py::test_it[at once]"]) == []
