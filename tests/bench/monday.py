"""A Monday morning by replay: sessions held, log-ins, clicks, devices and mail at once, more from step to step.

Work begins at the times of a plan, whether earlier work has ended or not, and its delay counts from that time: what a
busy platform keeps waiting is in the figures.
"""

import contextlib
import json
import multiprocessing
import queue
import random
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import cost
from tests.bench.clients import Session, Target, log_in
from tests.bench.figures import Figure
from tests.bench.measures import no_rate_limit, platform_target
from tests.bench.size.sessions import held, uncounted
from tests.stack.support.dav import Device, first
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import FOREIGN
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

SESSIONS, AGENTS, VISITORS = 2000, 200, 40
RATES = {"log-in": 3.0, "roundcube": 2.0, "sogo": 1.0, "device": 2.0, "delivery": 3.0}
"""Pieces of work a second at the first step: log-ins by IMAP, lists of messages, synchronizations, messages taken."""
STEPS = (1, 2, 3, 4, 6, 8, 12, 16)
"""Multiples of those rates."""
SECONDS = 30.0
SHOWN = 5.0
"""Milliseconds of processor time a second from which a unit is named."""
AT_ONCE = 64
"""Pieces of one kind that may be under way at once."""
BENT = 2.0
"""The platform has reached its bend for a kind of work when the p95 is so many times that of the first step."""
DELIVER = """
import json, smtplib, sys, time
from concurrent.futures import ThreadPoolExecutor
given = json.load(sys.stdin)
begun = time.monotonic()
def send(number):
    due = begun + given["times"][number]
    time.sleep(max(0.0, due - time.monotonic()))
    reader = given["readers"][number % len(given["readers"])]
    text = "From: %s\\r\\nTo: %s\\r\\nSubject: lundi %d\\r\\n\\r\\n" % (given["sender"], reader, number)
    text += "ligne de texte\\r\\n" * 320
    try:
        with smtplib.SMTP(given["host"], 25, timeout=120, local_hostname=given["helo"]) as session:
            session.sendmail(given["sender"], [reader], text)
    except (OSError, smtplib.SMTPException):
        return None
    return time.monotonic() - due
with ThreadPoolExecutor(given["at_once"]) as pool:
    print(json.dumps(list(pool.map(send, range(len(given["times"]))))))
"""
"""Sends messages at their times; prints the seconds of each until it was taken, or null where it was not."""

type Work = Callable[[int], object]
type Delays = list[float | None]


@dataclass(frozen=True)
class Step:
    """The figures of one step: by kind p50, p95 in ms and failures; processor seconds by unit and host."""

    times: int
    kinds: Mapping[str, Mapping[str, float]]
    units: Mapping[str, Mapping[str, float]]
    clients: int
    """Milliseconds of processor time a second of the clients, which take from the same processors."""

    def as_dict(self) -> dict[str, Any]:
        """Return them for the figure."""
        return {
            "times": self.times,
            **self.kinds,
            "cpu_ms_a_second": self.units,
            "clients_cpu_ms_a_second": self.clients,
        }


def plan(rate: float, seconds: float, seed: int) -> list[float]:
    """Return times in seconds at which work begins: independent of each other, `rate` a second in the mean."""
    chance = random.Random(seed)  # the same plan in each run
    return sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))


def timed(work: Work, times: Sequence[float]) -> Delays:
    """Do a piece of work at each time; return the seconds from that time to its end, None where it failed."""
    begun = time.monotonic()

    def one(number: int) -> float | None:
        time.sleep(max(0.0, begun + times[number] - time.monotonic()))
        try:
            work(number)
        except Exception:  # noqa: BLE001  # under load all kinds come; each is counted
            return None
        return time.monotonic() - begun - times[number]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(len(times))))


def deliver(site: Site, readers: Sequence[Account], times: Sequence[float]) -> Delays:
    """Have the foreign host send messages at these times; return the seconds of each."""
    given = {
        "host": site.address(site.host_of("mail")), "helo": f"mx.{FOREIGN}", "sender": f"probe@{FOREIGN}",
        "readers": [one.mail for one in readers], "times": list(times), "at_once": AT_ONCE,
    }  # fmt: skip
    answer: Delays = json.loads(
        site.run("world", "python3", "-c", f"'{DELIVER}'", given=json.dumps(given), timeout=900)
    )
    return answer


def figures(delays: Delays) -> dict[str, float]:
    """Return the figures of one kind of work in milliseconds."""
    done = [delay for delay in delays if delay is not None]
    if len(done) < 2:
        raise AssertionError("nothing was done")
    return {
        "p50_ms": round(median(done) * 1000), "p95_ms": round(quantiles(done, n=20)[-1] * 1000),
        "done": len(done), "failed": len(delays) - len(done),
    }  # fmt: skip


