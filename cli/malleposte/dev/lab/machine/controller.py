"""Requirements of the lab on its machine: packages, rights, kernel limits, resolvers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from malleposte.core.paths import ENV_LABS
from malleposte.dev.lab.errors import LabError, LabUnsupportedError
from malleposte.dev.lab.runner import Runner
from malleposte.dev.lab.settings import ENV_DNS

# Debian packages of the controller, with the program that proves each one present.
PACKAGES: Mapping[str, str] = {
    "systemd-container": "systemd-nspawn",
    "mmdebstrap": "mmdebstrap",
    "nftables": "nft",
    "iproute2": "ip",
    "openssh-client": "ssh-keygen",
}
# Those of the browser tests.
BROWSER_PACKAGES: Mapping[str, str] = {
    "chromium-headless-shell": "chromium-headless-shell", "chromium-driver": "chromedriver",
}  # fmt: skip

# Limits that all hosts share because they share a kernel: five systemd at once need more than the defaults.
KERNEL_LIMITS: Mapping[str, int] = {
    "fs.inotify.max_user_instances": 4096,
    "fs.inotify.max_user_watches": 1048576,
    "fs.aio-max-nr": 1048576,
    "kernel.keys.maxkeys": 2000,
    "net.ipv4.ip_forward": 1,
}

Report = Callable[[str], None]


def booted_by_systemd() -> bool:
    """Say whether PID 1 of the controller is systemd (the test of sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def require_root() -> None:
    """Raise LabUnsupportedError unless we are root."""
    if os.geteuid() != 0:
        raise LabUnsupportedError("root is needed (try sudo)")


def missing_packages(
    which: Callable[[str], str | None] = shutil.which, packages: Mapping[str, str] = PACKAGES
) -> list[str]:
    """Return the Debian packages whose program is absent."""
    return [package for package, program in packages.items() if which(program) is None]


def install_packages(run: Runner, report: Report, packages: Mapping[str, str] = PACKAGES) -> None:
    """Install what is missing, with apt-get; nothing when nothing is. Raises LabError with apt's last line."""
    missing = missing_packages(packages=packages)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabUnsupportedError(f"no apt-get to install {' '.join(missing)}")
    report(f"controller: installing {' '.join(missing)}")
    argv = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    install = [*argv, "install", "--no-install-recommends", *missing]
    if run(install, check=False, timeout=900).code != 0:
        run([*argv, "update"], timeout=600)
        run(install, timeout=900)


def check_namespaces(run: Runner, root: Path) -> None:
    """Raise LabUnsupportedError, saying which, if namespaces or overlay mounts are refused here."""
    trial = run(["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "true"], check=False)
    if trial.code != 0:
        raise LabUnsupportedError(f"namespaces are refused ({trial.last_line})")
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=root) as name:
        for part in ("lower", "upper", "work", "root"):
            (Path(name) / part).mkdir()
        # In a mount namespace of its own: the mount goes away by itself.
        trial = run(
            ["unshare", "--mount", *mount_overlay([f"{name}/lower"], name, f"{name}/root", "upper")], check=False
        )
        if trial.code != 0:
            raise LabUnsupportedError(
                f"no overlay mount on {root} ({trial.last_line}; {ENV_LABS} may name a directory on another disk)"
            )


def mount_overlay(lowers: list[str], layer: str, target: str, upper: str = "fs") -> list[str]:
    """Return the command that mounts an overlay; ``layer`` holds the upper and the work directory.

    ``redirect_dir`` lets a directory of a lower layer be renamed as on a real disk: without it rename(2)
    answers EXDEV, and a mail store restored from a snapshot could not rename a folder.
    """
    options = f"lowerdir={':'.join(lowers)},upperdir={layer}/{upper},workdir={layer}/work,redirect_dir=on"
    return ["mount", "-t", "overlay", "-o", options, "overlay", target]


def raise_limits(report: Report, proc: Path = Path("/proc/sys")) -> None:
    """Raise (never lower) the kernel limits that the hosts share, and say so. They stay until the next boot."""
    for name, limit in KERNEL_LIMITS.items():
        path = proc / name.replace(".", "/")
        try:
            current = int(path.read_text(encoding="ascii"))
            if current >= limit:
                continue
            path.write_text(f"{limit}\n", encoding="ascii")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LabError(f"cannot raise {name} to {limit}: {error.strerror}") from error
        report(f"controller: {name} raised from {current} to {limit}")


def resolvers(
    environ: Mapping[str, str] | None = None,
    files: tuple[Path, ...] = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")),
) -> list[str]:
    """Return the name servers a lab host can ask: $MALLEPOSTE_LAB_DNS, or the controller's own.

    A loop-back address (a local stub) cannot be reached from a host: the stub's upstreams are read instead.
    Raises LabError when none is left.
    """
    environ = os.environ if environ is None else environ
    if environ.get(ENV_DNS):
        return environ[ENV_DNS].replace(",", " ").split()
    for path in files:
        if not path.is_file():
            continue
        words = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        servers = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
        # An IPv6 server is out of reach too: the lab network is IPv4.
        usable = [server for server in servers if not server.startswith("127.") and ":" not in server]
        if usable:
            return usable
    raise LabError(f"no resolver that a lab host can reach in {files[0]}: give one with {ENV_DNS}=address")
