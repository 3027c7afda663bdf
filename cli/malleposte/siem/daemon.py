"""Send log-ins, refusals and acts of this host's journals to the academy's SIEM (role siem).

Usage: siem [--check] FILE
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from malleposte.core.errors import ExitCode
from malleposte.core.loops import named
from malleposte.runtime import durable, kit, settings
from malleposte.siem import ecs, follow
from malleposte.siem.follow import Place
from malleposte.siem.send import Receiver

PAUSE = 2.0
"""Seconds between two looks at the journals."""
LONGEST_PAUSE = 60.0
"""Seconds between two tries while the receiver is away."""
CREDENTIAL = "uid-key"


@dataclass(frozen=True)
class Settings:
    """The receiver, this host's name, and the journals by kind (`ecs.ACTS`, `ecs.EVENTS`).

    `keyed`: accounts are named by a digest; the key is a credential of the unit.
    """

    host: str
    port: int
    name: str
    ca: str = ""
    keyed: bool = False
    journals: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    def namer(self) -> ecs.Namer:
        """The way in which accounts are named. Raises OSError, ValueError."""
        if not self.keyed:
            return ecs.Namer()
        key = Path(os.environ.get("CREDENTIALS_DIRECTORY", ""), CREDENTIAL).read_bytes().strip()
        if len(key) < 16:
            raise ValueError(f"the credential {CREDENTIAL} is no key")
        return ecs.Namer(key)


def read(path: Path) -> Settings:
    """Read the settings. Raises InputError, ValueError."""
    parsed = settings.read(path, Settings, "the SIEM's lines", "deploy the role siem")
    unknown = sorted(set(parsed.journals) - {ecs.ACTS, ecs.EVENTS})
    if unknown or not parsed.host or not 0 < parsed.port < 65536:
        raise ValueError(f"no kind of journal is {unknown[0]!r}" if unknown else "host or port is missing")
    return parsed


class Sender:
    """Carries what the journals have. The places are on disk; they move when lines were sent."""

    def __init__(
        self, settings: Settings, receiver: Receiver, namer: ecs.Namer, state: Path, say: Callable[[str], object]
    ) -> None:
        self.settings, self.receiver, self.namer, self.state, self.say = settings, receiver, namer, state, say
        self.places = kit.state(state, _places) or {}
        self._away = False

    def carry(self) -> bool:
        """Send what is new; whether the receiver took it. A journal that cannot be read keeps no other from it."""
        taken = True
        for kind, paths in self.settings.journals.items():
            for path in paths:
                failed: list[str] = []
                with named(failed.append, str(path)):
                    taken = self._journal(kind, path) and taken
                for line in failed:
                    self.say(f"<4>{line}")
        return taken

    def _journal(self, kind: str, path: Path) -> bool:
        place = self.places.get(str(path))
        if place is None:
            self._move(path, follow.end(path))
            return True
        while batch := follow.batch(path, place):
            if batch.gone:
                self.say(f"<4>{path}: the file that was read is gone: lines of it may not have been sent")
            if batch.left_out:
                self.say(f"<4>{path}: {batch.left_out} bytes waited too long and are not sent")
            events = [ecs.event(kind, line, self.settings.name, self.namer, ident) for ident, line in batch.lines]
            try:
                self.receiver.send(event for event in events if event is not None)
            except OSError as error:
                if not self._away:
                    self.say(f"<4>{self.settings.host}:{self.settings.port} takes nothing ({error}): the lines wait")
                self._away = True
                return False
            if self._away:
                self.say(f"{self.settings.host} takes lines again")
                self._away = False
            place = batch.place
            self._move(path, place)
        return True

    def _move(self, path: Path, place: Place) -> None:
        self.places[str(path)] = place
        text = json.dumps({name: asdict(one) for name, one in self.places.items()})
        durable.write(self.state, text)


def _places(text: str) -> dict[str, Place]:
    content: Mapping[str, Any] = json.loads(text)
    return {name: Place(int(one["inode"]), int(one["offset"])) for name, one in content.items()}


def serve(settings: Settings) -> int:
    """Send until SIGTERM."""
    state = Path(os.environ.get("STATE_DIRECTORY", "."), "places.json")
    sender = Sender(settings, Receiver(settings.host, settings.port, settings.ca), settings.namer(), state, kit.say)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    kit.tell("READY=1")
    pause = PAUSE
    while not over.wait(pause):
        pause = PAUSE if sender.carry() else min(2 * pause, LONGEST_PAUSE)
        kit.tell("WATCHDOG=1")
    sender.receiver.close()
    return ExitCode.DONE


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code."""
    return kit.start(words, "siem", __doc__ or "", read, serve)
