"""A message of a list, read: whatever its sender wrote, text is text and a name is a name."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from malleposte.circulars import reading
from malleposte.circulars.html import to_text
from malleposte.circulars.model import OTHER, PDF, match


def letter(
    *files: tuple[str, bytes], text: str = "Bonjour,\nvoici la note.", page: str = "", message_id: str = "<a@b>"
) -> bytes:
    made = EmailMessage()
    made["Subject"], made["From"], made["Message-ID"] = "Rentrée 2026", "Recteur <recteur@ac-exemple.test>", message_id
    if text:
        made.set_content(text)
    if page:
        made.add_alternative(page, subtype="html")
    for name, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def test_a_message_has_its_head_its_text_and_its_attachments() -> None:
    raw = letter(("Note de service.pdf", b"%PDF-1.4 x"), ("tableau.ods", b"PK"), page="<p>autre</p>")
    held = reading.read(raw)
    assert (held.subject, held.sender) == ("Rentrée 2026", "Recteur <recteur@ac-exemple.test>")
    assert (held.message_id, held.text) == ("a@b", "Bonjour,\nvoici la note.")
    pdf, table = held.parts
    assert (pdf.name, pdf.kind, pdf.size) == ("Note de service.pdf", PDF, 10)
    assert reading.content(raw, pdf.number) == b"%PDF-1.4 x" and reading.content(raw, table.number) == b"PK"
    body = next(number for number in range(1, 6) if number not in {part.number for part in held.parts})
    assert reading.content(raw, body) is None and reading.content(raw, 99) is None


def test_a_page_becomes_text_of_which_nothing_acts() -> None:
    page = (
        "<html><head><title>T</title><style>p{}</style></head><body onload=x()><p>Un&nbsp;mot &lt;b&gt;</p>"
        "<SCRIPT>alert(1)</SCRIPT><!-- caché --><div>deux<br>trois</div><svg><script>z</script></svg>"
        '<a href="javascript:x">lien</a><img src=x onerror=y></body></html>'
    )
    assert reading.read(letter(text="", page=page)).text == "Un mot <b>\n\ndeux\ntrois\nlien".replace("\n\n", "\n\n")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a < b", "a < b".partition("<")[0]), ("un<!-- sans fin", "un"), ("un<script>deux", "un"), ("un<p", "un"),
        ("un<scripts>deux</scripts>", "undeux"), ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
        ("İ<STYLE>x</STYLE>y", "İy"), ("<<p>>un", ">un"),
    ],
)  # fmt: skip
def test_broken_pages_hide_the_rest_and_break_nothing(page: str, text: str) -> None:
    assert to_text(page).strip() == text.strip()


def test_large_hostile_pages_are_read() -> None:
    for piece in ("<!--", "<script>", "<", "</script", "&", "<p "):
        assert len(to_text(piece * 200_000)) <= 200_000 * len(piece)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\dossier\\a.pdf", "C--dossier-a.pdf"), ("a\r\nX-Y: z.pdf", "a X-Y- z.pdf"),
        ("facture\u202efdp.exe", "facturefdp.exe"),
        ("\x00\x07", "piece-3"), ("...", "piece-3"), ('a"b;c%.pdf', "a-b-c-.pdf"),
        ("note.pdf", "note.pdf"), ("x" * 400 + ".pdf", "x" * 111 + ".pdf"), ("e\u0301te\u0301.pdf", "été.pdf"),
    ],
)  # fmt: skip
def test_names_of_files_are_one_line_without_a_folder(given: str, name: str) -> None:
    assert reading.file_name(given, 3) == name


def test_the_type_is_ours_and_not_the_sender_s() -> None:
    raw = letter(("page.html", b"<script>"), ("faux.pdf", b"<script>"), ("vrai.PDF", b"%PDF-1.7"), ("note.txt", b"x"))
    kinds = {part.name: part.kind for part in reading.read(raw).parts}
    assert kinds == {"page.html": OTHER, "faux.pdf": OTHER, "vrai.PDF": PDF, "note.txt": "text/plain"}


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x00\xff\xfe", b"Subject: =?utf-8?b?!!?=\n\nx", b"Content-Type: text/plain; charset=nul\n\n\xe9",
        b'Content-Type: multipart/mixed; boundary="a"\n\n--a\n--a\n--a--', b"Content-Type: \xff\n\nx",
        b'Content-Type: text/plain\nContent-Disposition: attachment; filename*=x\'y\'%zz\n\nx',
        b"Content-Transfer-Encoding: base64\n\n====",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (one, one) for one in range(2000)),
    ],
)  # fmt: skip
def test_messages_that_are_none_are_read_as_far_as_they_go(raw: bytes) -> None:
    held = reading.read(raw)
    assert all(part.name for part in held.parts) and len(held.text) < 100
    assert reading.content(raw, 7) is None


def test_words_that_are_looked_for_hold_no_syntax_of_the_index() -> None:
    assert match('rentrée "2026" OR (subject: x) NEAR -y* ^') == (
        '"rentrée"* "2026"* "OR"* "subject"* "x"* "NEAR"* "y"*'
    )
    assert match("cœur_de") == '"coeur"* "de"*' and match('"*()^-') == ""
