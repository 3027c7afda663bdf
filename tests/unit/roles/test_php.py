"""PHP of the roles: a role installs the files that it has, and PHP, where it is installed, can read them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted(path for kind in ("php", "inc") for path in ROOT.glob(f"roles/*/files/**/*.{kind}"))


def laid(role: Path) -> dict[str, dict[str, str]]:
    """The folders that a role lays whole, each with its checks by the endings of names."""

    def entries(node: Any) -> Iterator[tuple[str, dict[str, str]]]:
        if isinstance(node, dict) and "folder" in node:
            yield node["folder"], node.get("validate", {})
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from entries(child)

    documents = (
        yaml.safe_load(path.read_text("utf-8")) for part in ("tasks", "vars") for path in (role / part).glob("*.yml")
    )
    return dict(pair for document in documents for pair in entries(document))


def test_each_file_of_a_plugin_is_installed_and_the_deploy_has_php_read_it() -> None:
    """A file that PHP refuses is not put into place."""
    for role in {ROOT / "roles" / path.relative_to(ROOT / "roles").parts[0] for path in FILES}:
        folders = laid(role)
        for path in FILES:
            if path.is_relative_to(role):
                folder = path.relative_to(role / "files").parts[0]
                assert folders[folder][path.suffix.removeprefix(".")] == "php -l %s", path


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed here; the deploy checks each file")
@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_php_reads_it(path: Path) -> None:
    done = subprocess.run(["php", "-l", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


PARTS = """
class rcube_utils { static function check_email($address, $dns) { return str_contains($address, '@'); } }
require $argv[1];
foreach (json_decode(stream_get_contents(STDIN)) as $line) {
    $one = new agents_invitation("BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\n$line\nEND:VEVENT\nEND:VCALENDAR\n");
    echo json_encode([$one->invited(['chef@x.test']), $one->organizer(), $one->link()], JSON_UNESCAPED_SLASHES), "\n";
}
"""
LINES: dict[str, list[str]] = {
    "ATTENDEE;CN=Chef:mailto:Chef@x.test": ["chef@x.test", "", ""],
    'ATTENDEE;CN="A:mailto:b@x.test":MAILTO:chef@x.test': ["", "", ""],
    "ATTENDEE:mailto:chef@x.test x": ["", "", ""],
    "ORGANIZER;CN=Le chef:mailto:chef@x.test": ["", "chef@x.test", ""],
    "URL;VALUE=URI:https://visio.x.test/a?b=c": ["", "", "https://visio.x.test/a?b=c"],
    'URL:https://visio.x.test/a"b': ["", "", ""],
    "ATTENDEE" + ":mailto:" * 30_000 + " x": ["", "", ""],
    "ORGANIZER" + ":mailto:" * 30_000 + " x": ["", "", ""],
    "URL" + ":http://" * 30_000 + " x": ["", "", ""],
}


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed here")
def test_an_invitation_costs_little_whatever_a_stranger_wrote() -> None:
    """Without the compiler of expressions, which the role turns off: the longest line took minutes of processor."""
    file = ROOT / "roles/roundcube/files/agents_mail/invitation.php"
    argv = ["php", "-n", "-d", "pcre.jit=0", "-r", PARTS, "--", str(file)]
    done = subprocess.run(argv, input=json.dumps([*LINES]), capture_output=True, text=True, check=True, timeout=60)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [*LINES.values()]
