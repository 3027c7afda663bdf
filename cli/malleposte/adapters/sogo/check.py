"""Whether SOGo would work with a configuration.

Usage: sogo-check [--group NAME]... [--set NAME=VALUE]... FILE. Groups and environment are those of SOGo's unit.

SOGo takes any property list and finds out at the first page. So one process of it runs with FILE on a scratch port,
in a mount name space where FILE stands for /etc/sogo/sogo.conf. It must give its first page, find its tables, look a
name up in the directory, and complain of nothing meanwhile. Exit 0 when it does; else 1, and what it said.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CONFIGURATION = "/etc/sogo/sogo.conf"
COMPLAINT = re.compile(
    r"\[ERROR\]|EXCEPTION|creation failed|[cC]ould not bind|Can.t contact|[cC]annot|FATAL|connection .*failed"
    r"|error occurred"
)
ZONES = Path("/usr/share/zoneinfo")
SECONDS = 60


def free_port() -> int:
    """A port of the loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, method: str, path: str, body: str | None = None) -> int:
    """The status of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", "Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def tried(port: int, running: subprocess.Popen[bytes]) -> str:
    """Return the fault in its answers; empty without one."""
    end = time.monotonic() + SECONDS
    while running.poll() is None and time.monotonic() < end:
        try:
            status = ask(port, "GET", "/SOGo/")
        except OSError:
            time.sleep(0.2)
            continue
        if status != 200:
            return f"the first page is answered by {status}"
        # Nobody has this name: it is looked up, and refused.
        status = ask(port, "POST", "/SOGo/connect", json.dumps({"userName": "sogo-check", "password": "sogo-check"}))
        return "" if status == 403 else f"an unknown name is answered by {status}"
    return "it ended" if running.poll() is not None else f"no page in {SECONDS} s"


def unknown_zone(path: Path) -> str:
    """The time zone, when there is none of that name: SOGo would take UTC without a word."""
    zones = re.findall(r'SOGoTimeZone = "([^"]*)"', path.read_text("utf-8"))
    return next((f"no such time zone: {zone}" for zone in zones if not (ZONES / zone).is_file()), "")


def complaints(path: Path, groups: Sequence[str], environment: Sequence[str]) -> list[str]:
    """Run it, try it, end it: what is wrong."""
    os.unshare(os.CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    with tempfile.TemporaryDirectory(prefix="sogo-check.") as folder:
        tried_file, log_file = Path(folder, "sogo.conf"), Path(folder, "log")
        shutil.copyfile(path, tried_file)
        for one in (folder, tried_file):
            shutil.chown(one, "sogo", "sogo")
        subprocess.run(["mount", "--bind", tried_file, CONFIGURATION], check=True)
        port = free_port()
        options = {
            "WONoDetach": "YES",
            "WOUseWatchDog": "NO",
            "WOPort": f"127.0.0.1:{port}",
            "WOPidFile": f"{folder}/pid",
            "WOLogFile": "-",
            "SOGoMailSpoolPath": folder,
            # This port is open to the whole host.
            "SOGoTrustProxyAuthentication": "NO",
        }
        words = [word for name, value in options.items() for word in (f"-{name}", value)]
        variables = dict(pair.split("=", 1) for pair in environment)
        with log_file.open("wb") as log:
            running = subprocess.Popen(
                ["/usr/sbin/sogod", *words], stdout=log, stderr=log, cwd=folder, start_new_session=True,
                env={"PATH": "/usr/bin", "HOME": folder, **variables}, user="sogo", group="sogo", extra_groups=groups,
            )  # fmt: skip
            try:
                wrong = tried(port, running)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        lines = log_file.read_text(errors="replace").splitlines()
        said = [re.sub(r"^.*?sogod ?\[[\d:]+\]:? ", "", line.strip()) for line in lines if COMPLAINT.search(line)]
        subprocess.run(["umount", CONFIGURATION], check=True)
    return [*([wrong] if wrong else []), *dict.fromkeys(said[:6])]


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="sogo-check", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--group", action="append", default=[], help="a supplementary group of SOGo's")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of it")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(words)
    wrong = unknown_zone(options.file)
    faults = [wrong] if wrong else complaints(options.file, options.group, options.set)
    if faults:
        print(" / ".join(faults), file=sys.stderr)
    return 1 if faults else 0
