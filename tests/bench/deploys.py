"""Times of deployments, on the lab that is there and on one made for the purpose."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.core.paths import LAB_INVENTORY
from malleposte.dev.lab import Lab
from malleposte.fleet import playbook

from tests.bench.figures import Figure
from tests.stack.support.site import Site

PREFIX = "mpbench"
LIST = "dpkg-query -W -f '${Package}\\n' | sort"


def deploy_seconds(lab: Lab, *, linear: bool) -> tuple[float, int]:
    """Seconds of one deployment, and how many results changed. Raises MallepostError when it fails."""
    begun = time.monotonic()
    report = playbook.run(playbook.Options(lab.deploy_inventory, linear=linear), to_stderr=True, name="bench")
    playbook.ensure(report, "deploy")
    return time.monotonic() - begun, report.changed


def no_change(site: Site) -> Figure:
    """Deploy the converged lab again, with mitogen and with the linear strategy."""
    values: dict[str, Any] = {"hosts": len(site.lab.inventory.hosts)}
    for name, linear in (("mitogen", False), ("linear", True)):
        seconds, changed = deploy_seconds(site.lab, linear=linear)
        if changed:
            raise MallepostError(f"the lab was not converged: {changed} changes")
        values[f"{name}_seconds"] = round(seconds, 1)
    return Figure("deploy-no-change", values)


def packages(lab: Lab) -> dict[str, set[str]]:
    """Package names by host."""
    return {spec.name: set(lab.ssh(spec.name, ["sh", "-c", LIST]).out.split()) for spec in lab.inventory.hosts}


def bare_install(lab: Lab, wanted: dict[str, set[str]]) -> float:
    """Seconds of a bare apt-get install of the packages on fresh hosts, all hosts at once."""

    def one(name: str) -> None:
        words = " ".join(sorted(wanted[name]))
        install = f"apt-get install -qq --no-install-recommends {words}"
        command = f"export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && {install}"
        lab.ssh(name, ["sh", "-c", command], timeout=3600)

    begun = time.monotonic()
    with ThreadPoolExecutor(len(wanted)) as pool:
        list(pool.map(one, [name for name in wanted if wanted[name]]))
    return time.monotonic() - begun


def stored(lab: Lab) -> set[str]:
    """The files that the lab has downloaded and kept."""
    return {path.name for path in (lab.settings.shared / "archives").glob("*.deb")}


def fresh(lab: Lab) -> None:
    """Hosts as new; what the old ones downloaded is kept."""
    lab.down()
    lab.up()


def first(linear: bool = False) -> Figure:
    """Deploy fresh hosts, then install the same packages on fresh hosts; both with the packages downloaded before."""
    lab = Lab.load(LAB_INVENTORY, prefix=PREFIX)
    try:
        while True:
            known = stored(lab)
            fresh(lab)
            before = packages(lab)
            deployed, _ = deploy_seconds(lab, linear=linear)
            added = {name: found - before[name] for name, found in packages(lab).items()}
            fresh(lab)
            if stored(lab) == known:
                break  # else that run downloaded too, and only filled the lab's store of packages
        bare = bare_install(lab, added)
    finally:
        lab.down()
    return Figure(
        "deploy-first-linear" if linear else "deploy-first",
        {
            "deploy_seconds": round(deployed, 1),
            "apt_get_seconds": round(bare, 1),
            "ratio": round(deployed / bare, 2),
            "packages": sum(map(len, added.values())),
        },
        "packages downloaded before, for both",
    )
