"""Activation letters from the controller: files for their owner alone, codes that revoke each other."""

import csv
import io
import json

import pypdf
import pytest

from tests.stack.support.letters import digests

# An import takes whom another feed brought for departed: one feed at a time.
pytestmark = pytest.mark.together("feed")


def table(folder) -> dict[str, str]:
    """Codes by log-in."""
    text = (folder / "courriers.csv").read_text("utf-8-sig")
    return {row["Identifiant"]: row["Code INA"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";")}


def test_letters_are_printed_by_school_and_again(site, typed, lettered, tmp_path):
    done = typed("letters", *lettered, "--from", "2030-09-01", "--days", "45", "--out", tmp_path / "l", "--json")
    told = json.loads(done.stdout)
    assert (told["letters"], told["revoked"], told["skipped"], told["until"]) == (12, 0, [], "2030-10-15"), done
    files = sorted((tmp_path / "l").iterdir())
    assert (tmp_path / "l").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    codes, first = table(tmp_path / "l"), digests(site)
    assert set(codes) == set(lettered) == {uid for uid, digest in first.items() if digest}

    pages = [page for file in files if file.suffix == ".pdf" for page in pypdf.PdfReader(file).pages]
    texts = [" ".join(page.extract_text().split()) for page in pages]
    assert len(texts) == 12
    for uid, code in codes.items():
        (text,) = [text for text in texts if code in text]
        assert uid in text
        assert site.platform["support"]["phone"] in text
        assert "15 octobre 2030" in text

    again = json.loads(typed("letters", *lettered, "--out", tmp_path / "l2", "--json").stdout)
    assert (again["letters"], again["revoked"]) == (12, 12)
    assert not set(digests(site).values()) & set(first.values())
    journal = site.run("mail1", "cat /var/log/malleposte/accounts.jsonl")
    for code in (*codes.values(), *table(tmp_path / "l2").values()):
        assert code not in journal
        assert code.replace("-", "") not in journal
    left = r"find / -xdev \( -name '*.pdf' -o -name courriers.csv \) -mmin -10"
    assert site.run("mail1", left) == ""
