"""Attachments: programs are refused, alone and in archives; documents pass."""

import base64
import email.message
import email.policy
import email.utils
import io
import zipfile

import pytest

from tests.stack.support.mail import FOREIGN, token
from tests.stack.support.scans import verdicts

TARGET = "probe1@ac-exemple.test"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


DOCX = zipped(**{"[Content_Types]__xml": b"<Types/>", "word/document__xml": b"<w:document/>"})


def with_attachment(sender: str, recipient: str, subject: str, name: str, content: bytes) -> bytes:
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Date"] = email.utils.localtime()
    message["Message-ID"] = f"<{token()}@{sender.rpartition('@')[2]}>"
    message.set_content("Bonjour, voici le document demandé pour la réunion de lundi. À bientôt.\n")
    kind = {"pdf": "pdf", "zip": "zip"}.get(name.rpartition(".")[2], "octet-stream")
    message.add_attachment(content, maintype="application", subtype=kind, filename=name)
    return message.as_bytes()


def said_of(site, message: bytes) -> str:
    """Return the filter's verdict on a message from outside."""
    scan = "rspamc -h /run/rspamd/controller.sock --ip 198.51.100.7 --from x@mechant.test"
    return str(site.run("mail1", f"{scan} --rcpt {TARGET}", given=message.decode()))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rapport.js", b"alert(1)"),
        ("facture.scr", b"MZ" + bytes(100)),
        ("photo.LNK", b"L\0\0\0"),
        ("facture.pdf.exe", b"MZ" + bytes(100)),
        ("facture.exe.", b"MZ" + bytes(100)),
        ("dossier.zip", zipped(facture__exe=b"MZ" + bytes(100))),
    ],
)
def test_programs_are_refused_by_name_and_in_archives(site, mail, people, name, content):
    sender = people.agent()
    message = with_attachment(sender.mail, sender.mail, token(), name, content)
    answer = mail.submit(sender, sender.mail, sender.mail, message)
    assert (answer.step, answer.code) == ("DATA", 554), answer
    assert "Piece jointe refusee" in answer.text
    outside = "x@mechant.test"
    assert "MP_ATTACHMENT_REFUSED" in said_of(site, with_attachment(outside, TARGET, token(), name, content))


@pytest.mark.parametrize(
    ("name", "content"),
    [("note.pdf", PDF), ("cours.docx", DOCX), ("copies.zip", zipped(copie__pdf=PDF)), ("tp.py", b"print(1)\n")],
)
def test_documents_pass(mail, people, name, content):
    sender, reader, subject = people.agent(), people.agent(), token()
    message = with_attachment(sender.mail, reader.mail, subject, name, content)
    assert mail.submit(sender, sender.mail, reader.mail, message).accepted
    assert mail.arrived(reader, subject)
    outside, subject = f"probe@{FOREIGN}", token()
    mail.foreign(outside, reader.mail, with_attachment(outside, reader.mail, subject, name, content))
    assert mail.arrived(reader, subject)


def raw_part(headers: str, content: bytes) -> str:
    """A message of a stranger with one attachment under these header lines."""
    lines = headers.replace("\n", "\r\n")
    return (
        f"From: x@mechant.test\r\nTo: {TARGET}\r\nSubject: essai\r\nMessage-ID: <{token()}@mechant.test>\r\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\nBonjour.\r\n--b\r\n{lines}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
        f"{base64.b64encode(content).decode()}\r\n--b--\r\n"
    )


