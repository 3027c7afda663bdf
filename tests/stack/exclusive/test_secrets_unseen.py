"""No secret of the inventory lies in a journal, a log or a process of any host, nor in a log of the controller."""

from __future__ import annotations

import secrets

import pytest
from malleposte.paths import VAR

from tests.stack.support import leaks
from tests.stack.support.site import Site

HOSTS = ("mail1", "pia1", "vault1", "vault2", "world")


@pytest.fixture(scope="module")
def sought(site: Site) -> leaks.Needles:
    found = leaks.needles(site.folder / "secrets")
    for wanted in ("rspamd-write", "digest-key-k1", "accounts.json"):
        assert wanted in found.values()
    assert any(name.startswith("dkim-") for name in found.values())
    return found


@pytest.mark.parametrize("name", HOSTS)
def test_no_journal_log_or_process_of_a_host_holds_a_secret(site: Site, name: str, sought: leaks.Needles) -> None:
    # The same search finds a mark that is put there, so that its silence on the others means something.
    mark = secrets.token_hex(16)
    site.run(
        name, "systemd-cat -t leak-trial; journalctl --sync", given=f"Invoked with files=[{{'content': '{mark}'}}]\n"
    )
    found = leaks.on_host(site, name, leaks.Needles({**sought, mark: "the mark"}))
    assert f"{name}: journal (export): the mark" in found
    assert [line for line in found if not line.endswith(": the mark")] == []


def test_no_log_of_the_controller_holds_a_secret(sought: leaks.Needles) -> None:
    logs = VAR / "log"
    mark = "$ " + next(path for path in sorted(logs.rglob("*")) if path.is_file()).read_text("utf-8", "replace")[:200]
    assert leaks.in_folder(logs, {mark[2:]: "the mark"}) != []
    assert leaks.in_folder(logs, sought) == []
