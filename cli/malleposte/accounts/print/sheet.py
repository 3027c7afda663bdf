"""A sheet of paper, A4, drawn from the top: what all prints of the academy have in common.

The file bears its language and a title, its text can be searched and read aloud. Fonts are embedded: names of the whole
of Europe are in them.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError

FONTS = Path("/usr/share/fonts/truetype/dejavu")
_FACES = {"Texte": "DejaVuSans.ttf", "Gras": "DejaVuSans-Bold.ttf", "Code": "DejaVuSansMono-Bold.ttf"}
MM = 72 / 25.4
WIDTH, HEIGHT = 210 * MM, 297 * MM
LEFT, RIGHT = 20 * MM, 190 * MM
GREY, BLUE = 0.35, (0.0, 0.18, 0.42)


def capital(text: str) -> str:
    """Return a text with a capital at its head."""
    return text[:1].upper() + text[1:]


class Press:
    """A printer, which reads its fonts once."""

    def __init__(self, fonts: Path = FONTS) -> None:
        """Raises InputError when the fonts are not there."""
        # Imported here: the host of the directory alone has it.
        from reportlab.lib.utils import simpleSplit
        from reportlab.pdfbase import pdfmetrics, ttfonts

        self._split = simpleSplit
        for face, file in _FACES.items():
            try:
                pdfmetrics.registerFont(ttfonts.TTFont(face, str(fonts / file)))
            except (OSError, ttfonts.TTFError) as error:
                raise InputError(f"{fonts / file}: {error}", "install fonts-dejavu-core") from error

    def canvas(self, target: io.BytesIO, title: str, author: str, subject: str) -> Any:
        """Return a new file."""
        from reportlab.pdfgen.canvas import Canvas

        canvas = Canvas(target, pagesize=(WIDTH, HEIGHT), lang="fr-FR", pageCompression=1)
        canvas.setTitle(title)
        canvas.setAuthor(author)
        canvas.setSubject(subject)
        canvas.setCreator("Malleposte")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        return canvas

    def lines(self, text: str, face: str, size: float, width: float) -> list[str]:
        """Return a text in lines no wider than `width` points."""
        split: list[str] = self._split(text, face, size, width)
        return split


class Sheet:
    """One page; `y` is where the next line goes."""

    def __init__(self, canvas: Any, press: Press) -> None:
        """Begin at its top."""
        self.canvas, self.press = canvas, press
        self.y = HEIGHT - 18 * MM

    def head(self, above: str, below: str) -> None:
        """Write the sender, and a rule under it."""
        self.write(capital(above), face="Gras", size=13, colour=BLUE)
        self.write(below, size=9.5, grey=GREY)
        self.rule(self.y + 2)

    def write(
        self, text: str, *, face: str = "Texte", size: float = 10.5, left: float = LEFT, grey: float = 0.0,
        colour: tuple[float, float, float] | None = None, keep: bool = False,
    ) -> None:  # fmt: skip
        """Write lines from `y` down; `keep` stays on the line."""
        self.canvas.setFont(face, size)
        self.canvas.setFillColorRGB(*(colour or (grey, grey, grey)))
        y = self.y
        for line in self.press.lines(text, face, size, RIGHT - left):
            self.canvas.drawString(left, y, line)
            y -= size * 1.4
        if not keep:
            self.y = y

    def centred(self, text: str, face: str, size: float, y: float, middle: float) -> None:
        """Write a line around a place."""
        self.canvas.setFont(face, size)
        self.canvas.setFillColorRGB(0, 0, 0)
        self.canvas.drawCentredString(middle, y, text)

    def rule(self, y: float) -> None:
        """Draw a line across."""
        self.canvas.setStrokeColorRGB(*BLUE)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(LEFT, y, RIGHT, y)
