"""The state in the words of the page: figures, graphs and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import g
from malleposte.watch.state.document import HOST, Row, State

from malleposte_portal.core import words
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.languages import translate_number
from malleposte_portal.state import drawing

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
EACH = 4
"""A row of a table stands for so many points of its graph: an hour of a day, a day of thirty."""
OLD_QUEUE = 5 * MINUTE
TITLES: Mapping[str, str] = {
    "deliveries": "Messages distribués",
    "refusals": "Messages refusés par le filtre",
    "log_ins": "Connexions réussies",
    "failures": "Connexions refusées",
    "acts": "Actes sur des comptes",
    "queue": "Âge du plus vieux message en file",
    "paths": "Chemins de la sonde qui fonctionnent",
    "room": "Place libre du disque le plus rempli",
}
"""By the names of `malleposte.watch.state.table.HISTORY`."""
UNMEASURED = "non mesuré"


def number(value: float) -> str:
    """A number as people write it, with a decimal where it is small."""
    text = f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:,.1f}"
    return text.replace(",", "\u202f").replace(".", ",") if g.language == "fr" else text


def rate(value: float) -> str:
    """Events in an hour."""
    return _("%(number)s par heure", number=number(value))


def percent(value: float) -> str:
    """A share of a hundred."""
    return _("%(number)s %%", number=number(value))


def duration(seconds: float) -> str:
    """A length of time in the largest unit of which there are two."""
    if seconds >= 2 * DAY:
        return translate_number("%(number)d jour", "%(number)d jours", round(seconds / DAY))
    if seconds >= 2 * HOUR:
        return translate_number("%(number)d heure", "%(number)d heures", round(seconds / HOUR))
    if seconds >= 2 * MINUTE:
        return translate_number("%(number)d minute", "%(number)d minutes", round(seconds / MINUTE))
    return translate_number("%(number)d seconde", "%(number)d secondes", max(round(seconds), 0))


UNITS: Mapping[str, Callable[[float], str]] = {"queue": duration, "paths": percent, "room": percent}
"""The others are rates."""


@dataclass(frozen=True)
class Curve:
    """A graph: its span in words, a sentence that says the same, lines of SVG, rows of the table below it."""

    span: str
    sentence: str
    lines: Sequence[str]
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Graph:
    """A history, drawn over a day and over thirty."""

    name: str
    title: str
    curves: Sequence[Curve]


def curve(title: str, span: str, values: Sequence[float | None], step: float, end: float, unit: Callable[[float], str],
          when: Callable[[float], str]) -> Curve:  # fmt: skip
    """A graph of values that are `step` seconds apart until `end` (seconds since 1970)."""
    measures = [
        (value, end - (len(values) - 1 - place) * step) for place, value in enumerate(values) if value is not None
    ]
    if not measures:
        return Curve(span, _("%(title)s, %(span)s : aucune mesure.", title=title, span=span), (), ())
    most, at = max(measures, key=lambda one: one[0])
    last, last_at = measures[-1]
    sentence = _(
        "%(title)s, %(span)s : au plus %(most)s (%(at)s), en dernier %(last)s (%(last_at)s).",
        title=title, span=span, most=unit(most), at=words.moment(at), last=unit(last), last_at=words.moment(last_at),
    )  # fmt: skip
    places = range(len(values) - 1, -1, -EACH)
    rows = [(when(end - (len(values) - 1 - place) * step), _formatted(values[place], unit)) for place in places]
    return Curve(span, sentence, drawing.lines(values, 100.0 if unit is percent else most), rows)


def _formatted(value: float | None, unit: Callable[[float], str]) -> str:
    return _(UNMEASURED) if value is None else unit(value)


class View:
    """A state for the template."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.alone = state.kind == HOST
        self.loud = [one for one in state.alarms if not one.silenced]
        self.pages = [one for one in self.loud if one.severity == "page"]

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a table; none where it was not measured."""
        return self.state.tables.get(table, ())

    @property
    def graphs(self) -> list[Graph]:
        """The histories, in the order of their titles."""
        state, graphs = self.state, []
        for name, title in TITLES.items():
            if name not in state.history:
                continue
            one, unit, words_of = state.history[name], UNITS.get(name, rate), _(title)
            curves = [
                curve(words_of, _("24 heures"), one.day, state.day_step, state.at, unit, words.moment),
                curve(words_of, _("30 jours"), one.month, state.month_step, state.at, unit, words.day),
            ]
            graphs.append(Graph(name, words_of, curves))
        return graphs

    @property
    def figures(self) -> list[tuple[str, str]]:
        """The lines of figures: the name of each, and its value."""
        today = _("%(title)s, depuis 24 heures")
        counts = [
            (today % {"title": _(TITLES[name])}, self._one(f"{name}_today", number))
            for name in ("deliveries", "refusals", "log_ins", "failures", "acts")
        ]
        return [
            *([] if self.alone else counts),
            (_("Plus vieux message en file"), self._most("queues", duration)),
            (_("Premier disque plein"), self._least("disks_days", self._days)),
            (_("Dernière archive de la source la plus en retard"), self._least("backups", self._since)),
            (_("Dernière restauration prouvée, de l’hôte le plus en retard"), self._least("restores", self._since)),
            (_("Dernier passage de la sonde"), self._most("probe_last", self._since)),
        ]

    def _one(self, table: str, unit: Callable[[float], str]) -> str:
        rows = self.rows(table)
        return unit(sum(one.value for one in rows)) if rows else _(UNMEASURED)

    def _least(self, table: str, unit: Callable[[float], str]) -> str:
        rows = self.rows(table)
        if table == "disks_days" and table in self.state.tables and not rows:
            return _("aucun dans l’année")
        least = min(rows, key=lambda one: one.value, default=None)
        return _named(least, unit) if least else _(UNMEASURED)

    def _most(self, table: str, unit: Callable[[float], str]) -> str:
        most = max(self.rows(table), key=lambda one: one.value, default=None)
        return _named(most, unit) if most else _(UNMEASURED)

    @staticmethod
    def _days(days: float) -> str:
        return _("dans %(duration)s", duration=duration(days * DAY))

    @staticmethod
    def _since(moment: float) -> str:
        return words.moment(moment) if moment else _("jamais")

    @property
    def disks(self) -> list[tuple[str, str, str, str]]:
        """Of each disk: host, place, free room, when it is full at the pace of three days."""
        days = {(one.host, one.what): one.value for one in self.rows("disks_days")}
        return [
            (one.host, one.what, percent(100 * one.value), self._days(days[one.host, one.what])
             if (one.host, one.what) in days else _("pas dans l’année"))
            for one in self.rows("disks_free")
        ]  # fmt: skip

    @property
    def queues(self) -> list[tuple[str, str, str, bool]]:
        """Of each queue: host, name, age of the oldest message, whether it is old."""
        return [
            (one.host, one.what, duration(one.value) if one.value else _("vide"), one.value > OLD_QUEUE)
            for one in self.rows("queues")
        ]

    @property
    def backups(self) -> list[tuple[str, str, str]]:
        """Of each source: host, vault and source, last archive."""
        return [(one.host, one.what, self._since(one.value)) for one in self.rows("backups")]

    @property
    def acts(self) -> list[tuple[str, str]]:
        """Of each act of a day: its name, how often."""
        counts = sorted(((one.what, one.value) for one in self.rows("acts_today")), key=lambda one: (-one[1], one[0]))
        return [(name, number(round(value))) for name, value in counts if round(value)]


def _named(row: Row, unit: Callable[[float], str]) -> str:
    """A value with its place."""
    place = " ".join(one for one in (row.host, row.what) if one)
    return _("%(value)s (%(place)s)", value=unit(row.value), place=place) if place else unit(row.value)
