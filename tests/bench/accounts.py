"""The accounts commands at the size of an academy, beside OpenLDAP's own tools on the same slapd in the same run."""

import json
from dataclasses import dataclass

from malleposte.accounts.names import slug
from malleposte.core.errors import MallepostError

from tests.bench.directory import HOME, Bench, Run, bench
from tests.bench.figures import Figure
from tests.stack.support.site import Site
from tests.support import academy

SCHOOLS = 1600
SIZES = (3_000, 30_000, 100_000)
CHUNK = 1_500
"""New entries of one turn, at the most."""
TURNS = (False, True, True, False)
"""ldapadd, ours, ours, ldapadd: what else runs on the machine weighs on both alike."""
LOOKS, LOOKED = 20, 30_000
PLAN, BULK, ANSWER = f"{HOME}/plan.json", f"{HOME}/bulk.ldif", f"{HOME}/answer.json"
COMMAND = ("malleposte", "accounts")


@dataclass(frozen=True)
class Size:
    """The measurements at one number of agents."""

    agents: int
    chunk: int
    plan: Run
    bulk: int
    slapadd: Run
    ours: list[Run]
    ldapadd: list[Run]
    whole: Run
    again: Run
    arrival: Run
    looks: dict[str, float]

    @property
    def ratio(self) -> float:
        """Our rate to ldapadd's."""
        return sum(run.seconds for run in self.ldapadd) / sum(run.seconds for run in self.ours)


def feed(agents: int) -> str:
    """The file of an academy with one agent more, who comes last."""
    return academy.agents_file(academy.academy(agents, SCHOOLS, seed=20)).decode()


def one_size(on: Bench, agents: int) -> Size:
    """Plan from nothing; most entries by slapadd, the last ones by turns; then the plan, the feed, one more again."""
    whole = feed(agents + 1)
    path = on.write("agents.csv", "".join(whole.splitlines(keepends=True)[:-1]))
    more = on.write("plus.csv", whole)
    on.fresh()
    planned = on.run(*COMMAND, "plan", path, "--json", out=PLAN)
    chunk = min(CHUNK, agents // 5)
    made, bulk = on.split(PLAN, BULK, chunk, len(TURNS))
    on.fresh(start=False)
    slapadd = on.run("slapadd", "-q", "-F", f"{HOME}/config", "-n1", "-l", BULK)
    on.start()
    ours, ldapadd = [], []
    for number, mine in enumerate(TURNS):
        if mine:
            ours.append(on.run(*COMMAND, "apply", f"{HOME}/turn{number}.json", "--json", out=ANSWER))
            _expect(on, chunk)
        else:
            ldapadd.append(_ldapadd(on, f"{HOME}/turn{number}.ldif"))
    applied = on.run(*COMMAND, "apply", PLAN, "--json", out=ANSWER)
    _expect(on, 0)
    again = on.run(*COMMAND, "plan", path, "--detailed-exitcode")
    arrival = on.run(*COMMAND, "import", more, "--yes", "--json", out=ANSWER)
    _expect(on, 1)
    return Size(made, chunk, planned, bulk, slapadd, ours, ldapadd, applied, again, arrival, _looks(on, whole, agents))


def _looks(on: Bench, whole: str, agents: int) -> dict[str, float]:
    """Seconds of the commands that look for accounts, the 19th of 20 runs each: other schools, names, addresses."""
    if agents != LOOKED:
        return {}
    rows = [line.split(";") for line in whole.splitlines()[1 : LOOKS + 1]]
    # By the place of the cells in the feed: surname, first name, school.
    wanted: dict[str, list[tuple[str, ...]]] = {
        "list": [("list", "--school", row[3].split()[0], "--json") for row in rows],
        "find": [("find", row[1], row[2], "--json") for row in rows],
        "show": [("show", f"{slug(row[2])}.{slug(row[1])}@{on.site.place.domain}", "--json") for row in rows],
    }
    # Exit code 2: nobody of that name, whose row was refused.
    return {
        name: sorted(on.run(*COMMAND, *words, out=ANSWER, codes=(0, 2)).seconds for words in several)[-2]
        for name, several in wanted.items()
    }


def _ldapadd(on: Bench, ldif: str) -> Run:
    dn = f"cn=provision,ou=services,{on.site.place.suffix}"
    return on.run("ldapadd", "-x", "-H", "ldapi:///", "-D", dn, "-y", f"{HOME}/password", "-f", ldif)


def _expect(on: Bench, done: int) -> None:
    answer = json.loads(on.shell(f"cat {ANSWER}"))
    if (answer["done"], answer["skipped"]) != (done, []):
        raise MallepostError(f"{answer['done']} done, {len(answer['skipped'])} skipped; {done} were wanted")


def accounts(site: Site) -> Figure:
    """Every size."""
    with bench(site) as on:
        sizes = [one_size(on, agents) for agents in SIZES]
    return Figure(
        "accounts",
        {str(size.agents): told(size) for size in sizes},
        "seconds but where said; rates in entries a second; cpu in ms an entry (the command's, slapd's); MiB at the "
        f"most; turns of {CHUNK} new entries beside those that are there; on the directory's host",
    )


def told(size: Size) -> dict[str, object]:
    """One size's values."""
    return {
        "plan_all_new": round(size.plan.seconds, 1),
        "apply_rate": [round(run.rate(size.chunk)) for run in size.ours],
        "ldapadd_rate": [round(run.rate(size.chunk)) for run in size.ldapadd],
        "slapadd_rate": round(size.slapadd.rate(size.bulk)),
        "ratio": round(size.ratio, 2),
        "apply_cpu": size.ours[-1].cpu_ms(size.chunk),
        "ldapadd_cpu": size.ldapadd[-1].cpu_ms(size.chunk),
        "apply_all_there": round(size.whole.seconds, 1),
        "no_change": round(size.again.seconds, 1),
        "no_change_cpu_seconds": size.again.cpu_seconds,
        "one_arrival": round(size.arrival.seconds, 1),
        "one_arrival_cpu_seconds": size.arrival.cpu_seconds,
        "p95": {name: round(seconds, 1) for name, seconds in size.looks.items()},
        "mib": {"plan": round(size.plan.peak_mib), "apply": round(size.whole.peak_mib),
                "no_change": round(size.again.peak_mib), "one_arrival": round(size.arrival.peak_mib)},
    }  # fmt: skip
