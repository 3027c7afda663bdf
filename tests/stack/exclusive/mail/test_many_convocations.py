"""2,000 convocations: sent, 1,500 answered in the forms of four programs, changed, called off; with figures."""

from __future__ import annotations

import csv
import functools
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.unit.accounts.convocations.test_itip import CLIENTS

pytestmark = pytest.mark.full

AGENTS, RICH, ANSWERS = 2000, 100, 1500
UNIT = "malleposte-accounts-convocations.service"
HEAD = "Agent;Titre;Date;Début;Fin;Lieu\n"
MESSAGE = (
    "From: {mail}\r\nTo: {office}\r\nSubject: Réponse\r\nMessage-ID: <{word}@essai>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/calendar; charset=utf-8; method=REPLY\r\n\r\n{text}"
)


def convoked(site: Site, file: Path, *words: str) -> tuple[str, float]:
    """Send a file and wait for its end: the identifier, the seconds."""
    begun = time.monotonic()
    done = Cli(site).typed(str(file), *words, "--yes", "--wait", "--json", group="convoke", timeout=1800)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout.splitlines()[-1])["convocation"]), time.monotonic() - begun


def shown(site: Site, ident: str) -> Any:
    return json.loads(site.run(site.host_of("directory"), f"malleposte convocations show {ident} --json"))


def has(mail: Mail, agent: Account, title: str, letters: int) -> bool:
    return mail.count(agent, title) == letters


def answered(mail: Mail, agent: Account, title: str, office: str, form: str) -> None:
    """Answer the letter of an agent in the form of a program, from the agent's own log-in."""
    letter = message_from_bytes(mail.arrived(agent, title), policy=policy.default)
    (part,) = [one for one in letter.walk() if one.get_content_type() == "text/calendar"]
    lines = str(part.get_content()).replace("\r\n ", "").replace("\n ", "").splitlines()
    (uid,) = [line.removeprefix("UID:") for line in lines if line.startswith("UID:")]
    text = MESSAGE.format(mail=agent.mail, office=office, word=token(), text=form.format(uid=uid, mail=agent.mail))
    assert mail.submit(agent, agent.mail, office, text.encode()).accepted


def test_two_thousand_are_convoked(
    site: Site, people: People, mail: Mail, tmp_path: Path, record_property: Any
) -> None:
    title, office = f"Jury {token()}", people.box(uid="examens", mail=f"examens@{site.place.domain}", name="Examens")
    rich = [people.agent(profile="convergence") for _ in range(RICH)]
    agents = [*rich, *(people.agent() for _ in range(AGENTS - RICH))]
    file = tmp_path / "jury.csv"

    def write(place: str, *several: Account) -> None:
        rows = (f"{one.uid};{title};15/06/2031;8h;12h;{place}\n" for one in several)
        file.write_text(HEAD + "".join(rows), "utf-8")

    write("Salle 3", *agents)
    ident, seconds = convoked(site, file, "--office", office.mail)
    record_property("sent_in_seconds", round(seconds))
    counts = shown(site, ident)["counts"]
    assert (counts["all"], counts["waiting"], counts["failed"]) == (AGENTS, 0, 0)
    forms = [CLIENTS[name] for name in sorted(CLIENTS)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(
            lambda pair: answered(mail, pair[1], title, office.mail, forms[pair[0] % len(forms)]),
            enumerate(agents[:ANSWERS]),
        ))  # fmt: skip

    def counted() -> bool:
        site.run_job(site.host_of("directory"), UNIT)
        return bool(shown(site, ident)["counts"]["yes"] == ANSWERS)

    begun = time.monotonic()
    wait_for(counted, 900, "all answers")
    record_property("counted_in_seconds", round(time.monotonic() - begun))
    host = site.host_of("directory")
    rows = list(csv.DictReader(io.StringIO(site.run(host, f"malleposte convocations report {ident}")), delimiter=";"))
    assert [row["Réponse"] for row in rows].count("oui") == ANSWERS and len(rows) == AGENTS
    write("Salle 4", *agents[:1000])
    assert convoked(site, file)[0] == ident
    counts = shown(site, ident)["counts"]
    assert (counts["all"], counts["yes"], counts["waiting"]) == (1000, 0, 0)
    site.run(host, f"malleposte convocations cancel {ident} --yes")
    wait_for(lambda: mail.count(agents[0], title) == 3, 900, "the last letters")
    for agent, letters in ((agents[0], 3), (agents[500], 3), (agents[-1], 2)):
        wait_for(functools.partial(has, mail, agent, title, letters), 900, "one letter for each change")
