"""`ldapsearch` for small programs: a restart of slapd is waited for, an answer that refuses is not."""

import os
from pathlib import Path

import pytest
from malleposte.adapters import ldapsearch, ldif
from malleposte.core.errors import MallepostError
from malleposte.directory.query import Equal

WHERE = ("dc=test", "cn=x,dc=test", "ldapi:///", Path("/run/password"))


@pytest.fixture
def codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Exit codes of an `ldapsearch` of our own, a line each, which it takes one by one; with 0 it prints an entry."""
    listed, program = tmp_path / "codes", tmp_path / "ldapsearch"
    program.write_text(
        "#!/bin/sh\n"
        f"code=$(head -n 1 {listed})\n"
        f"sed -i 1d {listed}\n"
        'if [ "$code" = 0 ]; then printf "dn: uid=a,dc=test\\nuid: a\\n\\n"; else echo "refused: $code" >&2; fi\n'
        'exit "$code"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(ldapsearch, "PAUSE", 0.0)
    return listed


def test_a_directory_that_restarts_is_waited_for(codes: Path) -> None:
    codes.write_text("255\n52\n0\n")
    (entry,) = ldapsearch.search(*WHERE, "(uid=a)", "uid")
    assert entry.get("uid") == [b"a"]
    assert codes.read_text() == ""


def test_a_refusal_is_told_at_once(codes: Path) -> None:
    codes.write_text("49\n0\n")
    with pytest.raises(MallepostError, match="ldapi:///: refused: 49"):
        ldapsearch.search(*WHERE, "(uid=a)")
    assert codes.read_text() == "0\n"


def test_patience_ends(codes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldapsearch, "PATIENCE", -1.0)
    codes.write_text("255\n0\n")
    with pytest.raises(MallepostError, match="refused: 255"):
        ldapsearch.search(*WHERE, "(uid=a)")


def test_a_job_asks_by_queries_and_reads_text(codes: Path) -> None:
    codes.write_text("0\n")
    assert list(ldapsearch.searcher(*WHERE)(Equal("uid", "a"), ("uid",))) == [{"uid": ["a"]}]
    (broken,) = ldapsearch.text(ldif.parse(b"dn: uid=b,dc=test\ncn:: /w==\n\n"))
    assert broken == {"cn": ["\ufffd"]}