def apart(
    run: Mapping[str, Callable[[Sequence[float]], Delays]], plans: Mapping[str, Sequence[float]]
) -> dict[str, Delays]:
    """Do each kind of work in a process of its own, all at once: in one, Python would let them wait for each other."""
    fork = multiprocessing.get_context("fork")
    ends = {name: fork.Pipe(duplex=False) for name in run}

    def kind(name: str) -> None:
        ends[name][1].send(run[name](plans[name]))

    processes = [fork.Process(target=kind, args=(name,)) for name in run]
    for process in processes:
        process.start()
    delays: dict[str, Delays] = {}
    for name, (receiving, sending) in ends.items():
        sending.close()  # else the end of a process that failed would not be seen
        delays[name] = receiving.recv()
    for process in processes:
        process.join()
    return delays


def _clients() -> float:
    """Return the seconds of processor time of the clients' processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def stepped(site: Site, hosts: Sequence[str], run: Mapping[str, Callable[[Sequence[float]], Delays]]) -> Iterator[Step]:
    """Yield the figures of one step after the other, until every kind of work has reached its bend."""
    firsts: dict[str, float] = {}
    for times in STEPS:
        plans = {name: plan(rate * times, SECONDS, times) for name, rate in RATES.items()}
        before = {host: cost.of(site, host) for host in hosts}
        begun, own = time.monotonic(), _clients()
        kinds = {name: figures(delays) for name, delays in apart(run, plans).items()}
        seconds = time.monotonic() - begun
        spent = {host: cost.spent(before[host], cost.of(site, host), round(seconds)) for host in hosts}
        units = {host: {unit: value for unit, value in used.items() if value >= SHOWN} for host, used in spent.items()}
        yield Step(times, kinds, units, round((_clients() - own) / seconds * 1000))
        firsts = firsts or {name: values["p95_ms"] for name, values in kinds.items()}
        if all(values["p95_ms"] >= BENT * firsts[name] for name, values in kinds.items()):
            return


def bends(steps: Sequence[Step]) -> dict[str, str]:
    """Return, by kind, the rate a second at which its p95 is doubled for good."""
    answer = {}
    for name, rate in RATES.items():
        least = steps[0].kinds[name]["p95_ms"]
        calm = [step.times for step in steps if step.kinds[name]["p95_ms"] < BENT * least]
        beyond = [step.times for step in steps if step.times > max(calm)]
        answer[name] = f"at {rate * beyond[0]:g} a second" if beyond else f"beyond {rate * steps[-1].times:g} a second"
    return answer


@contextlib.contextmanager
def sessions(target: Target, many: int) -> Iterator[list[Session]]:
    """Hold so many IMAP sessions in IDLE for a block."""
    opened = held(target, many)[0]
    try:
        yield opened
    finally:
        for one in opened:
            one.sock.close()


def monday(site: Site) -> Figure:
    """Step by step, with the processor time of every unit of the hosts."""
    hosts = sorted({site.host_of(group) for group in ("mail", "directory", "web", "portal")})
    people = People(site)
    uncounted(site, [str(site.lab.settings.network)])
    try:
        with TemporaryDirectory() as folder, no_rate_limit(site):
            cafile = site.authorities(Path(folder))
            readers = [people.agent() for _ in range(AGENTS)]
            rich = [people.agent(profile="convergence") for _ in range(VISITORS)]
            target = platform_target(site, readers, Path(folder))
            with sessions(target, SESSIONS):
                run: dict[str, Callable[[Sequence[float]], Delays]] = {
                    **pages(site, cafile, readers, rich),
                    "log-in": partial(timed, partial(log_in, target, target.context())),
                    "delivery": partial(deliver, site, readers),
                }
                steps = list(stepped(site, hosts, run))
    finally:
        people.clear()
        uncounted(site, [])
    return Figure(
        "monday",
        {"bends": bends(steps), "steps": [step.as_dict() for step in steps]},
        f"{SESSIONS} IMAP sessions held; {SECONDS:.0f} s a step; at the first step a second: "
        + ", ".join(f"{name} {rate:g}" for name, rate in RATES.items()),
    )


def shared[T](things: Sequence[T], work: Callable[[T], object]) -> Callable[[Sequence[float]], Delays]:
    """Return a kind of work that takes one of these for itself, as an agent does one thing after the other."""
    idle = queue.SimpleQueue[T]()
    for thing in things:
        idle.put(thing)

    def one(_number: int) -> None:
        thing = idle.get()
        try:
            work(thing)
        finally:
            idle.put(thing)

    return partial(timed, one)


def pages(
    site: Site, cafile: Path, readers: Sequence[Account], rich: Sequence[Account]
) -> dict[str, Callable[[Sequence[float]], Delays]]:
    """Return the work of webmails and devices; their agents are logged in now."""
    web = Web(cafile)
    visitors = [Webmail(site, web) for _ in range(VISITORS)]
    for visitor, reader in zip(visitors, readers, strict=False):
        assert visitor.login(reader.uid, reader.password), reader.uid
    agendas = [Groupware(site, cafile, one).login() for one in rich]
    address, name = site.address(site.host_of("web")), str(site.platform["hostnames"]["dav"])
    devices = [Device(web, address, name, one) for one in readers[-VISITORS:]]
    homes = {one.account.uid: first(one.discover()[1]) for one in devices}
    return {
        "roundcube": shared(visitors, Webmail.list),
        "sogo": shared(agendas, Groupware.listed),
        "device": shared(devices, lambda one: one.changes(homes[one.account.uid])),
    }
