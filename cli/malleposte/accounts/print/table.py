"""The letters as a table for mail merge: CSV (`;`, UTF-8 with a mark), inert in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from malleposte.accounts.feed.rejects import inert
from malleposte.accounts.print.issue import Letter, Validity

HEADER = ("UAI", "Établissement", "Commune", "Nom", "Prénom", "Identifiant", "Adresse", "Code INA", "Valable jusqu'au")


def render(letters: Iterable[Letter], validity: Validity) -> bytes:
    """The file. It holds codes: mode 0600."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER)
    for letter in letters:
        to, school = letter.reader, letter.school
        row = (school.uai, school.name, school.place, to.surname, to.given_name, to.uid, to.mail, letter.code)
        writer.writerow([*map(inert, row), f"{validity.last:%d/%m/%Y}"])
    return ("\ufeff" + target.getvalue()).encode()
