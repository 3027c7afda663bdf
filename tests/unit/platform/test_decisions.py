"""The form of a uid, the place of a mailbox, the form of a time in the directory."""

import datetime
import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from malleposte.core.paths import ROOT
from malleposte.platform import identity, mailstore
from malleposte.platform.times import day, stamp, when

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


def dovecot(expression: str, uid: str) -> str:
    """A text of Dovecot's settings with its expressions of an account's uid, as Dovecot makes it."""

    def one(found: re.Match[str]) -> str:
        value = uid.encode()
        for step in (part.strip() for part in found[1].split("|")):
            if cut := re.fullmatch(r"substr\((\d+), (\d+)\)", step):
                value = value[int(cut[1]) :][: int(cut[2])]
            elif step == "sha1":
                value = hashlib.sha1(value, usedforsecurity=False).digest()
            else:
                value = {"lower": value.lower(), "hexlify": value.hex().encode()}[step]
        return value.decode()

    return re.sub(r"%\{ldap:uid \| ([a-z0-9(), |]+)\}", one, expression)


@pytest.mark.parametrize("uid", ["mdupond", "MDupond", "ce.0750001a", "jean-luc_b"])
def test_dovecot_makes_the_same_path(uid: str) -> None:
    text = (ROOT / "roles/dovecot/templates/etc/dovecot/dovecot.conf.j2").read_text("utf-8")
    (home,) = re.findall(r"^ *home = (\{\{ dovecot_store \}\}/.*)$", text, re.MULTILINE)
    assert Path(dovecot(home.replace("{{ dovecot_store }}", "/store"), uid)) == mailstore.home_of(uid, Path("/store"))


def test_dovecot_has_the_same_folders() -> None:
    text = (ROOT / "roles/dovecot/templates/etc/dovecot/dovecot.conf.j2").read_text("utf-8")
    paths = re.findall(r"^ *mail_path = (?:~|%\{owner_home\})/(.*)$", text, re.MULTILINE)
    assert set(paths) == {mailstore.MAILDIR, mailstore.EXPUNGED, mailstore.SEALED}
    variables = (ROOT / "roles/dovecot/vars/main.yml").read_text("utf-8")
    assert f"\n__dovecot_sealed: {mailstore.SEALED_ROOT}\n" in variables
    for name in (mailstore.DANGEROUS, mailstore.RETRACTED):
        assert f"  mailbox {name.removeprefix(mailstore.SEALED_ROOT)} {{\n    auto = create\n" in text
    defaults = (ROOT / "roles/dovecot/defaults/main.yml").read_text("utf-8")
    assert f"\ndovecot_store: {mailstore.STORE}\n" in defaults


def test_a_day_of_a_name_of_a_file() -> None:
    assert day("20260701") == datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC)
    assert day("20261301") is None


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
