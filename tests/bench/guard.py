"""The guard before the spam filter: what it costs beside the filter, and what an attack on it costs others."""

from __future__ import annotations

import os
import smtplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from statistics import median, quantiles

from tests.bench import cost
from tests.bench.figures import Figure
from tests.stack.support import hostile
from tests.stack.support.mail import FOREIGN, compose, token, wait_for
from tests.stack.support.site import Site

UNITS = ("malleposte-guard.service", "rspamd.service")
SENDER, READER = f"probe@{FOREIGN}", "probe2@ac-exemple.test"
LETTERS, LARGE = 60, 10
PARALLEL = 10
PAUSE = 0.25
"""Seconds between two letters whose delay is measured."""
ROUNDS = 3
OCTETS = 2_000_000
"""Octets of each message beside which others are measured."""
FOR_THE_SCANNER = (b"content-type", b"content-type: messag\r\n ", b"\n-", b"content-type:\r\n ")


def session(site: Site) -> smtplib.SMTP:
    """A session at port 25."""
    opened = smtplib.SMTP(site.address("mail1"), 25, timeout=300, local_hostname="mail.lointain.test")
    opened.ehlo()
    return opened


def sent(site: Site, *messages: bytes) -> list[int]:
    """The code of each message, all in one session."""
    codes = []
    with session(site) as opened:
        for one in messages:
            opened.mail(SENDER)
            opened.rcpt(READER)
            codes.append(opened.data(one)[0])
    return codes


def attachment(octets: int) -> bytes:
    """An honest message of about so many octets."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = SENDER, READER, "cours", f"<{token()}@{FOREIGN}>"
    made.set_content("Bonjour, voici le cours.\n")
    made.add_attachment(os.urandom(octets * 3 // 4), "application", "pdf", filename="cours.pdf")
    return made.as_bytes().replace(b"\n", b"\r\n")


def attack(number: int) -> bytes:
    """A message of OCTETS made for the scanner, with a chain at its end."""
    unit, chain = FOR_THE_SCANNER[number % len(FOR_THE_SCANNER)], hostile.chain()
    head = compose(SENDER, READER, token()).partition(b"\r\n\r\n")[0].split(b"\r\n")
    top = b"\r\n".join(line for line in head if not line.lower().startswith(b"content-"))
    filler = unit * ((OCTETS - len(chain)) // len(unit))
    return top + b"\r\n" + hostile.MIXED + b"--zz\r\n\r\n" + filler + b"\r\n--zz\r\n" + chain


def milliseconds(site: Site, messages: list[bytes]) -> dict[str, float]:
    """Processor time of the guard and of the filter for each message."""
    before = cost.of(site, "mail1")
    codes = sent(site, *messages)
    wait_for(lambda: not int(site.run("mail1", "postqueue -j | wc -l")), 120)
    after = cost.of(site, "mail1")
    assert set(codes) == {250}, codes
    return {unit: (after[unit] - before[unit]) / 1000 / len(messages) for unit in UNITS}


def delays(site: Site, beside: list[bytes], codes: set[int]) -> list[float]:
    """Seconds that a letter takes to be accepted while these are sent at once, again and again."""
    over, measured = threading.Event(), []

    def busy(one: bytes) -> None:
        for _ in range(ROUNDS):
            assert set(sent(site, one)) <= codes
        over.set()

    with ThreadPoolExecutor(len(beside)) as pool:
        running = [pool.submit(busy, one) for one in beside]
        while not over.is_set():
            began = time.monotonic()
            assert sent(site, compose(SENDER, READER, token())) == [250]
            measured.append(time.monotonic() - began)
            time.sleep(PAUSE)
        for one in running:
            one.result()
    return measured


def percentile(seconds: list[float]) -> float:
    """The delay that 95 of 100 do not exceed."""
    return quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]


def guard(site: Site) -> Figure:
    """Cost a message, memory, and the delay of others beside an attack and beside as many octets of attachments."""
    sent(site, attachment(10_000))
    small = milliseconds(site, [compose(SENDER, READER, token(), "Bonjour à tous.\n" * 300) for _ in range(LETTERS)])
    large = milliseconds(site, [attachment(1_000_000) for _ in range(LARGE)])
    honest = delays(site, [attachment(OCTETS) for _ in range(PARALLEL)], {250})
    hostile_ = delays(site, [attack(number) for number in range(PARALLEL)], {554})
    ours, filters = UNITS
    values = {
        "guard_ms_a_letter": round(small[ours], 2),
        "filter_ms_a_letter": round(small[filters], 2),
        "guard_ms_a_megabyte": round(large[ours], 1),
        "filter_ms_a_megabyte": round(large[filters], 1),
        "guard_mb": cost.pss(site, "mail1", ours),
        "p95_s_beside_attachments": round(percentile(honest), 2),
        "p95_s_beside_attacks": round(percentile(hostile_), 2),
        "median_s_beside_attachments": round(median(honest), 2),
        "median_s_beside_attacks": round(median(hostile_), 2),
        "letters_measured": [len(honest), len(hostile_)],
    }
    return Figure("guard", values, f"{PARALLEL} messages of {OCTETS // 1_000_000} MB at once, {ROUNDS} times")
