"""Published calendars made for one test, for the agents of a school that no other test has."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.site import Site
from tests.support.academy import uai

FILE = """BEGIN:VCALENDAR
VERSION:2.0
METHOD:PUBLISH
BEGIN:VEVENT
UID:{uid}@ministere.test
DTSTAMP:20260901T000000Z
DTSTART;VALUE=DATE:{start}
DTEND;VALUE=DATE:{end}
SUMMARY:{summary}
END:VEVENT
END:VCALENDAR
"""


def file(summary: str, start: str = "20270206", end: str = "20270222") -> str:
    """An iCalendar file of one event of whole days (the end is the first day after it)."""
    return FILE.format(uid=secrets.token_hex(4), summary=summary, start=start, end=end)


def sql(site: Site, text: str) -> str:
    """A query of SOGo's database."""
    return site.run(site.host_of("database"), "runuser -u postgres -- psql -XqAt sogo", given=text).strip()


def school() -> str:
    """The UAI code of a school of this test alone."""
    return uai(9000 + secrets.randbelow(900))


@dataclass
class Calendars:
    """Publishes as an operator does, on the controller, and withdraws at the end."""

    site: Site
    made: list[str] = field(default_factory=list)

    def ask(self, *words: str, given: str = "", code: int = 0) -> Any:
        """One command; what it printed as JSON."""
        done = Cli(self.site).typed(*words, "--json", given=given, group="calendar")
        assert done.returncode == code, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def publish(self, source: str, name: str, rule: str, *more: str, given: str = "") -> dict[str, Any]:
        """Publish, for the agents of a rule; its row."""
        (row,) = self.ask("publish", source, "--name", name, "--rule", rule, *more, given=given)["calendars"]
        if row["ident"] not in self.made:
            self.made.append(row["ident"])
        return dict(row)

    def withdraw(self, ident: str) -> None:
        """Withdraw one of them."""
        self.ask("withdraw", ident, "--yes")
        self.made.remove(ident)

    def gather(self) -> None:
        """The timer's work, now."""
        units = ("malleposte-calendars", "malleposte-radicale-calendars", "malleposte-sogo-sync")
        for unit in units:
            self.site.run_job(self.site.host_of("web"), f"{unit}.service")

    def clear(self) -> None:
        """Withdraw all, and forget their files."""
        for ident in dict.fromkeys(self.made):
            self.ask("withdraw", ident, "--yes")
            gone = f"/var/lib/malleposte-calendars/withdrawn/{ident}-*"
            self.site.run(self.site.host_of("web"), f"rm -f -- {gone}")
