"""The letters as a table for mail merge: CSV (`;`, UTF-8 with a mark), inert in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from malleposte.accounts.print.issue import Letter, Validity
from malleposte.core import spreadsheet

HEADER = ("UAI", "Établissement", "Commune", "Nom", "Prénom", "Identifiant", "Adresse", "Code INA", "Valable jusqu'au")


def render(letters: Iterable[Letter], validity: Validity) -> bytes:
    """The file. It holds codes: mode 0600."""
    lines = [spreadsheet.row(HEADER, quoted=True)]
    for letter in letters:
        to, school = letter.reader, letter.school
        row = (school.uai, school.name, school.place, to.surname, to.given_name, to.uid, to.mail, letter.code)
        lines.append(spreadsheet.row((*row, f"{validity.last:%d/%m/%Y}"), quoted=True))
    return (spreadsheet.MARK + "".join(lines)).encode()
