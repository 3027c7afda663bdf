"""The automatic answer of an agent outside the hours: when the agent reads, in French, to colleagues alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from malleposte.accounts.mailbox.hours.model import MIDNIGHT, Hours, Slot

SUBJECT = "Réponse automatique : je lis mes messages pendant mes horaires"
DAYS = 3
"""Days after which the same colleague gets one again."""
HANDLE = "malleposte-hours"
_WEEK = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_WHOLE = 7


def text(hours: Hours) -> str:
    """Return the words of the answer, on several lines."""
    lines = ["Bonjour,", "", "Votre message est arrivé. Il m’attend jusqu’à mes prochaines heures de lecture."]
    if hours.on:
        lines += ["", "Je lis mes messages :", *(f"- {line}" for line in readings(hours))]
    return "\n".join(
        [*lines, "", "Cette réponse est automatique. Si c’est urgent, téléphonez-moi ou appelez mon service."]
    )


def readings(hours: Hours) -> list[str]:
    """Return the times at which mail comes, a line each."""
    return list(dict.fromkeys(_readings(hours)))


def _readings(hours: Hours) -> Iterator[str]:
    for slot in hours.slots:
        if hours.rounds:
            yield f"{_days(slot.days)} à {_listed([_hour(one) for one in hours.rounds])}"
        else:
            yield f"{_days(slot.days)} {_span(slot)}"


def _span(slot: Slot) -> str:
    whole = (slot.begin, slot.end) == ("00:00", MIDNIGHT)
    return "toute la journée" if whole else f"de {_hour(slot.begin)} à {_hour(slot.end)}"


def _days(days: Sequence[int]) -> str:
    if len(days) == _WHOLE:
        return "tous les jours"
    names = [_WEEK[day - 1] for day in days]
    together = days[-1] - days[0] == len(days) - 1
    return f"du {names[0]} au {names[-1]}" if together and len(days) > 2 else f"le {_listed(names)}"


def _listed(parts: Sequence[str]) -> str:
    return " et ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _hour(time: str) -> str:
    if time == MIDNIGHT:
        return "minuit"
    hour, minute = time.split(":")
    return f"{int(hour)} h {minute}" if minute != "00" else f"{int(hour)} h"
