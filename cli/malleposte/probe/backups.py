"""The paths `backup-<vault>`: whether every host's last archives at that vault are fresh, and its last check too.

Each host that sends backups is asked over ssh what its last runs gave (`malleposte backup list --json`); the vaults
themselves are not asked. A platform without vaults has no such path.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError, MallepostError
from malleposte.fleet import remote
from malleposte.platform.times import local

from .model import Result, Status

PREFIX = "backup-"
HINT = "type: malleposte backup run"


@dataclass(frozen=True)
class Limits:
    """The greatest age of the last archive of a source (hours) and of the last check of a backup server (days)."""

    hours: float = 30
    days: float = 8


@dataclass(frozen=True)
class Seen:
    """A host's report on one backup server: faults, a line each; or the count of archives and the age in hours."""

    faults: tuple[str, ...] = ()
    archives: int = 0
    age: float = 0


def judge(of_vault: Mapping[str, Any], limits: Limits, now: datetime) -> Seen:
    """Judge a host's state of one backup server (an entry of `vaults`, malleposte.backup.archive.state)."""
    ages: dict[str, float] = {}
    never: dict[str, list[str]] = {}
    for name, entry in of_vault.get("sources", {}).items():
        if "success" in entry:
            ages[name] = hours(entry["success"]["start"], now)
        elif entry["attempt"]["state"] == "error":
            never.setdefault(entry["attempt"]["error"], []).append(name)
    faults = [f"{few(names)} never archived: {error}" for error, names in never.items()]
    if not ages and not faults:
        return Seen((f"no archive yet; {HINT}",))
    stale = {name: age for name, age in ages.items() if age > limits.hours}
    if stale:
        oldest = max(stale.values())
        failed = [one["attempt"]["error"] for name, one in of_vault["sources"].items() if name in stale]
        why = next((f"; {error}" for error in failed if error), "")
        faults.append(f"{few(stale)}: last archive {oldest:.0f} h old (limit {limits.hours:g}){why}")
    checked = of_vault.get("checked")
    begun = checked["end"] if checked else of_vault.get("since")
    if checked and not checked["ok"]:
        faults.append(f"its check of {local(checked['end'])} found faults")
    elif begun and hours(begun, now) > limits.days * 24:
        what = "last check" if checked else "never checked, first archive"
        faults.append(f"{what} {hours(begun, now) / 24:.0f} days old (limit {limits.days:g})")
    return Seen(tuple(faults), len(ages), max(ages.values(), default=0))


def few(names: Collection[str]) -> str:
    """Some of the names, and how many more there are."""
    first = sorted(names)[:3]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")


def hours(text: str, now: datetime) -> float:
    """Hours since a time of the state, which is UTC whether it says so or not."""
    moment = datetime.fromisoformat(text)
    return (now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds() / 3600


def result(
    vault: str, answers: Mapping[str, Mapping[str, Any] | str], limits: Limits, now: datetime, ms: int
) -> Result:
    """The path of one vault from the answers of the hosts; a text is why a host gave none."""
    faults: list[str] = []
    seen: list[Seen] = []
    for host, answer in answers.items():
        if isinstance(answer, str):
            faults.append(answer)
            continue
        one = judge(answer.get("vaults", {}).get(vault, {}), limits, now)
        faults += [f"{host}: {line}" for line in one.faults]
        seen.append(one)
    if faults:
        return Result(f"{PREFIX}{vault}", Status.FAILED, ms, "; ".join(faults))
    number, oldest = sum(one.archives for one in seen), max((one.age for one in seen), default=0)
    return Result(
        f"{PREFIX}{vault}", Status.OK, ms, f"{len(seen)} hosts, {number} archives, the oldest {oldest:.0f} h old"
    )


def ask(place: remote.Place) -> Mapping[str, Any] | str:
    """Return the results of a host's last runs, or the reason why it does not give them."""
    try:
        code, answer = place.answer(["backup", "list", "--json"])
    except MallepostError as error:
        return str(error)
    return answer if code == 0 else f"{place.name}: `malleposte backup list` ended with {code}"


def fresh(vaults: Sequence[str], answer: Mapping[str, Any]) -> bool:
    """Whether a host that gave this answer has nothing to mend at any of these vaults."""
    now = datetime.now(UTC)
    return not any(judge(answer["vaults"].get(name, {}), Limits(), now).faults for name in vaults)


def walk(inventory: Path, only: Sequence[str] = (), limits: Limits | None = None) -> Iterator[Result]:
    """The paths of all vaults, or those named. Raises InputError on a name that is none of them."""
    vaults, clients = remote.backups(inventory)
    names = {f"{PREFIX}{name}" for name in vaults}
    unknown(only, names)
    if not names:
        return
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip((one.name for one in clients), pool.map(ask, clients), strict=True))
    ms = round((time.monotonic() - begun) * 1000)
    for name in vaults:
        if not only or f"{PREFIX}{name}" in only:
            yield result(name, answers, limits or Limits(), datetime.now(UTC), ms)


def unknown(only: Sequence[str], names: Collection[str]) -> None:
    """Raises InputError on a name that no vault bears."""
    for name in only:
        if name not in names:
            raise InputError(f"no path {name!r}", f"known are {', '.join(sorted(names)) or 'none: there is no vault'}")
