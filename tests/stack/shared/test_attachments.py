"""Attachments: programs are refused, alone and in archives; documents pass."""

import email.message
import email.policy
import email.utils
import io
import zipfile

import pytest

from tests.stack.support.mail import FOREIGN, token

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


def test_dubious_names_count_without_online_maps(site):
    said = said_of(site, with_attachment("x@mechant.test", TARGET, "essai", "page.pdf.html", b"<p>x</p>"))
    assert "MIME_BAD_EXTENSION" in said or "MIME_DOUBLE_BAD_EXTENSION" in said, said
