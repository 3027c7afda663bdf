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
from malleposte.accounts.print.sheet import BLUE, FONTS, GREY, HEIGHT, LEFT, MM, RIGHT, Press, Sheet, capital
from malleposte.core.errors import InputError
from malleposte.platform import opening
from malleposte.platform.times import in_english, in_french


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


@dataclass(frozen=True)
class Words:
    """The purpose of a code: subject, reason, choice on the portal, last step; two of them in English."""

    subject: str
    reason: str
    choice: str
    last: str
    reason_en: str
    choice_en: str


ACTIVATION = Words(
    subject="activation de votre messagerie académique",
    reason="Un compte de messagerie vous est ouvert. Pour l’activer et choisir votre mot de passe",
    choice="Activer mon compte",
    last="choisissez un mot de passe ; vous pourrez ensuite lire votre courrier.",
    reason_en="A mail account is waiting for you",
    choice_en="Activate my account",
)
RESET = Words(
    subject="nouveau mot de passe de votre messagerie académique",
    reason="Votre compte de messagerie a besoin d’un nouveau mot de passe. Pour le choisir",
    choice="Identifiant ou mot de passe oublié",
    last="choisissez un nouveau mot de passe ; l’ancien ne servira plus.",
    reason_en="Your mail account needs a new password",
    choice_en="Forgotten log-in or password",
)


class Printer:
    """Prints letters; fonts are read once."""

    def __init__(self, platform: Platform, last: datetime.date, today: datetime.date, fonts: Path = FONTS) -> None:
        """Raises InputError when the fonts are not there."""
        self.press = Press(fonts)
        self.platform, self.last, self.today = platform, last, today

    def render(self, letters: Iterable[Letter]) -> bytes:
        """The PDF of a part, a page each."""
        several = list(letters)
        school = several[0].school
        target = io.BytesIO()
        names = " ".join(filter(None, (school.uai, school.name)))
        canvas = self.press.canvas(
            target,
            f"Codes INA – {names or self.platform.academy}",
            f"{capital(self.platform.academy)}, direction des systèmes d’information",
            "Comptes de messagerie : une page par agent, confidentiel",
        )
        canvas.showOutline()
        for letter in several:
            _Page(canvas, self, letter).draw()
            canvas.showPage()
        canvas.save()
        return target.getvalue()


class _Page(Sheet):
    """One page, drawn from the top."""

    def __init__(self, canvas: Any, printer: Printer, letter: Letter) -> None:
        super().__init__(canvas, printer.press)
        self.printer, self.letter = printer, letter
        self.platform, self.to = printer.platform, letter.reader
        self.words = RESET if letter.reader.reset else ACTIVATION

    def draw(self) -> None:
        """Head, address, text, code, help, English."""
        self.canvas.bookmarkPage(self.to.uid)
        self.canvas.addOutlineEntry(f"{self.to.surname} {self.to.given_name} ({self.to.uid})", self.to.uid)
        self.head(self.platform.academy, "Direction des systèmes d’information")
        self._address()
        self._french()
        self._code()
        self._account()
        self._help()
        self._english()

    # --- parts ---

    def _address(self) -> None:
        """In the window of a DL envelope (NF Z 10-011): 100 mm from the left, from 50 mm on."""
        school = self.letter.school
        self.y = HEIGHT - 52 * MM
        left = 105 * MM
        self.write("Personnel et confidentiel", face="Gras", size=9.5, keep=True)
        self.write(f"{self.to.given_name} {self.to.surname}", face="Gras", size=11, left=left)
        for text in (school.name, school.place, f"UAI {school.uai}" if school.uai else ""):
            if text:
                self.write(text, size=10.5, left=left)
        self.y = HEIGHT - 84 * MM
        self.write(f"Le {in_french(self.printer.today)}", size=10, left=left)
        self.y -= 10
        self.write(f"Objet : {self.words.subject}", face="Gras", size=11.5)
        self.y -= 10

    def _french(self) -> None:
        self.write("Madame, Monsieur,")
        self.y -= 7
        self.write(f"{self.words.reason}, munissez-vous de votre NUMEN et du code INA imprimé ci-dessous, puis :")
        self.y -= 4
        for number, text in enumerate(
            (
                f"rendez-vous sur {self.platform.portal} et choisissez « {self.words.choice} » ;",
                "saisissez votre NUMEN (13 caractères, connu de vous et de votre administration : il prouve que le "
                "compte est bien le vôtre), puis le code INA ;",
                self.words.last,
            ),
            1,
        ):
            self.write(f"{number}.", left=LEFT + 4 * MM, keep=True)
            self.write(text, left=LEFT + 11 * MM)
            self.y -= 2
        self.y -= 10

    def _code(self) -> None:
        height = 31 * MM
        top = self.y + 8
        self.canvas.saveState()
        self.canvas.setStrokeColorRGB(*BLUE)
        self.canvas.setLineWidth(1.2)
        self.canvas.roundRect(LEFT, top - height, RIGHT - LEFT, height, 5)
        self.canvas.restoreState()
        middle = (LEFT + RIGHT) / 2
        self.centred("Votre code INA", "Texte", 10, top - 7 * MM, middle)
        self.centred(self.letter.code, "Code", 34, top - 19 * MM, middle)
        self.centred(
            f"à usage unique, valable jusqu’au {in_french(self.printer.last)} inclus",
            "Texte",
            10,
            top - 27 * MM,
            middle,
        )
        self.y = top - height - 24

    def _account(self) -> None:
        for name, value in (("Identifiant", self.to.uid), ("Adresse", self.to.mail), ("Portail", self.platform.portal)):
            self.write(name, size=10, left=LEFT, grey=GREY, keep=True)
            self.write(value, face="Gras", size=10.5, left=LEFT + 32 * MM)
        self.y -= 10

    def _help(self) -> None:
        self.write(
            "Ce code et votre NUMEN sont personnels : ne les donnez à personne, même au téléphone. L’assistance ne "
            "vous demandera jamais ni l’un ni l’autre, ni votre mot de passe. Code perdu ou périmé : elle vous en fera "
            "parvenir un nouveau.",
            size=9.5,
        )
        self.y -= 6
        self.write("Assistance", size=10, grey=GREY, keep=True)
        self.write(f"{self.platform.phone} – {self.platform.mail}", face="Gras", size=10, left=LEFT + 32 * MM)
        self.write(self.platform.hours, size=9.5, left=LEFT + 32 * MM)

    def _english(self) -> None:
        self.y = min(self.y - 6, 38 * MM)
        self.rule(self.y + 12)
        self.write(
            f"In English – {self.words.reason_en}. Go to {self.platform.portal}, choose “{self.words.choice_en}”, "
            "enter your NUMEN (the 13 characters that identify you with your administration) and the INA "
            f"code above, which works once, until {in_english(self.printer.last)}. Give them to nobody: the help desk "
            "never asks for them, nor for your password. "
            f"Help: {self.platform.phone}, {self.platform.mail}, {self.platform.hours_en.rstrip('.')}.",
            size=8.5,
            grey=GREY,
        )