OCTETS = "Content-Type: application/octet-stream"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
JAVASCRIPT = [
    f"{OCTETS}; name=rapport.js",
    f'{OCTETS}; name="rapport.js "',
    f"{OCTETS}; name=a.pdf\nContent-Disposition: attachment; filename=rapport.js",
    f"{OCTETS}; name=rapport.js\nContent-Disposition: attachment; filename=a.pdf",
    f"{OCTETS}\nContent-Disposition: attachment; filename*=utf-8''rapport%2Ejs",
    f"{OCTETS}\nContent-Disposition: attachment; filename*=utf-8'fr'rapport.%6A%73; filename=a.pdf",
    f"{OCTETS}\nContent-Disposition: attachment; filename*0=rapport; filename*1=.js",
    f'{OCTETS}\nContent-Disposition: attachment; filename*1=".js"; filename*0="rapport"',
    f"{OCTETS}\nContent-Disposition: attachment;\n filename*0*=utf-8''rapport%2e;\n filename*1*=%6As",
    f"{OCTETS}; name*0=rapport; name*1=.js",
    f'{OCTETS}; name="=?utf-8?Q?rapport=2Ejs?="',
    f"{OCTETS}; name==?utf-8?B?cmFwcG9ydC5qcw==?=",
    f'{OCTETS}\nContent-Disposition: attachment; filename="=?utf-8?Q?rapport=2E?= =?utf-8?Q?js?="',
    f'{OCTETS}\nContent-Disposition: attachment; filename="=?utf-8?B?cmFwcG9ydC5qcw==?="',
    f'{OCTETS}\nContent-Disposition: attachment; filename="rapport.\\js"',
    f'{OCTETS}\nContent-Disposition: attachment; filename (x) = "rapport.js"',
    f"{OCTETS}; (x) name=rapport.js (y)",
    f"{OCTETS}\nContent-Disposition: attachment; FileName = rapport.js ; x=y",
    f"{OCTETS}\nContent-Disposition: attachment; filename=rapport final.js",
    f"{OCTETS}\nContent-Disposition: attachment; filename=a.pdf; filename=rapport.js",
]
PROGRAMS = [
    (OCTETS, b"MZ"),
    (OCTETS, b"MZ" + bytes(100)),
    (OCTETS, EICAR),
    (f"{OCTETS}; name=a.pdf", b"MZ" + bytes(100)),
    ("Content-Type: image/png", b"MZ" + bytes(100)),
    ("Content-Type: text/plain", b"MZ\x90\0" + bytes(100)),
    ("Content-Disposition: attachment", b"MZ" + bytes(100)),
    (OCTETS, b"L\0\0\0\x01\x14\x02\0" + bytes(60)),
    (OCTETS, b"REGEDIT4\r\n[x]\r\n"),
    (OCTETS, zipped(facture__exe=b"x")),
]
DOCUMENTS = [
    (OCTETS, PDF),
    (f"{OCTETS}; name=cours.docx", DOCX),
    (OCTETS, DOCX),
    ("Content-Type: application/pdf", PDF),
    (OCTETS, b""),
    (OCTETS, zipped(copie__pdf=PDF)),
    (f"{OCTETS}; name=copies.zip", zipped(copie__pdf=PDF)),
    (f"{OCTETS}; name=sans", b"x"),
    ("Content-Type: text/plain; name=notes.txt", b"MZ est le titre.\n"),
    ("Content-Type: text/csv", b"MZ;1;2\n"),
    (f"{OCTETS}; name=rapport.js.pdf", PDF),
    (f'{OCTETS}; name="site.com et rapport.pdf"', PDF),
    (f'{OCTETS}; name="=?utf-8?Q?Bulletin_=C3=A9l=C3=A8ve=2Epdf?="', PDF),
    ("Content-Type: image/png", b"\x89PNG\r\n\x1a\n"),
    (f"{OCTETS}\nContent-Disposition: attachment; filename*=utf-8''bulletin%20%C3%A9l%C3%A8ve.pdf", PDF),
    (f"{OCTETS}\nContent-Disposition: attachment; filename*0=un-nom-long; filename*1=.pdf", PDF),
    ('Content-Type: text/calendar; method=REQUEST; name="invite.ics"', b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
]


def test_a_program_is_refused_by_every_reading_of_its_name(site):
    found = verdicts(site, [raw_part(headers, b"alert(1)\n") for headers in JAVASCRIPT])
    assert [
        headers
        for headers, verdict in zip(JAVASCRIPT, found, strict=True)
        if "MP_ATTACHMENT_REFUSED" not in verdict["symbols"]
    ] == []


def test_a_program_is_refused_by_its_content_and_documents_pass(site):
    both = [*PROGRAMS, *DOCUMENTS]
    found = verdicts(site, [raw_part(headers, content) for headers, content in both])
    refused = [one for one, verdict in zip(both, found, strict=True) if "MP_ATTACHMENT_REFUSED" in verdict["symbols"]]
    assert refused == PROGRAMS


def test_dubious_names_count_without_online_maps(site):
    said = said_of(site, with_attachment("x@mechant.test", TARGET, "essai", "page.pdf.html", b"<p>x</p>"))
    assert "MIME_BAD_EXTENSION" in said or "MIME_DOUBLE_BAD_EXTENSION" in said, said
