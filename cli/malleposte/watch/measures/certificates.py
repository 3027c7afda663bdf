"""The end of the host's certificate (openssl-x509(1))."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from malleposte.core.errors import MallepostError
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

CERTIFICATES = {"host": Path("/etc/ssl/malleposte/fullchain.pem")}
"""Files with a certificate at their beginning, by the name of the measure (role acme)."""


def end(path: Path) -> float:
    """Return when the first certificate of a file ends, in seconds since 1970. Raises MallepostError."""
    argv = ["openssl", "x509", "-in", str(path), "-noout", "-enddate"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    word, _equals, stamp = done.stdout.strip().partition("=")
    if done.returncode or word != "notAfter":
        raise MallepostError(f"{path}: {done.stderr.strip() or 'no certificate'}", "look at 'malleposte check'")
    return float(ssl.cert_time_to_seconds(stamp))


def measure(_settings: Settings, _now: float) -> list[Metric]:
    """The certificates of this host. Raises MallepostError."""
    rows = [(end(path), {"name": name}) for name, path in CERTIFICATES.items()]
    return [metric("malleposte_certificate_end_seconds", "End of a certificate, in seconds since 1970", *rows)]
