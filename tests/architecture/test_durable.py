"""A file that is kept is replaced by the one durable write (`malleposte.runtime.durable`).

A hand-written one forgets the disk, the folder's entry, the mode or the file that it leaves behind when it fails.
"""

import re
from pathlib import Path

from .conftest import ROOT

FOLDERS = ("cli/malleposte", "portal/malleposte_portal", "plugins")
BY_HAND = re.compile(
    r"\bfsync\(|\bmkstemp\(|NamedTemporaryFile\(|\.write_(?:text|bytes)\(|O_TRUNC|O_EXCL"
    r"|open\((?:[^()]*, )?[\"'][wx]b?[\"']"
)
HOME = "plugins/module_utils/durable.py"
LEFT = {
    # appended to, or changed in its place
    "cli/malleposte/accounts/journal.py": "a journal grows",
    "cli/malleposte/lists/spool.py": "the notes of a delivery grow",
    "cli/malleposte/circulars/readers.py": "the notes of readers grow",
    "plugins/modules/journal_purge.py": "a log is changed in its place: its daemon has it open",
    # one that must not be replaced
    "cli/malleposte/accounts/disclosure/spool.py": "the copy of own data shows while it is made",
    "cli/malleposte/commands/accounts/archive.py": "a person's new file, which replaces none",
    "cli/malleposte/commands/accounts/shared.py": "a person's new file, which replaces none",
    "cli/malleposte/accounts/print/bundle.py": "a person's new files, which replace none",
    "cli/malleposte/rotation/escrow.py": "a person's new files, which replace none, on a file system of theirs",
    "plugins/module_utils/secret_store.py": "of two that make a secret the first one's stays (link(2))",
    # what is made again
    "cli/malleposte/adapters/sogo/tool.py": "scratch for SOGo's tool",
    "cli/malleposte/backup/restore/dav.py": "below a tree that is swapped in when it is whole",
    "cli/malleposte/backup/restore/directory.py": "below a database that is swapped in when it is whole",
    "cli/malleposte/backup/restore/vault.py": "below a folder that is swapped in when it is whole",
    "cli/malleposte/adapters/dovecot.py": "scratch for doveadm",
    "cli/malleposte/adapters/postfix_check.py": "a copy of the configuration, to be tried",
    "cli/malleposte/adapters/sogo/check.py": "scratch of the try",
    "cli/malleposte/rotation/timer.py": "units below /run",
    "cli/malleposte/dev/ansible_lint.py": "a playbook that ends with the question",
    "cli/malleposte/dev/reference.py": "documentation in the source tree",
    "cli/malleposte/dev/skeleton.py": "a new service in the source tree",
    "cli/malleposte/dev/skeleton_act.py": "a new act in the source tree",
    "cli/malleposte/dev/timings.py": "times of a run of the tests",
    "plugins/callback/progress.py": "the summary of a run",
    "plugins/modules/slapd_config.py": "below a folder that is swapped in when it is whole",
    "plugins/modules/tls_pair.py": "scratch for openssl",
    "plugins/plugin_utils/portal_assets.py": "made again where it is missing",
    "plugins/plugin_utils/toolkit.py": "made again where it is not of these sources",
}
"""Files that write by hand, each with the reason why it is no replacement of a kept file."""
LAB = "cli/malleposte/dev/lab/"


def by_hand() -> set[str]:
    """The files with a write that is not the durable one."""
    found = set()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            linked = any(one.is_symlink() for one in (path, *path.relative_to(ROOT).parents))
            if not linked and name != HOME and not name.startswith(LAB) and BY_HAND.search(path.read_text("utf-8")):
                found.add(name)
    return found


def test_what_is_kept_is_replaced_by_the_durable_write() -> None:
    assert by_hand() == set(LEFT)


def test_a_write_by_hand_would_be_seen() -> None:
    for line in (
        'path.write_text(json.dumps(state), "utf-8")', "os.fsync(file.fileno())", 'with temporary.open("w") as file:',
        "os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)", 'open(path, "wb")', "tempfile.mkstemp()",
    ):  # fmt: skip
        assert BY_HAND.search(line), line
    for line in ("durable.write(path, text)", 'path.open("rb")', "owner.read(path)", "part.rename(path)"):
        assert not BY_HAND.search(line), line


def test_the_one_on_the_controller_and_on_hosts_is_one_file() -> None:
    link = ROOT / "cli/malleposte/runtime/durable.py"
    assert link.is_symlink() and link.resolve() == (ROOT / HOME).resolve()


def test_the_folder_of_places_that_may_write_by_hand_is_no_longer_than_they_are() -> None:
    assert not [name for name in LEFT if not Path(ROOT, name).is_file()]
