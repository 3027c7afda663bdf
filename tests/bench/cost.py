"""The cost of work on a host: the processor time of each unit, as the kernel counts it.

A rate says as much about the other work on the machine as about the host; processor time a message hardly does.
"""

from collections.abc import Callable, Mapping

from tests.stack.support.site import Site

COUNTERS = (
    "for root in /sys/fs/cgroup/unified/system.slice /sys/fs/cgroup/system.slice; do "
    "for file in $root/*.service/cpu.stat; do [ -e $file ] || continue; "
    'unit=${file%/cpu.stat}; echo "${unit##*/} $(sed -n s/usage_usec.//p $file)"; done; done'
)
NOT_COUNTED = ("ssh.service",)
"""The watcher itself."""


def counters(run: Callable[[str], str]) -> dict[str, int]:
    """Microseconds of processor time by unit since it started; `run` runs a command on the host."""
    pairs = [line.split() for line in run(COUNTERS).splitlines()]
    return {unit: int(used) for unit, used in pairs if unit not in NOT_COUNTED}


def spent(before: Mapping[str, int], after: Mapping[str, int], count: int) -> dict[str, float]:
    """Milliseconds a piece of work by unit, the dearest first, trifles left out; `all` is the sum with them."""
    used = {unit: (now - before.get(unit, 0)) / 1000 / count for unit, now in after.items()}
    named = {unit.removesuffix(".service"): round(value, 2) for unit, value in used.items() if value >= 0.05}
    return {"all": round(sum(used.values()), 1), **dict(sorted(named.items(), key=lambda pair: -pair[1]))}


def of(site: Site, host: str) -> dict[str, int]:
    """The counters of a lab's host."""
    return counters(lambda command: site.run(host, command))


def pss(site: Site, host: str, unit: str) -> int:
    """Megabytes of memory of a unit's processes; what they share is counted once."""
    pids = site.run(host, f"cat $(find /sys/fs/cgroup -path '*system.slice/{unit}/cgroup.procs' | head -1)").split()
    files = " ".join(f"/proc/{pid}/smaps_rollup" for pid in pids)
    total = f"cat {files} 2>/dev/null | awk '/^Pss:/ {{s += $2}} END {{print s + 0}}'"
    return int(site.run(host, total)) // 1024
