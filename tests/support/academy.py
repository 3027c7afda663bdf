"""A fictitious academy of any size, the same for the same seed: agents, schools, and files as HR systems write them.

Names are put together from common French first names and surnames, so that homonyms come as often as in life; no person
is meant. UAI codes begin with 999: no département has that number.
"""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openpyxl

FIRST = (
    "Marie Jeanne Françoise Monique Catherine Nathalie Isabelle Sylvie Élodie Céline Chloé Zoé Anaïs Maëlle "
    "Joëlle Noémie Agnès Hélène Inès Léa Jean Pierre Michel André Philippe René Louis Alain Jacques Bernard "
    "Marcel Daniel Roger Gérard Éric Loïc Gaël Benoît Jérôme Cédric Sébastien François Noël Théo Aurélien Rémi "
    "Hervé Clément Mathéo Yann Jean-Pierre Marie-Claude Anne-Sophie Jean-François Marie-Hélène Karim Fatima Nadia "
    "Mehdi Thi-Mai Władysław Søren"
).split()
LAST = (
    "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
    "David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François "
    "Martinez Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Nicolas Perrin Morin Mathieu "
    "Clément Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gérard Nguyen Boyer Denis Lemaire "
    "Duval Joly Gautier Roger Roche Roy Noël Meyer Lucas Meunier Jean Pérez Marchand Dufour Blanchard Marie "
    "Barbier Brun Dumas Brunet Schmitt Leroux Colas Müller Poincaré Crémieux Bœuf Nuñez Œuvrard"
).split()
PARTICLES = (
    "Le Goff",
    "de La Tour",
    "D'Artois",
    "O'Brien",
    "Saint-Étienne",
    "L’Héritier",
    "Van den Berghe",
    "Le Bihan",
)
CORPS = ("Professeur agrégé", "Professeur certifié", "Professeur des écoles", "Personnel de direction", "Attaché",
         "SAENES", "Adjoint administratif", "Infirmière", "Conseiller principal d'éducation", "Inspecteur")  # fmt: skip
DISCIPLINES = (
    "Lettres modernes",
    "Mathématiques",
    "Histoire-géographie",
    "Anglais",
    "EPS",
    "Physique-chimie",
    "SVT",
    "",
)
FUNCTIONS = ("Enseignant", "Principal", "Proviseur", "Secrétaire", "Gestionnaire", "Directeur d'école")
TOWNS = ("Dijon", "Nevers", "Mâcon", "Auxerre", "Beaune", "Sens", "Chalon-sur-Saône", "Cosne", "Le Creusot", "Avallon")
KINDS = ("École primaire", "École maternelle", "Collège", "Lycée", "Lycée professionnel")
HEADER = (
    "NUMEN",
    "Nom d'usage",
    "Prénom",
    "RNE",
    "Corps",
    "Discipline",
    "Fonction",
    "Profil",
    "Mél de secours",
    "Portable",
)
LIST_HEADER = ("Liste", "Intitulé", "Règle", "Émetteurs", "Débit")
SCHOOL_HEADER = ("Code UAI", "Dénomination", "Commune", "Code postal", "Département")
UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@dataclass(frozen=True)
class Academy:
    """Rows of agents and schools, each in the order of its header."""

    agents: tuple[tuple[str, ...], ...]
    schools: tuple[tuple[str, ...], ...]


def uai(number: int) -> str:
    """The UAI code of a school that does not exist."""
    digits = f"999{number:04d}"
    return digits + UAI_LETTERS[int(digits) % 23]


def academy(agents: int, schools: int, seed: int = 1) -> Academy:
    """An academy. Every NUMEN is another; about one name in thirty has a homonym at 3,000 agents, more beyond."""
    dice = random.Random(seed)
    codes = [uai(number) for number in range(1, schools + 1)]
    numens = set[str]()
    rows = tuple(_agent(dice, codes, numens) for _ in range(agents))
    places = tuple(
        (
            code,
            f"{dice.choice(KINDS)} {dice.choice(LAST)}",
            dice.choice(TOWNS),
            f"{dice.choice((21, 58, 71, 89))}000",
            "021",
        )
        for code in codes
    )
    return Academy(rows, places)


def _numen(dice: random.Random, given: set[str]) -> str:
    while True:
        code = (
            f"{dice.randint(1, 33):02d}{dice.choice('GEPA')}{dice.randint(70, 99)}{dice.randint(0, 99999):05d}"
            + "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3))
        )
        if code not in given:
            given.add(code)
            return code


def _agent(dice: random.Random, codes: list[str], numens: set[str]) -> tuple[str, ...]:
    surname = dice.choice(PARTICLES) if dice.random() < 0.04 else dice.choice(LAST)
    if dice.random() < 0.45:
        surname = f"{surname}-{dice.choice(LAST)}"
    where = "" if not codes else dice.choice(codes)
    if codes and dice.random() < 0.03:
        where = f"{where} {dice.choice(codes)}"
    personal = f"{dice.randint(1, 10**9):x}@exemple.test" if dice.random() < 0.5 else ""
    phone = f"06 {dice.randint(10, 69)} {dice.randint(10, 99)} {dice.randint(10, 99)} {dice.randint(10, 99)}"
    return (
        _numen(dice, numens),
        surname.upper() if dice.random() < 0.3 else surname,
        dice.choice(FIRST),
        where,
        dice.choice(CORPS),
        dice.choice(DISCIPLINES),
        dice.choice(FUNCTIONS),
        dice.choice(("convergence", "roundcube", "")),
        personal,
        phone if dice.random() < 0.3 else "",
    )


def render(
    header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], encoding: str = "utf-8", separator: str = ";"
) -> bytes:
    """A file as a system writes it. What Windows-1252 lacks is written without its accent there."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=separator)
    writer.writerow(header)
    writer.writerows(rows)
    text = target.getvalue()
    if encoding == "cp1252":
        text = text.translate(str.maketrans("łŁ", "lL"))
    return text.encode(encoding)


def workbook(*rows: tuple[object, ...]) -> bytes:
    """The same as a workbook of Excel's, with cells of any type."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def agents_file(whole: Academy, encoding: str = "utf-8", separator: str = ";") -> bytes:
    """The feed of agents."""
    return render(HEADER, whole.agents, encoding, separator)


def schools_file(whole: Academy) -> bytes:
    """The feed of schools."""
    return render(SCHOOL_HEADER, whole.schools)


def lists(count: int) -> Iterator[tuple[str, str]]:
    """Name and rule of distribution lists: by school, by corps, by discipline."""
    for number in range(1, count + 1):
        kind = ("uai", "corps", "discipline")[number % 3]
        value = {"uai": uai(number), "corps": CORPS[number % len(CORPS)], "discipline": DISCIPLINES[number % 7]}[kind]
        yield f"liste-{kind}-{number}", f"{kind}={value}"


def lists_file(count: int = 60) -> bytes:
    """The feed of distribution lists."""
    found = enumerate(lists(count))
    rows = tuple((name, f"Liste {name}", rule, "@staff", str(300 + number)) for number, (name, rule) in found)
    return render(LIST_HEADER, rows)
