"""The inventory's secrets to an escrow and back."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from malleposte import cli
from malleposte.core.errors import InputError, MallepostError
from malleposte.rotation import escrow

WORD = "a long enough passphrase"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    folder = tmp_path / "inventory"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "valkey").write_text("one\n")
    (folder / "secrets" / "borg-mail1-vault1").write_text("two\n")
    return folder


def test_what_goes_to_the_escrow_comes_back(inventory: Path, tmp_path: Path) -> None:
    target = tmp_path / "escrow.gpg"
    assert escrow.export(inventory, target, WORD) == 2
    assert target.stat().st_mode & 0o777 == 0o600
    assert b"two" not in target.read_bytes()
    (inventory / "secrets" / "valkey").unlink()
    held = escrow.opened(target, WORD)
    assert escrow.put_back(held, inventory) == ["valkey"]
    assert (inventory / "secrets" / "valkey").stat().st_mode & 0o777 == 0o600
    assert escrow.differences(held, escrow.secrets(inventory)) == []
    (inventory / "secrets" / "valkey").write_text("other\n")
    assert escrow.differences(held, escrow.secrets(inventory)) == ["valkey is another one in the escrow"]
    with pytest.raises(InputError, match="is there and another one"):
        escrow.put_back(held, inventory)


def test_the_keys_of_the_repositories_go_along_and_not_into_the_inventory(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"vault": "vault1", "repository": "system", "key": "BORG_KEY a\n"}]
    place = SimpleNamespace(name="mail1", answer=lambda words: (0, {"keys": rows}))
    monkeypatch.setattr(escrow.remote, "backups", lambda _: (["vault1"], [place]))
    (tmp_path / "word").write_text(WORD)
    rest = ["-i", str(inventory), "--passphrase-file", str(tmp_path / "word")]
    target = str(tmp_path / "escrow.gpg")
    assert cli.main(["secrets", "export", *rest, "--to", target]) == 0
    held = escrow.opened(Path(target), WORD)
    assert held["borg-keys/mail1/vault1/system"] == b"BORG_KEY a\n"
    (inventory / "secrets" / "valkey").unlink()
    assert escrow.put_back(held, inventory) == ["valkey"]
    assert not (inventory / "secrets" / "borg-keys").exists()
    assert cli.main(["secrets", "verify", *rest, "--from", target]) == 0
    rows[0]["key"] = "BORG_KEY b\n"
    assert cli.main(["secrets", "verify", *rest, "--from", target]) == 1
    assert cli.main(["secrets", "verify", *rest, "--from", target, "--no-keys"]) == 0


def test_a_wrong_passphrase_opens_nothing(inventory: Path, tmp_path: Path) -> None:
    escrow.export(inventory, tmp_path / "escrow.gpg", WORD)
    with pytest.raises(MallepostError, match="gpg: "):
        escrow.opened(tmp_path / "escrow.gpg", "another passphrase altogether")


def test_it_is_never_beside_what_it_opens(inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="beside the archives that it opens"):
        escrow.refuse(inventory / "escrow.gpg", inventory)
    with pytest.raises(InputError, match="beside the archives that it opens"):
        escrow.refuse(escrow.ROOT / "var" / "escrow.gpg", inventory)
    monkeypatch.setattr(escrow, "HOLDERS", (inventory,))
    with pytest.raises(InputError, match="sends or keeps archives"):
        escrow.refuse(tmp_path / "escrow.gpg", inventory)


def test_a_short_passphrase_is_refused(inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "word").write_text("short\n")
    words = ["secrets", "export", "-i", str(inventory), "--to", str(tmp_path / "e.gpg")]
    assert cli.main([*words, "--passphrase-file", str(tmp_path / "word")]) == 2
    assert "less than 16 characters" in capsys.readouterr().err
