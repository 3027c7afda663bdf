# SPDX-License-Identifier: GPL-3.0-or-later
"""The large files that the portal serves: the design system, zxcvbn and ALTCHA of npm's locked packages, and pictures.

The log-in page and the agenda of the light webmail have their parts of it (EventCalendar, ical.js).

npm fetches the packages and checks their digests (`portal/npm/package-lock.json`); of their 140 MB the few files that
pages use go into one archive, with the pictures of the agents' guide. It is made once for each lock and set of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.academie.malleposte.plugins.module_utils import durable

ROOT = Path(__file__).resolve().parents[2]
NPM = ROOT / "portal" / "npm"
GUIDES = tuple(ROOT / "docs" / "fr" / name for name in ("guide", "assistance"))
BUILT = ROOT / "var" / "portal-assets"
SECONDS = 900.0
"""A limit for npm; a slow line needs minutes for the first fetch."""
DSFR = "@gouvfr/dsfr"
COMPONENTS = tuple(
    "header logo skiplink footer link tile form input password checkbox radio button badge alert notice stepper "
    "sidemenu".split()
)
"""The components of the design system that templates use, in the order in which their styles follow."""
LOG_IN = tuple("header logo skiplink footer link".split())
"""Those of the log-in page, which is a site of its own."""
WEIGHTS = {"Regular": 400, "Bold": 700}
"""The weights of Marianne that are served; the styles of others are left out, so that browsers take the nearest."""
ICONS = {
    "translate-2": "editor/translate-2",
    "phone-line": "device/phone-line",
    "mail-line": "business/mail-line",
    "time-line": "system/time-line",
    "refresh-line": "system/refresh-line",
    "arrow-left-line": "arrows/arrow-left-line",
    "account-circle-line": "user/account-circle-line",
    "logout-box-r-line": "system/logout-box-r-line",
    "lock-line": "system/lock-line",
    "customer-service-line": "business/customer-service-line",
}
"""The icons that templates name (`fr-icon-…`), with their files; those of the components come by themselves."""
PICTOGRAMS = {
    "mail": "digital/mail-send",
    "calendar": "digital/calendar",
    "application": "digital/application",
    "community": "leisure/community",
    "account": "digital/avatar",
    "padlock": "system/padlock",
    "search": "digital/search",
    "phone": "digital/smartphone",
    "help": "system/information",
    "video": "leisure/video",
    "book": "leisure/book",
}
"""The pictures of tiles, by the names that the manifest and the facts use."""
ALONE = {
    "zxcvbn/core.js": "@zxcvbn-ts/core/dist/zxcvbn-ts.js",
    "zxcvbn/common.js": "@zxcvbn-ts/language-common/dist/zxcvbn-ts.js",
    "zxcvbn/fr.js": "@zxcvbn-ts/language-fr/dist/zxcvbn-ts.js",
    "altcha/sha.js": "altcha/dist/workers/sha.js",
    "agenda/ical.js": "ical.js/dist/ical.es5.min.cjs",
    "agenda/event-calendar.js": "@event-calendar/build/dist/event-calendar.min.js",
    "agenda/event-calendar.css": "@event-calendar/build/dist/event-calendar.min.css",
}
"""Files that are served as they are."""
AGENDA = "agenda/"
"""Those of the agenda, which the light webmail serves."""
STYLES = "dsfr.css"
LOG_IN_STYLES = "log-in.css"
EPOCH = (1980, 1, 1, 0, 0, 0)
_DARK = re.compile(r"(?<=[{};])([^{};@]*\[data-fr-theme=dark\][^{}]*)\{([^{}]*)\}")
_PICTURE = re.compile(r"\]\((\.\./\.\./images/[\w-]+\.png)\)")
_ASKED = re.compile(r"url\((?!data:)([^)\"]+)\)")
_ICON = re.compile(r"url\(\"?\.\./(?:\.\./)?icons/([a-z0-9/-]+\.svg)\"?\)")


class AssetsError(ValueError):
    """The archive cannot be made; the message says why and what to do."""


def wanted() -> str:
    """16 hexadecimal digits of everything that the archive is made from."""
    told = hashlib.sha256(Path(__file__).read_bytes())
    for name in ("package.json", "package-lock.json"):
        told.update((NPM / name).read_bytes())
    for path in pictures():
        told.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()[:16]


def written(folder: Path = BUILT) -> Path:
    """The archive, made when there is none of this lock. Raises AssetsError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{wanted()}.zip"
    if not path.exists():
        # Tasks for two hosts at once each make it, in a scratch folder of their own, and put the same bytes into place.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            beside = Path(scratch) / "made.zip"
            beside.write_bytes(archive(dict(files(fetched(Path(scratch))))))
            beside.rename(path)
        for old in set(folder.glob("*.zip")) - {path}:
            old.unlink(missing_ok=True)
    return path


