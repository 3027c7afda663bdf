"""The documents of a mail: each refusal beside the same thing accepted."""

import gzip
import struct
import zipfile

import pytest
from malleposte.reports import unpack
from malleposte.reports.model import UNPACKED, RefusedError

from tests.support.reports import dmarc, mail, packed, tls, zipped

REPORT = dmarc()


def found(message: bytes) -> list[tuple[str, bytes]]:
    return list(unpack.documents(message))


@pytest.mark.parametrize("content", [REPORT, packed(REPORT), zipped(REPORT), zipped(REPORT, method=zipfile.ZIP_STORED)])
@pytest.mark.parametrize(
    ("name", "kind"), [("a.xml.gz", "application/gzip"), ("photo.png", "image/png"), ("a.zip", "text/plain")]
)
def test_a_report_is_known_by_its_first_octets_whatever_it_is_called(content, name, kind):
    message = mail(content, name=name, kind=kind) if kind != "text/plain" else mail(content, name=name)
    assert found(message) == [(unpack.XML, REPORT)]


def test_a_report_may_be_the_whole_body_or_json():
    assert found(b"Subject: x\r\nContent-Type: text/xml\r\n\r\n" + REPORT)[0][0] == unpack.XML
    assert found(mail(packed(tls()))) == [(unpack.JSON, tls())]
    assert [kind for kind, _content in found(mail(REPORT, tls()))] == [unpack.XML, unpack.JSON]


def test_a_mail_of_a_person_has_no_document():
    assert found(mail(text="Bonjour, qui lit cette adresse ?")) == []
    assert found(mail(b"%PDF-1.7 ...", name="rapport.xml", kind="text/xml")) == []
    assert found(b"") == found(b"\xff\x00\x01") == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(REPORT, REPORT), "holds 2 files"),
        (zipped(), "holds 0 files|no end"),
        (zipped(REPORT, method=zipfile.ZIP_BZIP2), "encrypted, or packed"),
        (zipped(packed(REPORT)), "holds no report"),
        (zipped(b"MZ\x90"), "holds no report"),
        (zipped(REPORT)[:-30], "no end|cannot be unpacked"),
        (b"PK\x03\x04 and no more", "no end"),
        (packed(zipped(REPORT)), "holds no report"),
        (packed(REPORT) + packed(REPORT), "more than one file"),
        (packed(REPORT)[:-20], "ends too early"),
        (b"\x1f\x8b\x08 nothing", "cannot be unpacked"),
        (lambda: packed(b"<?xml " + b" " * UNPACKED), "larger than 20 MB"),
        (lambda: zipped(b"<?xml " + b" " * UNPACKED), "larger than 20 MB"),
        (lambda: packed(b"\0" * (3 * UNPACKED)), "larger than 20 MB"),
    ],
)
def test_what_is_no_one_file_within_bounds_is_refused(content, reason):
    content = content() if callable(content) else content
    content = b"PK\x03\x04" + content if content.startswith(b"PK\x05\x06") else content
    with pytest.raises(RefusedError, match=reason):
        found(mail(content))


def test_a_file_of_almost_20_megabytes_is_unpacked():
    large = REPORT + b" " * (UNPACKED - len(REPORT))
    assert unpack.unpack(packed(large)) == unpack.unpack(zipped(large)) == large


def test_files_of_one_mail_share_the_bound():
    half = REPORT + b" " * (UNPACKED * 2 // 3)
    rest = unpack.documents(mail(packed(half), packed(half)))
    assert len(next(rest)[1]) == len(half)
    with pytest.raises(RefusedError, match="larger"):
        next(rest)


def test_a_zip_that_says_one_entry_and_has_a_directory_of_another_form_is_refused():
    whole = zipped(REPORT)
    place = whole.rfind(b"PK\x05\x06")
    with pytest.raises(RefusedError, match="64-bit"):
        unpack.unpack(whole[:place] + b"PK\x06\x07" + b"\0" * 16 + whole[place:])
    large = bytearray(whole)
    struct.pack_into("<L", large, place + 12, 1_000_000)
    with pytest.raises(RefusedError, match="directory of the zip"):
        unpack.unpack(bytes(large))
    lying = bytearray(zipped(REPORT, REPORT))
    end = lying.rfind(b"PK\x05\x06")
    struct.pack_into("<HH", lying, end + 8, 1, 1)
    with pytest.raises(RefusedError, match="more than one file"):
        unpack.unpack(bytes(lying))
    secret = bytearray(whole)
    struct.pack_into("<H", secret, whole.rfind(b"PK\x01\x02") + 8, 1)
    with pytest.raises(RefusedError, match="encrypted"):
        unpack.unpack(bytes(secret))
    assert unpack.unpack(whole) == REPORT


def test_a_file_that_is_longer_than_its_zip_says_is_refused():
    whole = bytearray(zipped(REPORT + b" " * 5000))
    struct.pack_into("<L", whole, whole.rfind(b"PK\x01\x02") + 24, 100)
    with pytest.raises(RefusedError, match="cannot be unpacked"):
        unpack.unpack(bytes(whole))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (mail(b"x" * unpack.LARGEST), "more than 10 MB"),
        (b"a: b\n" * 400_000, "too many lines"),
        (b"a: b\r" * 400_000, "too many lines"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n<?xml\n" * 1000, "lines or parts"),
        (mail(*[REPORT] * 6), "more than 5 files"),
    ],
)
def test_a_mail_beyond_bounds_is_refused(message, reason):
    with pytest.raises(RefusedError, match=reason):
        found(message)


def test_mails_one_within_the_other_without_end_are_refused():
    inner = b"Content-Type: message/rfc822\n\n" * 20_000
    with pytest.raises(RefusedError, match="no mail"):
        found(inner)
    assert found(b"Content-Type: message/rfc822\n\n" * 5 + b"Content-Type: text/xml\n\n" + REPORT)[0][1] == REPORT
    assert len(found(mail(*[REPORT] * 5))) == 5


def test_a_large_report_passes_the_bounds_of_lines():
    assert found(mail(gzip.compress(REPORT + b" " * 100, 0), b"\0" * 7_000_000))[0][0] == unpack.XML
