# SPDX-License-Identifier: GPL-3.0-or-later
"""The package as hosts have it: one file, the same bytes from the same sources, with an entry point a program.

The simulated world of the lab has another file, which holds its own programs and what they import.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import io
import marshal
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cli" / "malleposte"
PORTAL = ROOT / "portal" / "malleposte_portal"
"""The portal lies in the same file, beside the package: a host has one version of both."""
PORTAL_PROGRAM = "portal"
"""The program that runs it."""
PORTAL_KINDS = frozenset({".py", ".md", ".html", ".po", ".css", ".js", ".svg", ".txt", ".xml"})
MAIN = """\
import os
import sys

# The file that was opened now: a deploy may put another in its place while modules of this one are still to be loaded.
sys.path[0] = f"/proc/self/fd/{os.open(sys.path[0], os.O_RDONLY | os.O_CLOEXEC)}"

"""
MAIN_OF_HOSTS = """\
if sys.argv[1:2] == ["run"]:
    from malleposte.programs import run

    sys.exit(run(sys.argv[2:]))

from malleposte.cli import main

sys.exit(main())
"""
MAIN_OF_WORLD = """\
from malleposte.programs import WORLD, run

sys.exit(run(sys.argv[2:], WORLD))
"""


@dataclass(frozen=True)
class Archive:
    """A file of modules on hosts: its path there, the table of its programs in `malleposte.programs`, how it begins."""

    path: str
    programs: str
    main: str

    @property
    def start(self) -> str:
        """The words before a program's name; words alone, since neither systemd nor Dovecot has a shell."""
        return f"/usr/bin/python3 -I -B {self.path} run"


HOSTS = Archive("/usr/lib/malleposte/malleposte.pyz", "PROGRAMS", MAIN + MAIN_OF_HOSTS)
"""On every host: the package but what the controller alone has, and the portal."""
WORLD = Archive("/usr/lib/malleposte/malleposte-world.pyz", "WORLD", MAIN + MAIN_OF_WORLD)
"""On the hosts of a lab alone."""
CONTROLLER = tuple(
    f"malleposte.{name}"
    for name in (
        "check", "dev", "dns", "dnsrecords", "rotation", "upgrade",
        "fleet.playbook", "fleet.reach", "fleet.vault", "watch.work",
        *(f"probe.{name}" for name in (
            "accounts", "backups", "enrolment", "facts", "passwords", "report", "run", "ship", "updates",
        )),
        *(f"commands.{name}" for name in (
            "check", "completion", "deploy", "dns", "lab", "new_act", "new_service", "probe", "secrets", "test", "up",
            "upgrade",
        )),
    )
)  # fmt: skip
"""Modules, and packages, that the controller alone has: no host's file holds them."""
EPOCH = (1980, 1, 1, 0, 0, 0)
UNCHECKED = (1).to_bytes(4, "little")
"""The flag of a compiled module that is loaded without a look at its source (PEP 552)."""
WITHOUT_REFERENCES = 2
"""The version of marshal's format up to which equal values are the same bytes, whatever else refers to them."""


def sources(archive: Archive = HOSTS, package: Path = PACKAGE, portal: Path = PORTAL) -> Iterator[tuple[str, bytes]]:
    """Names in an archive and their content, in a fixed order. Links are followed."""
    yield "__main__.py", archive.main.encode()
    if archive == WORLD:
        modules = closure("malleposte.programs", package)
        for module in programs(package, archive).values():
            modules |= closure(module, package)
        files = [(package, path) for path in sorted(modules.values())]
    else:
        files = [(package, path) for path in files_of(package, frozenset({".py"})) if shipped(path, package)]
        files += [(portal, path) for path in files_of(portal, PORTAL_KINDS)]
    for tree, path in files:
        yield f"{tree.name}/{path.relative_to(tree).as_posix()}", path.read_bytes()


def shipped(path: Path, package: Path = PACKAGE) -> bool:
    """Whether every host has a file of the package."""
    module = module_at(path, package)
    return not any(f"{module}.".startswith(f"{name}.") for name in CONTROLLER)


def module_at(path: Path, package: Path = PACKAGE) -> str:
    """The dotted name of the module that a file of the package is."""
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def files_of(tree: Path, kinds: frozenset[str]) -> Iterator[Path]:
    """The files of some kinds in a tree, in a fixed order. Links are followed."""
    for folder, names, files in sorted(tree.walk(follow_symlinks=True)):
        names[:] = [name for name in names if name != "__pycache__"]
        yield from (folder / name for name in sorted(files) if Path(name).suffix in kinds)


def build(archive: Archive = HOSTS, package: Path = PACKAGE) -> bytes:
    """An archive, as python3 runs it. Stored, not compressed: its bytes hang on no version of zlib.

    Each module is there compiled too, which a host of the controller's Python loads; one of another takes the source.
    """
    buffer, found = io.BytesIO(), list(sources(archive, package))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, content in found:
            file.writestr(_entry(name), content)
            if name.endswith(".py"):
                file.writestr(_entry(f"{name}c"), compiled(name, content, archive))
        file.comment = sources_digest(found)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def compiled(name: str, source: bytes, archive: Archive = HOSTS) -> bytes:
    """A module as zipimport loads it: the head of PEP 552, then its code."""
    code = compile(source, f"{archive.path}/{name}", "exec", dont_inherit=True, optimize=0)
    head = importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source)
    return head + marshal.dumps(code, WITHOUT_REFERENCES)