def fetched(scratch: Path, npm: str | None = None) -> Path:
    """Have npm fetch the locked packages into a scratch folder; the folder of the packages. Raises AssetsError."""
    program = npm or shutil.which("npm")
    if program is None:
        raise AssetsError("npm is not installed on this machine: run 'sudo ./malleposte --version', which installs it")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(NPM / name, scratch / name)
    words = [program, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline"]
    try:
        done = subprocess.run(
            words,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssetsError(f"npm ci: {error}: see whether this machine reaches its npm registry") from error
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if re.match(r"npm (ERR!|error) \S", line)]
        told = "; ".join(lines[:2]) or done.stdout.strip()[-200:]
        raise AssetsError(f"npm ci failed ({told}): see whether this machine reaches its npm registry")
    return scratch / "node_modules"


def files(packages: Path) -> Iterator[tuple[str, bytes]]:
    """Names in the archive and their content. Raises AssetsError where a package no longer has a file."""
    dist = f"{DSFR}/dist"
    sheets = {name: _read(packages, f"{dist}/{name}").decode() for name in style_files()}
    styles = bundle(sheets)
    yield STYLES, styles.encode()
    yield LOG_IN_STYLES, bundle({name: sheets[name] for name in style_files(LOG_IN)}).encode()
    for weight in WEIGHTS:
        yield f"fonts/Marianne-{weight}.woff2", _read(packages, f"{dist}/fonts/Marianne-{weight}.woff2")
    for icon in sorted(set(re.findall(r"url\(icons/([a-z0-9/-]+\.svg)\)", styles))):
        yield f"icons/{icon}", _read(packages, f"{dist}/icons/{icon}")
    for name, picture in sorted(PICTOGRAMS.items()):
        yield f"pictograms/{name}.svg", _read(packages, f"{dist}/artwork/pictograms/{picture}.svg")
    for name, source in sorted(ALONE.items()):
        # Browsers' tools would ask for maps, which are not served.
        yield name, re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", _read(packages, source))
    for path in pictures():
        yield f"guide/{path.name}", path.read_bytes()
    yield "LICENCES.txt", licences().encode()


def pictures(*guides: Path) -> list[Path]:
    """The pictures that the pages of the agents' guide and the help desk's show, by name. Raises OSError."""
    folders = guides or GUIDES
    pages = [page for folder in folders for page in folder.glob("*.md")]
    shown = {found for page in pages for found in _PICTURE.findall(page.read_text("utf-8"))}
    return [folders[0] / name for name in sorted(shown)]


def style_files(components: Iterable[str] = COMPONENTS) -> list[str]:
    """The style sheets of the design system that are put together, below its folder `dist`."""
    return [
        "core/core.main.min.css",
        "scheme/scheme.min.css",
        *(f"component/{name}/{name}.main.min.css" for name in components),
    ]


def bundle(sheets: Mapping[str, str]) -> str:
    """One style sheet: our weights alone, dark colours by the browser's wish and not by a script, files beside it."""
    whole = "\n".join(re.sub(r'@charset "UTF-8";', "", sheet) for sheet in sheets.values())
    whole = re.sub(r"@font-face\s*\{[^{}]*\}", "", whole)
    for weight, number in WEIGHTS.items():
        source = f'url(fonts/Marianne-{weight}.woff2) format("woff2")'
        whole += f"\n@font-face{{font-family:Marianne;src:{source};font-weight:{number};font-display:swap}}"
    whole = _ICON.sub(lambda found: f"url(icons/{found[1]})", whole)
    for name, path in ICONS.items():
        mask = f"url(icons/{path}.svg)"
        whole += f"\n.fr-icon-{name}::before,.fr-icon-{name}::after{{-webkit-mask-image:{mask};mask-image:{mask}}}"
    return '@charset "UTF-8";\n' + _DARK.sub(_by_wish, whole)


def _by_wish(found: re.Match[str]) -> str:
    # `:root` counts for as much as the attribute that it replaces, so that the order of rules stays theirs.
    selector = found[1].replace("[data-fr-theme=dark]", ":root")
    return f"@media (prefers-color-scheme:dark){{{selector}{{{found[2]}}}}}"


def licences() -> str:
    """The packages with version and licence, from the lock."""
    lock = json.loads((NPM / "package-lock.json").read_bytes())
    rows = sorted(
        f"{posixpath.join(*name.split('/')[1:])} {entry['version']}: {entry['license']}"
        for name, entry in lock["packages"].items()
        if name
    )
    return "\n".join(rows) + "\n"


def _read(packages: Path, name: str) -> bytes:
    try:
        return (packages / name).read_bytes()
    except FileNotFoundError as error:
        raise AssetsError(f"{name}: not in the locked package: change the list in portal_assets.py") from error


def archive(content: Mapping[str, bytes]) -> bytes:
    """The same bytes from the same files; stored, since the portal compresses what it serves."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as made:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            made.writestr(entry, data)
    return buffer.getvalue()


def log_in(folder: Path = BUILT) -> Path:
    """A folder of the files that the log-in page uses: its styles, and what they name. Raises AssetsError, OSError."""

    def names(archived: zipfile.ZipFile) -> list[str]:
        return [LOG_IN_STYLES, *sorted(set(_ASKED.findall(archived.read(LOG_IN_STYLES).decode())))]

    return _part(folder, "log-in", names)


def agenda(folder: Path = BUILT) -> Path:
    """A folder of the files that the agenda of the light webmail uses. Raises AssetsError, OSError."""
    return _part(folder, "agenda", lambda archived: [one for one in archived.namelist() if one.startswith(AGENDA)])


def _part(folder: Path, part: str, names: Callable[[zipfile.ZipFile], list[str]]) -> Path:
    made = folder / f"{wanted()}-{part}"
    with zipfile.ZipFile(written(folder)) as archived:
        for name in names(archived):
            path = made / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                durable.write(path, archived.read(name), 0o644)
    for old in set(folder.glob(f"*-{part}")) - {made}:
        shutil.rmtree(old, ignore_errors=True)
    return made


def digest() -> str:
    """16 hexadecimal digits of the archive, for the unit of the daemon that holds it. Raises AssetsError, OSError."""
    return hashlib.sha256(written().read_bytes()).hexdigest()[:16]
