"""« Mes outils »: what a label waits until its alert is at the tool, and alerts a second of many agents at once."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure
from tests.stack.support.mail import FOREIGN, Mail, compose, make_plan, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Site
from tests.stack.support.tools import LABEL, Tools

AGENTS, MESSAGES, SINGLE = 10, 12, 8
"""Agents at once, messages that each labels at once, labels one by one before."""


def fill(agent: Tools, count: int) -> None:
    """Lay messages in the inbox of an agent."""
    session = agent.mail.imap(agent.account)
    for number in range(count):
        message = compose(f"ami@{FOREIGN}", agent.account.mail, f"Essai {number}")
        assert session.append("INBOX", None, None, message)[0] == "OK"
    session.logout()


def label(agent: Tools, numbers: str) -> float:
    """Label messages by their numbers; the moment before, in seconds since 1970."""
    session = agent.mail.imap(agent.account)
    session.select("INBOX")
    begun = time.time()
    assert session.store(numbers, "+FLAGS", f"({LABEL})")[0] == "OK"
    session.logout()
    return begun


def all_taken(agent: Tools, place: str) -> list[float]:
    """Wait until the tool has every alert of an agent; when it took each, in seconds since 1970."""

    def look() -> list[float] | None:
        moments = [float(one["at"]) for one in agent.taken(place)]
        return moments if len(moments) == MESSAGES else None

    return wait_for(look, 600, "all alerts") or []


def one_by_one(agent: Tools) -> list[float]:
    """Label messages in turn; the seconds until each alert. The lab's hosts have the controller's clock."""
    place = agent.hook()
    fill(agent, SINGLE)
    delays = list[float]()
    for number in range(1, SINGLE + 1):
        begun = label(agent, str(number))
        delays.append(agent.awaited(place, number)[-1]["at"] - begun)
    return delays


def at_once(agents: list[Tools]) -> float:
    """Label all messages of all agents; alerts a second."""
    places = [agent.hook() for agent in agents]
    for agent in agents:
        fill(agent, MESSAGES)
    with ThreadPoolExecutor(len(agents)) as pool:
        begun = min(pool.map(lambda agent: label(agent, f"1:{MESSAGES}"), agents))
    moments = [one for agent, place in zip(agents, places, strict=True) for one in all_taken(agent, place)]
    return len(moments) / (max(moments) - begun)


def tools(site: Site) -> Figure:
    """One agent's labels in turn, then those of many agents."""
    people, portal = People(site), Portal(site)
    with tempfile.TemporaryDirectory() as folder:
        mail = Mail(site, make_plan(site, site.authorities(Path(folder))))
        try:
            single, *agents = [Tools(site, mail, portal, people.agent()) for _ in range(1 + AGENTS)]
            delays, rate = one_by_one(single), at_once(agents)
        finally:
            mail.close()
            people.clear()
    values = {
        "label_to_alert_s": round(median(delays), 1),
        "longest_s": round(max(delays), 1),
        "alerts_a_second": round(rate, 1),
    }
    return Figure("tools", values, f"{SINGLE} labels one by one; {AGENTS} agents who label {MESSAGES} messages at once")
