"""A client's backup settings, and the place of a mailbox in them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import backup_plan
from malleposte.backup.archive import archives, borg, config
from malleposte.core.errors import InputError
from malleposte.platform import mailstore
from malleposte.runtime.settings import convert

DATA: dict[str, Any] = {
    "client": "mail1",
    "vaults": [{"name": "vault1", "url": "ssh://vault1/srv/borg/mail1", "passphrase_file": "/etc/x"}],
    "ssh_config": "/etc/ssh_config",
    "base": "/var/lib/b",
    "state": "/var/lib/s",
    "sources": [{"name": "system", "repository": "system", "paths": ["/etc"]}],
    "mail_root": "/srv/mail",
}
DATA["sources"] += [
    {"name": name, "repository": name, "paths": [f"/srv/mail/{bucket}" for bucket in buckets]}
    for name, buckets in backup_plan.shares(3)
]


def test_a_mailbox_is_found_from_its_uid() -> None:
    known = convert(DATA, config.Config)
    assert any(f"/srv/mail/{mailstore.bucket('probe1')}" in source.paths for source in known.mail_sources)
    assert known.mailbox("probe1") == mailstore.home_of("probe1")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="this host sends no backups"):
        config.read(tmp_path / "none")
    (tmp_path / "half").write_text(json.dumps({"client": "x"}))
    with pytest.raises(InputError, match="missing required field `vaults`"):
        config.read(tmp_path / "half")


class Answers(borg.Borg):
    """borg that knows one answer."""

    def run(self, *words: str, **_kept: Any) -> borg.Done:
        rows = [("system", "10"), ("system", "12"), ("ldap", "12"), ("system", "11")]
        found = [
            {"name": f"{name}@201503{day}T020000Z", "start": f"2015-03-{day}T02:00:00.000000", "id": day}
            for name, day in rows
        ]
        found.append({"name": "system@20150313T020000Z.checkpoint", "start": "2015-03-13T02:00:00.000000", "id": "c"})
        pattern = words[words.index("--glob-archives") + 1].removesuffix("*")
        return borg.Done(json.dumps({"archives": [one for one in found if one["name"].startswith(pattern)]}))


def test_archives_are_found_as_of_a_date() -> None:
    vault = archives.Vault(known := convert(DATA, config.Config), known.vaults[0])
    vault.borg = Answers({})
    assert [one.id for one in vault.archives("system")] == ["12", "11", "10"]
    assert vault.latest("system", datetime(2015, 3, 11, 23, tzinfo=UTC)).id == "11"
    assert vault.sources() == ["ldap", "system"]


def test_borg_s_words_come_out_as_one_line() -> None:
    said = (
        '{"type": "log_message", "levelname": "WARNING", "message": "/srv/x: changed"}\n'
        "Remote: ssh: connect to host vault1 port 22: No route to host\n"
        '{"type": "log_message", "levelname": "ERROR", "message": "Connection closed by remote host. Is borg there?"}\n'
    )
    assert borg.complaints(said)[1] == ["/srv/x: changed"]
    with pytest.raises(borg.BorgError, match="No route to host") as caught:
        borg.judged(80, "", said)
    assert caught.value.code in borg.CONNECTION_CLOSED
    assert borg.judged(100, "out", said.splitlines()[0]).warnings == ("/srv/x: changed",)