def sources_digest(found: Iterable[tuple[str, bytes]]) -> bytes:
    """The digest of names and contents, which the archive ends with."""
    told = hashlib.sha256()
    for name, content in found:
        told.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
    return told.hexdigest().encode()


def written(folder: Path, archive: Archive = HOSTS) -> Path:
    """An archive as a file of that folder, of the sources as they are now. Raises OSError."""
    path = folder / Path(archive.path).name
    if not path.exists() or not path.read_bytes().endswith(sources_digest(sources(archive))):
        # A task asks for it for several hosts at once, each in a process that was forked from the same one.
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(build(archive))
        beside.rename(path)
    return path


def programs(package: Path = PACKAGE, archive: Archive = HOSTS) -> dict[str, str]:
    """The names of an archive's programs and the modules that they begin in."""
    tables = {
        ast.unparse(node.target): node.value
        for node in ast.parse((package / "programs.py").read_bytes()).body
        if isinstance(node, ast.AnnAssign) and node.value
    }
    table = ast.literal_eval(tables[archive.programs])
    return {name: f"{package.name}.{module}" for name, module in sorted(table.items())}


def archive_of(name: str, package: Path = PACKAGE) -> Archive | None:
    """The archive that holds a program; None where no program has that name."""
    return next((archive for archive in (HOSTS, WORLD) if name in programs(package, archive)), None)


def module_of(name: str, package: Path = PACKAGE) -> str:
    """Return the file of a program, or of a module by its dotted name. Raises ValueError with the known programs."""
    known = programs(package) | programs(package, WORLD)
    if name in known:
        return known[name]
    if name.startswith(f"{package.name}.") and file_of(name, package):
        return name
    raise ValueError(f"no program is called {name!r}; known: {', '.join(known)}")


def command(name: str, package: Path = PACKAGE) -> str:
    """Return the command of a program on a host. Raises ValueError with the known names."""
    archive = archive_of(name, package)
    if module_of(name, package) == name or archive is None:
        raise ValueError(f"{name} is a module, not a program; known: {', '.join(programs(package))}")
    return f"{archive.start} {name}"


def file_of(module: str, package: Path = PACKAGE) -> Path | None:
    """The file of a module of the package; None when there is no such module."""
    place = package.parent.joinpath(*module.split("."))
    found = (place / "__init__.py", place.with_suffix(".py"))
    return next((path for path in found if path.is_file()), None)


@functools.cache
def imported(path: Path, module: str, package: Path = PACKAGE) -> frozenset[str]:
    """The modules of the package that a file imports anywhere in it, with the packages that they lie in."""
    own = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    named: set[str] = set()
    imports, walked_packages = _imports(path.read_bytes())
    for level, imported_from, names in imports:
        above = own[: len(own) - level + 1] if level else []
        base = ".".join([*above, *([imported_from] if imported_from else [])])
        named |= {base, *(f"{base}.{name}" for name in names)}
    for walked in walked_packages:
        for whole_package in [name for name in named if name.endswith(f".{walked}")]:
            folder = (file_of(whole_package, package) or path).parent
            named |= {module_at(one, package) for one in folder.rglob("*.py")}
    whole = {part for name in named if name.split(".")[0] == package.name for part in _above(name)}
    return frozenset(name for name in whole if file_of(name, package))


@functools.cache
def _imports(source: bytes) -> tuple[tuple[tuple[int, str, tuple[str, ...]], ...], tuple[str, ...]]:
    """The imports of a source: level, module and names of each; and the packages all of whose modules it imports."""
    found, tree = list[tuple[int, str, tuple[str, ...]]](), ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or "", tuple(alias.name for alias in node.names)))
    return tuple(found), tuple(_walked(tree))


def _walked(tree: ast.Module) -> Iterator[str]:
    """The names of packages all of whose modules a file imports, by `pkgutil.walk_packages(NAME.__path__, …)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("walk_packages", "iter_modules"):
            for one in node.args[:1]:
                if isinstance(one, ast.Attribute) and one.attr == "__path__" and isinstance(one.value, ast.Name):
                    yield one.value.id


def _above(module: str) -> list[str]:
    """A dotted name, and those of the packages that it lies in."""
    parts = module.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]


def closure(module: str, package: Path = PACKAGE) -> dict[str, Path]:
    """A module and all of the package that it imports, directly or not, with their files."""
    return _closure(_above(module), package)


def _closure(modules: Iterable[str], package: Path) -> dict[str, Path]:
    waiting, found = set(modules), dict[str, Path]()
    while waiting:
        name = waiting.pop()
        path = file_of(name, package)
        assert path is not None
        found[name] = path
        waiting |= imported(path, name, package) - found.keys()
    return found


def digest(name: str, package: Path = PACKAGE, portal: Path = PORTAL) -> str:
    """16 hexadecimal digits of what a program, or a module, is made of. Raises ValueError.

    A unit bears it, so that the unit changes, and its daemon starts anew, exactly when that code does.
    """
    modules, pages = set(_above(module_of(name, package))), dict[str, Path]()
    if name == PORTAL_PROGRAM:
        pages = {path.relative_to(portal).as_posix(): path for path in files_of(portal, PORTAL_KINDS)}
        for path in pages.values():
            modules |= imported(path, portal.name, package) if path.suffix == ".py" else set()
    return digest_of(_closure(modules, package) | pages)


def digest_of(files: Mapping[str, Path]) -> str:
    """16 hexadecimal digits of some files and their names."""
    told = hashlib.sha256()
    for part, path in sorted(files.items()):
        told.update(f"{part}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()[:16]
