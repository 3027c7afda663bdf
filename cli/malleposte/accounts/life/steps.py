"""The nightly run over all accounts, as each of its steps has it, and the result of a step."""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage

from malleposte.accounts.acts import Tools
from malleposte.accounts.devices.uses import Uses
from malleposte.accounts.devices.uses import here as here_uses
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.settings import Settings
from malleposte.directory.protocol import Directory
from malleposte.platform import letters


@dataclass
class StepResult:
    """The result of a step: a line an account, and the failures."""

    step: str
    done: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NightlyRun:
    """The tools of a step. `dry`: say what would be done. `by_rule`: the uids that a rule finds, by its URL."""

    settings: Settings
    rules: LifeRules
    tools: Tools
    now: datetime.datetime
    dry: bool = False
    send: Callable[[EmailMessage], None] = letters.queue
    uses: Callable[[], Uses | None] = here_uses
    by_rule: Callable[[Directory, str], Iterable[str]] | None = None
