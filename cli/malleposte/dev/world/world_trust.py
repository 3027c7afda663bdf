"""Add the present root of the lab's certificate authority to the system's store, beside the earlier ones.

Usage: world-trust URL [--wait | --every SECONDS]. The root is read at URL, over a connection that only the lab's stable
authority can vouch for. Prints `added` and its fingerprint when the store changed. With `--every` it goes on, and looks
again after so many seconds: a process that waits costs less than one that starts.
"""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from malleposte.runtime import durable

SOURCES = Path("/usr/local/share/ca-certificates")
STABLE = SOURCES / "malleposte-world-ca.crt"
STORE = Path("/etc/ssl/certs/ca-certificates.crt")


def fetch(url: str) -> str:
    """The present root, over a connection that only the stable authority can vouch for."""
    context = ssl.create_default_context(cafile=str(STABLE))
    if not url.startswith("https://"):
        raise OSError("the address must begin with https://")
    with urllib.request.urlopen(url, timeout=5, context=context) as answer:  # noqa: S310  # https alone, see above
        return str(answer.read(65536), "ascii")


def fetch_patiently(url: str, seconds: float) -> str:
    """The same, tried for so many seconds. Raises OSError."""
    end = time.monotonic() + seconds
    while True:
        try:
            return fetch(url)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def added(root: str) -> str:
    """Put `root` in the system's store; its fingerprint, empty where the store had it already."""
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(root)).hexdigest()
    path = SOURCES / f"malleposte-pebble-{fingerprint[:16]}.crt"
    if not path.exists():
        durable.write(path, root, 0o644)
    roots = [STABLE.read_text().strip(), root.strip()]
    store = STORE.read_text()
    if all(certificate in store for certificate in roots):
        return ""
    subprocess.run(["/usr/sbin/update-ca-certificates"], check=True, stdout=subprocess.DEVNULL)
    return fingerprint


def look(url: str, patience: float = 0) -> str:
    """One look, tried for `patience` seconds; what it says, empty for nothing. Raises OSError."""
    fingerprint = added(fetch_patiently(url, patience))
    return f"added {fingerprint}" if fingerprint else ""


def follow(url: str, seconds: float) -> NoReturn:
    """Look again and again, as long as the process lives; says what changed, and each failure once."""
    last = ""
    while True:
        try:
            said = look(url)
        except OSError as error:
            said = f"{url}: {error}"
        if said and said != last:
            print(said, flush=True)
        last = said
        time.sleep(seconds)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    match list(words):
        case [url] | [url, "--wait"]:
            try:
                said = look(url, 60 if words[1:] else 0)
            except OSError as error:
                print(f"{url}: {error}", file=sys.stderr)
                return 1
            if said:
                print(said)
            return 0
        case [url, "--every", seconds] if seconds.isdecimal():
            follow(url, int(seconds))
    print("usage: world-trust URL [--wait | --every SECONDS]", file=sys.stderr)
    return 2
