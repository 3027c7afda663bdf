"""The guard before the spam filter: what it costs beside the filter, and what an attack on it costs others.

The foreign server of the lab's world sends: its sender is proved, so that honest mail is accepted.
"""

import base64
import json
import os
from collections.abc import Sequence
from email.message import EmailMessage
from statistics import median, quantiles
from typing import Any

from tests.bench import cost
from tests.bench.figures import Figure
from tests.bench.size.scale import BODIES
from tests.stack.support import hostile
from tests.stack.support.mail import FOREIGN, compose, token, wait_for
from tests.stack.support.site import Site

UNITS = ("malleposte-guard.service", "rspamd.service")
SENDER, READER = f"probe@{FOREIGN}", "probe2@ac-exemple.test"
LETTERS, LARGE, OF_ALL_SIZES = 40, 8, 100
PARALLEL = 10
ROUNDS = 2
OCTETS = 2_000_000
"""Octets of each message beside which others are measured."""
FOR_THE_SCANNER = (b"content-type", b"content-type: x/messa\r\n ", b"\n-", b"content-type:\r\n ")
SEND = """
import base64, json, smtplib, sys, threading, time
given = json.load(sys.stdin)
def send(message):
    with smtplib.SMTP(given["host"], 25, timeout=300, local_hostname=given["helo"]) as session:
        session.ehlo()
        session.mail(given["sender"]); session.rcpt(given["reader"])
        return session.data(base64.b64decode(message))[0]
codes, delays, beside = [], [], [threading.Thread(target=lambda one=one: [codes.append(send(one)) for _ in
    range(given["rounds"])]) for one in given["beside"]]
for one in beside: one.start()
letters = list(given["letters"])
while letters and (any(one.is_alive() for one in beside) or not beside):
    began = time.monotonic()
    code = send(letters.pop())
    delays.append((code, time.monotonic() - began))
    time.sleep(0.1 if beside else 0)
for one in beside: one.join()
print(json.dumps([codes, delays]))
"""


def send(site: Site, letters: Sequence[bytes], beside: Sequence[bytes] = ()) -> tuple[set[int], list[float]]:
    """Send letters in turn, as long as others are sent beside: the others' codes, and seconds of each letter."""
    given: dict[str, Any] = {
        "host": site.address("mail1"),
        "helo": f"mx.{FOREIGN}",
        "sender": SENDER,
        "reader": READER,
        "rounds": ROUNDS,
        "letters": [base64.b64encode(one).decode() for one in letters],
        "beside": [base64.b64encode(one).decode() for one in beside],
    }
    site.run("world", "cat > /root/send.py", given=SEND)
    codes, delays = json.loads(site.run("world", "python3 /root/send.py", given=json.dumps(given), timeout=600))
    assert {code for code, _seconds in delays} == {250}, delays
    return set(codes), [seconds for _code, seconds in delays]


def letter() -> bytes:
    """An honest letter of five kB."""
    return compose(SENDER, READER, token(), "Bonjour à tous.\n" * 300)


def attachment(octets: int) -> bytes:
    """An honest message of about so many octets."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = SENDER, READER, "cours", f"<{token()}@{FOREIGN}>"
    made.set_content("Bonjour, voici le cours.\n")
    made.add_attachment(os.urandom(octets * 3 // 4), "application", "pdf", filename="cours.pdf")
    return made.as_bytes().replace(b"\n", b"\r\n")


def of_all_sizes(number: int) -> list[int]:
    """So many sizes of messages in octets, spread evenly over each part of what mailboxes hold (`BODIES`)."""
    sizes = list[int]()
    for share, least, most in BODIES:
        many = round(share * number)
        sizes += [least + (most - least) * (2 * place + 1) // (2 * many) for place in range(many)]
    return sizes


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
    send(site, messages)
    wait_for(lambda: not int(site.run("mail1", "postqueue -j | wc -l")), 120)
    after = cost.of(site, "mail1")
    return {unit: (after[unit] - before[unit]) / 1000 / len(messages) for unit in UNITS}


def percentile(seconds: list[float]) -> float:
    """The delay that 95 of 100 do not exceed."""
    return quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]


def guard(site: Site) -> Figure:
    """Cost a message, memory, and the delay of others beside an attack and beside as many octets of attachments."""
    send(site, [letter()])
    small = milliseconds(site, [letter() for _ in range(LETTERS)])
    large = milliseconds(site, [attachment(1_000_000) for _ in range(LARGE)])
    usual = milliseconds(site, [attachment(octets) for octets in of_all_sizes(OF_ALL_SIZES)])
    letters = [letter() for _ in range(200)]
    codes, honest = send(site, letters, [attachment(OCTETS) for _ in range(PARALLEL)])
    assert codes == {250}
    codes, beside = send(site, letters, [attack(number) for number in range(PARALLEL)])
    assert codes == {554}
    ours, filters = UNITS
    values = {
        "guard_ms_a_letter": round(small[ours], 2),
        "filter_ms_a_letter": round(small[filters], 2),
        "guard_ms_a_megabyte": round(large[ours], 1),
        "filter_ms_a_megabyte": round(large[filters], 1),
        "guard_ms_of_all_sizes": round(usual[ours], 2),
        "filter_ms_of_all_sizes": round(usual[filters], 2),
        "guard_mb": cost.pss(site, "mail1", ours),
        "p95_s_beside_attachments": round(percentile(honest), 2),
        "p95_s_beside_attacks": round(percentile(beside), 2),
        "median_s_beside_attachments": round(median(honest), 2),
        "median_s_beside_attacks": round(median(beside), 2),
        "letters_measured": [len(honest), len(beside)],
    }
    return Figure("guard", values, f"{PARALLEL} messages of {OCTETS // 1_000_000} MB at once, {ROUNDS} times")
