"""The prints of a convocation: an agent's « ordre de mission » by the academy's template, and the office's report."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Sequence

from malleposte.accounts.convocations.letter import spoken
from malleposte.accounts.convocations.model import Convocation, Invitee, OrderText
from malleposte.accounts.print.sheet import BLUE, GREY, HEIGHT, LEFT, MM, Press, Sheet, capital
from malleposte.platform.times import in_french

_BOTTOM = 22 * MM
_COLUMNS = (0, 62 * MM, 118 * MM)
"""The places of the columns of the report."""


class Printer:
    """Prints for an academy; fonts are read once."""

    def __init__(self, academy: str, order: OrderText, press: Press | None = None) -> None:
        """Raises InputError when the fonts are not there."""
        self.academy, self.template, self.press = academy, order, press or Press()

    def order(self, one: Convocation, invitee: Invitee, today: datetime.date) -> bytes:
        """Return an agent's order, a page."""
        title, name = self.template.title, invitee.person.name or invitee.person.address
        target = io.BytesIO()
        canvas = self.press.canvas(target, f"{title} – {name}", capital(self.academy), invitee.event.title)
        sheet = Sheet(canvas, self.press)
        sheet.head(self.academy, one.title)
        sheet.y -= 12 * MM
        sheet.write(title, face="Gras", size=18, colour=BLUE)
        sheet.y -= 4 * MM
        sheet.write(f"Le {in_french(today)}", size=10, grey=GREY)
        sheet.y -= 6 * MM
        event = invitee.event
        words = {
            "name": name, "title": event.title, "when": capital(spoken(event)), "place": event.place,
            "text": event.text, "office": one.title, "academy": self.academy,
        }  # fmt: skip
        for paragraph in self.template.filled(words).split("\n\n"):
            for line in paragraph.splitlines():
                if sheet.y < _BOTTOM:
                    canvas.showPage()
                    sheet = Sheet(canvas, self.press)
                if line.strip():
                    sheet.write(line, face="Gras" if line == event.title else "Texte", size=11)
            sheet.y -= 3 * MM
        if self.template.signature:
            sheet.y -= 8 * MM
            for line in self.template.signature.splitlines():
                sheet.write(line, size=11, left=110 * MM)
        canvas.showPage()
        canvas.save()
        return target.getvalue()

    def report(
        self, one: Convocation, head: Sequence[str], rows: Iterable[tuple[str, str, str]], today: datetime.date
    ) -> bytes:
        """Return the report: lines at its head, then a row an agent (name, when, answer)."""
        target = io.BytesIO()
        title = f"Réponses à la convocation «\N{NO-BREAK SPACE}{one.name}\N{NO-BREAK SPACE}»"
        canvas = self.press.canvas(target, title, capital(self.academy), one.title)
        sheet = self._page(canvas, one)
        sheet.write(title, face="Gras", size=14, colour=BLUE)
        for line in (f"État au {in_french(today)}", *head):
            sheet.write(line, size=10)
        sheet.y -= 4 * MM
        for row in rows:
            cells = [self.press.lines(text, "Texte", 9, 54 * MM) or [""] for text in row]
            height = max(map(len, cells)) * 9 * 1.4
            if sheet.y - height < _BOTTOM:
                canvas.showPage()
                sheet = self._page(canvas, one)
            for text, place in zip(row, _COLUMNS, strict=True):
                top = sheet.y
                for line in self.press.lines(text, "Texte", 9, 54 * MM):
                    sheet.write(line, size=9, left=LEFT + place)
                sheet.y = top
            sheet.y -= height + 2
        canvas.showPage()
        canvas.save()
        return target.getvalue()

    def _page(self, canvas: object, one: Convocation) -> Sheet:
        sheet = Sheet(canvas, self.press)
        sheet.y = HEIGHT - 18 * MM
        sheet.head(self.academy, one.title)
        sheet.y -= 6 * MM
        return sheet
