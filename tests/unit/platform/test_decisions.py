"""The form of a uid, the place of a mailbox, the form of a time in the directory."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest
from malleposte.paths import ROOT
from malleposte.platform import identity, mailstore
from malleposte.platform.times import stamp, when

PARIS = datetime.timezone(datetime.timedelta(hours=2))


@pytest.mark.parametrize("text", ["mdupond", "ce.0750001a", "0a", "jean-luc_b", "a" * 64])
def test_a_uid(text: str) -> None:
    assert identity.is_uid(text)


@pytest.mark.parametrize("text", ["", ".a", "-a", "_a", "MDupond", "a b", "a/b", "é", "a\n", "a'", "a*", "a" * 65])
def test_what_is_no_uid(text: str) -> None:
    assert not identity.is_uid(text)


def test_slapd_holds_entries_to_the_same_form() -> None:
    text = (ROOT / "roles/openldap/templates/etc/ldap/slapd.d.ldif.j2").read_text("utf-8")
    assert f"\nolcConstraintAttribute: uid regex ^{identity.FORM}$\n" in text


def test_the_longest_is_as_long_as_said() -> None:
    assert identity.is_uid("a" * identity.LONGEST) and not identity.is_uid("a" * (identity.LONGEST + 1))


def test_a_mailbox_lies_by_the_digest_of_its_uid() -> None:
    digest = subprocess.run(["sha1sum"], input="mdupond", capture_output=True, text=True, check=True).stdout
    assert mailstore.home_of("mdupond") == Path("/srv/mail") / digest[:2] / "mdupond"
    assert mailstore.home_of("MDupond", Path("/elsewhere")) == Path("/elsewhere") / digest[:2] / "mdupond"
    assert mailstore.bucket("mdupond") in mailstore.BUCKETS
    assert len(set(mailstore.BUCKETS)) == 256


def test_a_time_is_written_in_utc_and_read_again() -> None:
    noon = datetime.datetime(2026, 7, 1, 14, 0, 5, 999, PARIS)
    assert stamp(noon) == "20260701120005Z"
    assert when(stamp(noon)) == noon.replace(microsecond=0)


@pytest.mark.parametrize("text", ["20260701120005Z", "20260701120005.123456Z", "20260701120005.0Z"])
def test_fractions_of_a_second_are_left_out(text: str) -> None:
    assert when(text) == datetime.datetime(2026, 7, 1, 12, 0, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize("text", ["", "Z", "soon", "2026-07-01", "20261301120005Z", "000001010000Z"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert when(text) is None
