"""Whether a host gets Debian's security updates, by the words of apt on that host (apt-cache(8), apt-get(8)).

What counts is what unattended-upgrades takes (role base): packages of a suite that Debian signs, whose Release file has
the label `Debian-Security`. A mirror or a proxy that hands on Debian's own Release files passes under any address; one
that writes them anew does not, since unattended-upgrades would take nothing of it either.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

NOTE = Path("/var/lib/malleposte/security-updates.json")
"""On a host: when its package lists were last read, and what waited then, since when (program `updates`)."""
ORIGIN, LABEL = "Debian", "Debian-Security"
DAY = 86_400.0
SIMULATED = ("apt-get", "-s", "-qq", "dist-upgrade")
QUESTION = f"""
export LC_ALL=C; . /etc/os-release; echo "apt_codename=$VERSION_CODENAME"
echo "apt_policy=$(timeout 40 apt-cache policy 2>/dev/null | base64 -w0)"
echo "apt_installed=$(dpkg-query -W -f '${{Package}} ${{Version}}\\n' 2>/dev/null | base64 -w0)"
lists=/var/lib/apt/lists; stamps=/var/lib/apt/periodic
signed=$(grep -ls '^Label: {LABEL}$' $lists/*Release 2>/dev/null | head -n1)
if [ -n "$signed" ]; then echo "apt_until=$(sed -n 's/^Valid-Until: //p;/^SHA256:/q' "$signed")"; fi
echo "apt_read=$(stat -c %Y $stamps/update-success-stamp $stamps/update-stamp 2>/dev/null | sort -n | tail -n1)"
echo "apt_listed=$(stat -c %Y $lists/*Release 2>/dev/null | sort -n | tail -n1)"
echo "apt_note=$(base64 -w0 {NOTE} 2>/dev/null)"
"""
"""For a shell on the host, as any user; it changes nothing. Its answers are lines `apt_NAME=VALUE`, texts in base64."""

_SOURCE = re.compile(r"^ *(-?\d+) (\S+) (\S+) \S+ Packages\n +release (\S.*)$", re.MULTILINE)
_WAITS = re.compile(rf"^Inst (\S+) \[(\S+)\] \((\S+) [^\[]*\b{LABEL}:", re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """Days for which package lists may be old, and for which a security update may wait."""

    read: float
    waits: float


SOON = Limits(2, 2)
"""Beyond these a warning: lists are read, and updates installed, once a day."""
LATE = Limits(7, 7)
"""Beyond these a fault: after seven days apt takes Debian's security lists for expired (`Valid-Until`)."""


@dataclass(frozen=True)
class Waiting:
    """A security update that is not installed: the version that is, and since when it waits (seconds since 1970)."""

    package: str
    installed: str
    version: str
    since: float = 0


@dataclass(frozen=True)
class Updates:
    """The state of a host's security updates. Times are seconds since 1970, 0 for never or unknown."""

    suites: tuple[str, ...] = ()
    """The sources of security updates, in apt's words: address and suite."""
    read: float = 0
    until: float = 0
    """The end of the lists' validity, as Debian signed it."""
    waiting: tuple[Waiting, ...] = ()

    def faults(self, limits: Limits, now: float) -> list[str]:
        """Return what keeps the host from security updates, a line each."""
        if not self.suites:
            return [f"no security updates: no suite with the label {LABEL} is among its apt sources that were read"]
        lines: list[str] = []
        if not self.read:
            lines.append("no security updates: its package lists were never read")
        elif now - self.read > limits.read * DAY:
            lines.append(
                f"its package lists were last read {_day(self.read)}, {(now - self.read) / DAY:.0f} days ago; look "
                "there at `apt-get update` and `systemctl status apt-daily.timer`"
            )
        if self.until and now > self.until:
            lines.append(f"its security lists ended {_day(self.until)}: {self.suites[0]} hands out old ones")
        late = [one for one in self.waiting if now - one.since > limits.waits * DAY]
        if late:
            lines.append(f"{_waits(late)}; {HINT}")
        return lines

    def summary(self) -> str:
        """Return what waits, in a line; empty where nothing does."""
        return _waits(self.waiting) if self.waiting else ""


HINT = (
    "`malleposte upgrade` installs those of the platform's daemons, unattended-upgrades the others "
    "(journalctl -u apt-daily-upgrade)"
)


def _waits(waiting: Sequence[Waiting]) -> str:
    names = ", ".join(one.package for one in waiting[:5]) + (" …" if len(waiting) > 5 else "")
    since = _day(min(one.since for one in waiting))
    return f"{len(waiting)} security update{'s' if len(waiting) > 1 else ''} waiting since {since}: {names}"


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def suites(policy: str, codename: str) -> tuple[str, ...]:
    """The security sources in an output of `apt-cache policy`: those of this release that are not pinned away."""
    sources = []
    for priority, address, suite, release in _SOURCE.findall(policy):
        fields = dict(word.partition("=")[::2] for word in release.split(","))
        ours = (fields.get("o"), fields.get("l")) == (ORIGIN, LABEL)
        if ours and fields.get("n") in (codename, f"{codename}-security") and int(priority) > 0:
            sources.append(f"{address} {suite.partition('/')[0]}")
    return tuple(dict.fromkeys(sources))


def waiting(simulated: str, now: float, before: Iterable[Waiting] = ()) -> list[Waiting]:
    """The security updates in an output of `apt-get -s dist-upgrade`; what waited `before` keeps its time."""
    since = {(one.package, one.installed): one.since for one in before}
    return [
        Waiting(package, installed, version, since.get((package, installed), now))
        for package, installed, version in _WAITS.findall(simulated)
    ]


@dataclass(frozen=True)
class Note:
    """A host's note: when its lists were read (seconds since 1970), and what waited then."""

    read: float = 0
    waiting: tuple[Waiting, ...] = ()

    def text(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Note:
        """Read it. Raises ValueError where it is none."""
        try:
            document = json.loads(text)
            return cls(float(document["read"]), tuple(Waiting(**one) for one in document["waiting"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a note of updates: {error}") from error


def read(answers: Mapping[str, str]) -> Updates | None:
    """A host's answers to QUESTION; None where it was not asked. Raises ValueError where apt gave no answer."""
    if "apt_policy" not in answers:
        return None
    policy = _text(answers["apt_policy"])
    if not policy:
        raise ValueError("apt gives no answer: look there at `apt-cache policy`")
    try:
        note = Note.of(_text(answers.get("apt_note", "")))
    except ValueError:  # it was never written, or was cut off: begun anew by the next reading of the lists
        note = Note()
    lines = _text(answers.get("apt_installed", "")).splitlines()
    installed = {(package, version) for package, _blank, version in (line.partition(" ") for line in lines)}
    return Updates(
        suites(policy, answers.get("apt_codename", "")),
        max(note.read, _number(answers.get("apt_read", ""))) or _number(answers.get("apt_listed", "")),
        _moment(answers.get("apt_until", "")),
        tuple(one for one in note.waiting if (one.package.partition(":")[0], one.installed) in installed),
    )


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _number(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


def _moment(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return 0.0
