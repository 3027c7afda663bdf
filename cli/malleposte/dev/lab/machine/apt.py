"""The controller's apt, as the lab hosts need it: sources reachable by network, proxy and trust settings.

Formats: sources.list(5) (one-line and deb822), apt.conf(5) as printed by ``apt-config dump``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
_SUITES = {f"{name}{suffix}" for name in (SUITE, "stable") for suffix in ("", "-updates", "-security")}
_COMPONENTS = {"main", "contrib", "non-free", "non-free-firmware"}
_SETTINGS = re.compile(
    r"Acquire::(?:(?:https?)::(?:Proxy|CaInfo|CaPath|Verify-Peer|Verify-Host|Timeout)\b|Check-Valid-Until$|Check-Date$|Retries$)",
    re.IGNORECASE,
)
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>[^#]+)")


@dataclass(frozen=True)
class Source:
    """One deb822 stanza: where packages come from."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def render(self) -> str:
        """Return the stanza as text."""
        lines = [
            "Types: deb",
            f"URIs: {' '.join(self.uris)}",
            f"Suites: {' '.join(self.suites)}",
            f"Components: {' '.join(self.components)}",
        ]
        if self.signed_by:
            lines.append(f"Signed-By: {self.signed_by}")
        return "\n".join(lines) + "\n"

    def for_hosts(self) -> Source | None:
        """Return the part a lab host can use: by http(s), of this Debian release; None if nothing is left."""
        uris = tuple(uri for uri in self.uris if uri.startswith(("http://", "https://")))
        suites = tuple(suite for suite in self.suites if suite.rstrip("/") in _SUITES)
        components = tuple(name for name in self.components if name in _COMPONENTS)
        if not (uris and suites and components):
            return None
        return Source(uris, suites, components, self.signed_by)


def parse_deb822(text: str) -> list[Source]:
    """Read a ``.sources`` file; disabled stanzas and source packages are left out."""
    sources = []
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        last = ""
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and last:
                fields[last] += "\n" + line
            elif ":" in line:
                last, _, value = line.partition(":")
                last = last.strip().lower()
                fields[last] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        words = {name: tuple(fields.get(name, "").split()) for name in ("uris", "suites", "components")}
        sources.append(Source(words["uris"], words["suites"], words["components"], fields.get("signed-by", "")))
    return sources


def parse_one_line(text: str) -> list[Source]:
    """Read a ``.list`` file (``deb [options] uri suite component…``)."""
    sources = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.strip())
        if not match:
            continue
        signed = re.search(r"signed-by=(\S+)", match["options"] or "", re.IGNORECASE)
        sources.append(
            Source(
                (match["uri"],),
                (match["suite"],),
                tuple(match["rest"].split()),
                signed[1] if signed else "",
            )
        )
    return sources


def sources_for_hosts(etc: Path = Path("/etc/apt")) -> list[Source]:
    """Return what lab hosts install from: the controller's own Debian sources with an http(s) address."""
    sources: list[Source] = []
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".sources":
            sources += parse_deb822(text)
        elif path.suffix == ".list":
            sources += parse_one_line(text)
    usable_sources: list[Source] = []
    for source in sources:
        usable = source.for_hosts()
        if usable is not None and usable not in usable_sources:
            usable_sources.append(usable)
    return usable_sources


def render_sources(sources: Iterable[Source]) -> str:
    """Return one ``.sources`` file."""
    return "\n".join(source.render() for source in sources)


def keyrings(sources: Iterable[Source]) -> list[Path]:
    """Return the keyring files that the sources name."""
    paths = {word for source in sources for word in source.signed_by.split() if word.startswith("/")}
    return [Path(word) for word in sorted(paths)]


def settings_for_hosts(dump: str) -> str:
    """Return, from ``apt-config dump``, what a host needs to reach the same sources, as apt.conf text.

    A proxy on the controller's own loop-back address is left out: no other host can reach it.
    """
    lines = []
    for line in dump.splitlines():
        name, _, value = line.partition(" ")
        if not _SETTINGS.match(name.removesuffix("::")) or value in ('"";', ""):
            continue
        if "proxy" in name.lower() and re.search(r"//(localhost|127\.|\[::1\])", value):
            continue
        lines.append(line)
    return "\n".join(lines) + "\n" if lines else ""


def files_in_settings(settings: str) -> list[Path]:
    """Return the files (certificates) that the settings name."""
    return [Path(path) for path in re.findall(r'Ca(?:Info|Path)\b[^"]*"(/[^"]+)"', settings, re.IGNORECASE)]
