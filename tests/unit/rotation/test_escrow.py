"""The inventory's secrets to an escrow and back."""

import errno
from collections.abc import Callable
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
    with pytest.raises(MallepostError, match=r"the passphrase does not open the escrow .*escrow.gpg; give the one"):
        escrow.opened(tmp_path / "escrow.gpg", "another passphrase altogether")


def cut(sealed: bytes) -> bytes:
    return sealed[: len(sealed) // 2]


def turned(sealed: bytes) -> bytes:
    return sealed[:-40] + bytes([sealed[-40] ^ 255]) + sealed[-39:]


@pytest.mark.parametrize("damage", [cut, turned, lambda _: b"", lambda _: b"no escrow\n"])
def test_a_damaged_escrow_is_told_in_a_sentence(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes]
) -> None:
    target, word = tmp_path / "escrow.gpg", tmp_path / "word"
    word.write_text(WORD)
    escrow.export(inventory, target, WORD)
    words = ["-i", str(inventory), "--from", str(target), "--passphrase-file", str(word)]
    assert cli.main(["secrets", "import", *words]) == 0
    target.write_bytes(damage(target.read_bytes()))
    capsys.readouterr()
    for act in ("import", "verify"):
        assert cli.main(["secrets", act, *words]) == 1
        said = capsys.readouterr().err.splitlines()
        assert said == [
            f"malleposte: {target} is damaged, or is no escrow; use another copy of it; where the secrets are here, "
            "export them again"
        ]


def test_an_escrow_that_is_not_there_is_told_before_a_passphrase_is_asked(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "medium/escrow.gpg"
    for act in ("import", "verify"):
        assert cli.main(["secrets", act, "-i", str(inventory), "--from", str(gone)]) == 2
        told = capsys.readouterr().err
        assert told == (
            f"malleposte: the escrow {gone} cannot be read: No such file or directory; give the file of the export\n"
        )
    assert cli.main(["secrets", "export", "-i", str(inventory), "--to", str(gone)]) == 2
    assert capsys.readouterr().err == (
        f"malleposte: {gone.parent} is not there; make the folder, or attach the medium of the escrow\n"
    )


def test_a_medium_that_is_full_keeps_no_half_of_an_escrow(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(escrow.os, "fsync", full)
    with pytest.raises(MallepostError, match=r"escrow.gpg cannot be written: No space left on device; make room"):
        escrow.export(inventory, tmp_path / "escrow.gpg", WORD)
    assert not (tmp_path / "escrow.gpg").exists()
    monkeypatch.undo()
    assert escrow.export(inventory, tmp_path / "escrow.gpg", WORD) == 2


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
