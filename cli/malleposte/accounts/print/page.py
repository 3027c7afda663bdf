"""The page that an agent gets: A4, the address where a window envelope shows it, the code in large letters.

French first, English second. The file bears its language, a title and an outline, its text can be searched and read
aloud. Fonts are embedded: names of the whole of Europe are in them.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.accounts.print.issue import Letter
from malleposte.core.errors import InputError
from malleposte.platform import opening
from malleposte.platform.times import in_english, in_french

FONTS = Path("/usr/share/fonts/truetype/dejavu")
_FACES = {"Texte": "DejaVuSans.ttf", "Gras": "DejaVuSans-Bold.ttf", "Code": "DejaVuSansMono-Bold.ttf"}
_MM = 72 / 25.4
_WIDTH, _HEIGHT = 210 * _MM, 297 * _MM
_LEFT, _RIGHT = 20 * _MM, 190 * _MM
_GREY, _BLUE = 0.35, (0.0, 0.18, 0.42)


@dataclass(frozen=True)
class Platform:
    """The texts that every letter has."""

    academy: str
    portal: str
    phone: str
    mail: str
    hours: str
    hours_en: str

    @classmethod
    def of(cls, facts: Mapping[str, Any], where: str) -> Platform:
        """Read the platform's facts. Raises InputError."""
        try:
            support = facts["support"]
            french, english = opening.hours(support)
            return cls(
                academy=facts["academy"],
                portal=f"https://{facts['hostnames']['portal']}/",
                phone=support["phone"],
                mail=support["mail"],
                hours=french,
                hours_en=english,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {error} is missing in the settings of letters", "deploy again") from error


class Printer:
    """Prints letters; fonts are read once."""

    def __init__(self, platform: Platform, last: datetime.date, today: datetime.date, fonts: Path = FONTS) -> None:
        """Raises InputError when the fonts are not there."""
        # Imported here: the host of the directory alone has it.
        from reportlab.lib.utils import simpleSplit
        from reportlab.pdfbase import pdfmetrics, ttfonts

        self.platform, self.last, self.today = platform, last, today
        self._split = simpleSplit
        for face, file in _FACES.items():
            try:
                pdfmetrics.registerFont(ttfonts.TTFont(face, str(fonts / file)))
            except (OSError, ttfonts.TTFError) as error:
                raise InputError(f"{fonts / file}: {error}", "install fonts-dejavu-core") from error

    def render(self, letters: Iterable[Letter]) -> bytes:
        """The PDF of a part, a page each."""
        from reportlab.pdfgen.canvas import Canvas

        several = list(letters)
        school = several[0].school
        target = io.BytesIO()
        canvas = Canvas(target, pagesize=(_WIDTH, _HEIGHT), lang="fr-FR", pageCompression=1)
        names = " ".join(filter(None, (school.uai, school.name)))
        canvas.setTitle(f"Codes d’activation – {names or self.platform.academy}")
        canvas.setAuthor(f"{_capital(self.platform.academy)}, direction des systèmes d’information")
        canvas.setSubject("Activation des comptes de messagerie : une page par agent, confidentiel")
        canvas.setCreator("Malleposte")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        canvas.showOutline()
        for letter in several:
            _Page(canvas, self, letter).draw()
            canvas.showPage()
        canvas.save()
        return target.getvalue()

    def lines(self, text: str, face: str, size: float, width: float) -> list[str]:
        """A text in lines no wider than `width` points."""
        parts: list[str] = self._split(text, face, size, width)
        return parts


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class _Page:
    """One page, drawn from the top."""

    def __init__(self, canvas: Any, printer: Printer, letter: Letter) -> None:
        self.canvas, self.printer, self.letter = canvas, printer, letter
        self.platform, self.to = printer.platform, letter.reader
        self.y = _HEIGHT - 18 * _MM

    def draw(self) -> None:
        """Head, address, text, code, help, English."""
        self.canvas.bookmarkPage(self.to.uid)
        self.canvas.addOutlineEntry(f"{self.to.surname} {self.to.given_name} ({self.to.uid})", self.to.uid)
        self._head()
        self._address()
        self._french()
        self._code()
        self._account()
        self._help()
        self._english()

    # --- parts ---

    def _head(self) -> None:
        self._write(_capital(self.platform.academy), face="Gras", size=13, colour=_BLUE)
        self._write("Direction des systèmes d’information", size=9.5, grey=_GREY)
        self._rule(self.y + 2)

    def _address(self) -> None:
        """In the window of a DL envelope (NF Z 10-011): 100 mm from the left, from 50 mm on."""
        school = self.letter.school
        self.y = _HEIGHT - 52 * _MM
        left = 105 * _MM
        self._write("Personnel et confidentiel", face="Gras", size=9.5, keep=True)
        self._write(f"{self.to.given_name} {self.to.surname}", face="Gras", size=11, left=left)
        for text in (school.name, school.place, f"UAI {school.uai}" if school.uai else ""):
            if text:
                self._write(text, size=10.5, left=left)
        self.y = _HEIGHT - 84 * _MM
        self._write(f"Le {in_french(self.printer.today)}", size=10, left=left)
        self.y -= 10
        self._write("Objet : activation de votre messagerie académique", face="Gras", size=11.5)
        self.y -= 10

    def _french(self) -> None:
        self._write("Madame, Monsieur,")
        self.y -= 7
        self._write(
            "Un compte de messagerie vous est ouvert. Pour l’activer et choisir votre mot de passe, munissez-vous de "
            "votre NUMEN et du code INA imprimé ci-dessous, puis :"
        )
        self.y -= 4
        for number, text in enumerate(
            (
                f"rendez-vous sur {self.platform.portal} et choisissez « Activer mon compte » ;",
                "saisissez votre NUMEN (13 caractères, connu de vous et de votre administration : il prouve que le "
                "compte est bien le vôtre), puis le code INA ;",
                "choisissez un mot de passe ; vous pourrez ensuite lire votre courrier.",
            ),
            1,
        ):
            self._write(f"{number}.", left=_LEFT + 4 * _MM, keep=True)
            self._write(text, left=_LEFT + 11 * _MM)
            self.y -= 2
        self.y -= 10

    def _code(self) -> None:
        height = 31 * _MM
        top = self.y + 8
        self.canvas.saveState()
        self.canvas.setStrokeColorRGB(*_BLUE)
        self.canvas.setLineWidth(1.2)
        self.canvas.roundRect(_LEFT, top - height, _RIGHT - _LEFT, height, 5)
        self.canvas.restoreState()
        middle = (_LEFT + _RIGHT) / 2
        self._centred("Votre code INA", "Texte", 10, top - 7 * _MM, middle)
        self._centred(self.letter.code, "Code", 34, top - 19 * _MM, middle)
        self._centred(
            f"à usage unique, valable jusqu’au {in_french(self.printer.last)} inclus",
            "Texte",
            10,
            top - 27 * _MM,
            middle,
        )
        self.y = top - height - 24

    def _account(self) -> None:
        for name, value in (("Identifiant", self.to.uid), ("Adresse", self.to.mail), ("Portail", self.platform.portal)):
            self._write(name, size=10, left=_LEFT, grey=_GREY, keep=True)
            self._write(value, face="Gras", size=10.5, left=_LEFT + 32 * _MM)
        self.y -= 10

    def _help(self) -> None:
        self._write(
            "Ce code et votre NUMEN sont personnels : ne les donnez à personne, même au téléphone. L’assistance ne "
            "vous demandera jamais ni l’un ni l’autre, ni votre mot de passe. Code perdu ou périmé : elle vous en fera "
            "parvenir un nouveau.",
            size=9.5,
        )
        self.y -= 6
        self._write("Assistance", size=10, grey=_GREY, keep=True)
        self._write(f"{self.platform.phone} – {self.platform.mail}", face="Gras", size=10, left=_LEFT + 32 * _MM)
        self._write(self.platform.hours, size=9.5, left=_LEFT + 32 * _MM)

    def _english(self) -> None:
        self.y = min(self.y - 6, 38 * _MM)
        self._rule(self.y + 12)
        self._write(
            f"In English – A mail account is waiting for you. Go to {self.platform.portal}, choose “Activate my "
            "account”, enter your NUMEN (the 13 characters that identify you with your administration) and the INA "
            f"code above, which works once, until {in_english(self.printer.last)}. Give them to nobody: the help desk "
            "never asks for them, nor for your password. "
            f"Help: {self.platform.phone}, {self.platform.mail}, {self.platform.hours_en.rstrip('.')}.",
            size=8.5,
            grey=_GREY,
        )

    # --- strokes ---

    def _write(
        self, text: str, *, face: str = "Texte", size: float = 10.5, left: float = _LEFT, grey: float = 0.0,
        colour: tuple[float, float, float] | None = None, keep: bool = False,
    ) -> None:  # fmt: skip
        """Lines from `self.y` down; `keep` stays on the line."""
        self.canvas.setFont(face, size)
        self.canvas.setFillColorRGB(*(colour or (grey, grey, grey)))
        y = self.y
        for line in self.printer.lines(text, face, size, _RIGHT - left):
            self.canvas.drawString(left, y, line)
            y -= size * 1.4
        if not keep:
            self.y = y

    def _centred(self, text: str, face: str, size: float, y: float, middle: float) -> None:
        self.canvas.setFont(face, size)
        self.canvas.setFillColorRGB(0, 0, 0)
        self.canvas.drawCentredString(middle, y, text)

    def _rule(self, y: float) -> None:
        self.canvas.setStrokeColorRGB(*_BLUE)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(_LEFT, y, _RIGHT, y)
