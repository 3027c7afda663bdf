"""The lab's hosts follow the root of its certificate authority."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from malleposte.dev.world import world_trust

URL = "https://acme.test:15000/roots/0"


class EndOfTestError(Exception):
    """Ends a process that goes on for ever."""


def root(name: str) -> str:
    """A certificate, PEM."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system's store of certificates, which holds the stable authority's."""
    stable, found = tmp_path / "malleposte-world-ca.crt", tmp_path / "ca-certificates.crt"
    stable.write_text(root("stable"), "utf-8")

    def update(*_words: Any, **_options: Any) -> None:
        found.write_text("".join(path.read_text("utf-8") for path in sorted(tmp_path.glob("malleposte-*"))), "utf-8")

    update()
    monkeypatch.setattr(world_trust, "SOURCES", tmp_path)
    monkeypatch.setattr(world_trust, "STABLE", stable)
    monkeypatch.setattr(world_trust, "STORE", found)
    monkeypatch.setattr(world_trust.subprocess, "run", update)
    return found


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the authority's answers, one a look; the process ends after the last."""

    def give(*found: str | OSError) -> None:
        left: Iterator[str | OSError] = iter(found)

        def fetch(_url: str) -> str:
            one = next(left, None)
            if one is None:
                raise EndOfTestError
            if isinstance(one, OSError):
                raise one
            return one

        monkeypatch.setattr(world_trust, "fetch", fetch)
        monkeypatch.setattr(world_trust.time, "sleep", lambda _seconds: None)

    return give


def test_a_new_root_is_added_once_and_earlier_ones_stay(store: Path, answers: Callable[..., None]) -> None:
    first, second = root("first"), root("second")
    answers(first, first, second)
    assert world_trust.look(URL).startswith("added ")
    assert world_trust.look(URL) == ""
    assert world_trust.look(URL).startswith("added ")
    assert all(one.strip() in store.read_text("utf-8") for one in (first, second))


def test_the_process_goes_on_and_says_a_failure_once(
    store: Path, answers: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    found = root("found")
    answers(OSError("refused"), OSError("refused"), found, found, OSError("refused"))
    with pytest.raises(EndOfTestError):
        world_trust.main([URL, "--every", "20"])
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == [f"{URL}:", "added", f"{URL}:"]
    assert found.strip() in store.read_text("utf-8")


def test_one_look_ends_with_what_it_met(
    store: Path, answers: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    answers(root("found"), OSError("refused"))
    assert world_trust.main([URL]) == 0
    assert world_trust.main([URL]) == 1
    assert capsys.readouterr().err == f"{URL}: refused\n"


@pytest.mark.parametrize("words", [[], [URL, "--every"], [URL, "--every", "soon"], [URL, "--wait", "20"]])
def test_other_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert world_trust.main(words) == 2
    assert capsys.readouterr().err.startswith("usage:")
