"""The signer of profiles: one document in, one signed profile out, and nothing for what is not a device of ours."""

import io
import json
import plistlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.front import sign_profile

from tests.support import certificates
from tests.unit.front.test_profile import PHONE, SECRET, SERVERS

SETTINGS = {
    "academy": SERVERS.academy, "domain": SERVERS.domain, "mail_host": SERVERS.mail, "dav_host": SERVERS.dav,
    "tiles": [],
}  # fmt: skip
type Ask = Callable[[bytes], tuple[int, bytes, str]]


@pytest.fixture
def held() -> certificates.Pair:
    return certificates.pair("ec")


@pytest.fixture
def ask(
    held: certificates.Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Exit code, answer, and the line for the journal."""
    for name, content in (("s", json.dumps(SETTINGS).encode()), ("k", held.key), ("c", held.chain)):
        (tmp_path / name).write_bytes(content)

    def asked(document: bytes) -> tuple[int, bytes, str]:
        answer = io.BytesIO()
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(document)))
        monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=answer))
        code = sign_profile.main([str(tmp_path / name) for name in ("s", "k", "c")])
        return code, answer.getvalue(), capsys.readouterr().err

    return asked


def test_a_device_gets_its_signed_profile(ask: Ask, held: certificates.Pair, tmp_path: Path) -> None:
    code, answer, said = ask(json.dumps(asdict(PHONE)).encode())
    assert (code, said) == (0, "")
    found = plistlib.loads(certificates.opened(answer, held.authority, tmp_path))
    assert found["PayloadIdentifier"].endswith("mdupond.abcdefgh")


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"mail": "x@lointain.test"}, "no address of"), ({"secret": "Vieux-Chemin7!x"}, "not the password"),
     ({"more": "x"}, "a device has")],
)  # fmt: skip
def test_nothing_else_is_signed(ask: Ask, changed: dict[str, Any], said: str) -> None:
    code, answer, line = ask(json.dumps(asdict(PHONE) | changed).encode())
    assert (code, answer) == (2, b"")
    assert said in line and SECRET not in line and "Chemin7" not in line


@pytest.mark.parametrize("document", [b"", b"x", b"[]", b"\xff", b"[" * 16_000, b"x" * 20_000])
def test_no_document_no_profile(ask: Ask, document: bytes) -> None:
    code, answer, line = ask(document)
    assert (code, answer, line.count("\n")) == (2, b"", 1)


def test_a_key_that_cannot_be_used_is_a_failure(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "k").write_text("none")
    code, answer, line = ask(json.dumps(asdict(PHONE)).encode())
    assert (code, answer) == (1, b"")
    assert "cannot be signed" in line


def test_its_words_are_three() -> None:
    assert sign_profile.main([]) == 2
