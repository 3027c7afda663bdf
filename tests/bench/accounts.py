"""The accounts commands at the size of an academy, beside OpenLDAP's own tools on the same slapd in the same run."""

import json
from dataclasses import dataclass
from statistics import median

from malleposte.errors import MallepostError

from tests.bench.directory import HOME, Bench, Run, bench
from tests.bench.figures import Figure
from tests.stack.support.site import Site
from tests.support import academy

SCHOOLS = 1600
SIZES = (3_000, 30_000)
LARGEST = 100_000
ROUNDS = {3_000: 3, 30_000: 2, LARGEST: 1}
PLAN, LDIF, ANSWER = f"{HOME}/plan.json", f"{HOME}/new.ldif", f"{HOME}/answer.json"
COMMAND = ("malleposte", "accounts")


@dataclass(frozen=True)
class Size:
    """What was measured at one number of agents (those of the feed that were not refused)."""

    agents: int
    plan: Run
    ours: list[Run]
    ldapadd: list[Run]
    slapadd: Run | None
    again: Run
    arrival: Run

    @property
    def ratio(self) -> float:
        """Our rate to ldapadd's: rounds alternate, so that what else runs weighs on both."""
        return sum(run.seconds for run in self.ldapadd) / sum(run.seconds for run in self.ours)


def feed(agents: int) -> str:
    """The file of an academy with one agent more, who comes last."""
    return academy.agents_file(academy.academy(agents, SCHOOLS, seed=20)).decode()


def one_size(on: Bench, agents: int, *, rivals: bool) -> Size:
    """Plan and apply from nothing, ldapadd and slapadd of the same entries, then the same feed again, then one more."""
    whole = feed(agents + 1)
    path = on.write("agents.csv", "".join(whole.splitlines(keepends=True)[:-1]))
    more = on.write("plus.csv", whole)
    on.fresh()
    planned = on.run(*COMMAND, "plan", path, "--out", PLAN)
    # Some telephone numbers of the academy are none: those rows are refused.
    made = int(on.shell(f"grep -c '^{{\"kind\": \"create\"' {PLAN}"))
    on.to_ldif(PLAN, LDIF)
    slapadd = _slapadd(on) if rivals else None
    ours, ldapadd = [], []
    for _ in range(ROUNDS[agents]):
        if rivals:
            on.fresh()
            ldapadd.append(_ldapadd(on))
        on.fresh()
        ours.append(on.run(*COMMAND, "apply", PLAN, "--json", out=ANSWER))
        _expect(on, made)
    again = on.run(*COMMAND, "plan", path, "--detailed-exitcode")
    arrival = on.run(*COMMAND, "import", more, "--yes", "--json", out=ANSWER)
    _expect(on, 1)
    return Size(made, planned, ours, ldapadd, slapadd, again, arrival)


def _ldapadd(on: Bench) -> Run:
    dn = f"cn=provision,ou=services,{on.site.place.suffix}"
    return on.run("ldapadd", "-x", "-H", "ldapi:///", "-D", dn, "-y", f"{HOME}/password", "-f", LDIF)


def _slapadd(on: Bench) -> Run:
    """Without slapd: no policy, no check of unique values, no sync: the limit."""
    on.fresh(start=False)
    return on.run("slapadd", "-q", "-F", f"{HOME}/config", "-n1", "-l", LDIF)


def _expect(on: Bench, done: int) -> None:
    answer = json.loads(on.shell(f"cat {ANSWER}"))
    if (answer["done"], answer["skipped"]) != (done, []):
        raise MallepostError(f"{answer['done']} done, {len(answer['skipped'])} skipped; {done} were wanted")


def accounts(site: Site) -> Figure:
    """Two sizes beside the rivals, and the largest for the growth."""
    with bench(site) as on:
        sizes = [one_size(on, agents, rivals=True) for agents in SIZES]
        sizes.append(one_size(on, LARGEST, rivals=False))
    return Figure(
        "accounts",
        {str(size.agents): told(size) for size in sizes},
        "seconds but where said; rates in entries a second; cpu in ms an entry (the command's, slapd's); MiB at the "
        "most; on the directory's host, without the way from the controller",
    )


def told(size: Size) -> dict[str, object]:
    """One size's values."""
    found: dict[str, object] = {
        "plan": round(size.plan.seconds, 1),
        "apply": [round(run.seconds, 1) for run in size.ours],
        "apply_rate": round(median(run.rate(size.agents) for run in size.ours)),
        "apply_cpu": size.ours[-1].cpu_ms(size.agents),
        "plan_mib": round(size.plan.peak_mib),
        "apply_mib": round(max(run.peak_mib for run in size.ours)),
        "no_change": round(size.again.seconds, 1),
        "no_change_mib": round(size.again.peak_mib),
        "one_arrival": round(size.arrival.seconds, 1),
        "one_arrival_mib": round(size.arrival.peak_mib),
    }
    if size.ldapadd and size.slapadd:
        found |= {
            "ldapadd": [round(run.seconds, 1) for run in size.ldapadd],
            "ldapadd_rate": round(median(run.rate(size.agents) for run in size.ldapadd)),
            "ldapadd_cpu": size.ldapadd[-1].cpu_ms(size.agents),
            "ratio": round(size.ratio, 2),
            "slapadd_rate": round(size.slapadd.rate(size.agents)),
        }
    return found
