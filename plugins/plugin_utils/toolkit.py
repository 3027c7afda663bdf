# SPDX-License-Identifier: GPL-3.0-or-later
"""The package as hosts have it: one file, the same bytes from the same sources, with an entry point a program."""

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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cli" / "malleposte"
PORTAL = ROOT / "portal" / "malleposte_portal"
"""The portal lies in the same file, beside the package: a host has one version of both."""
PORTAL_PROGRAM = "portal"
"""The program that runs it."""
PORTAL_KINDS = frozenset({".py", ".md", ".html", ".po", ".css", ".js", ".svg", ".txt", ".xml"})
ARCHIVE = "/usr/lib/malleposte/malleposte.pyz"
"""The path of the package on a host."""
START = f"/usr/bin/python3 -I -B {ARCHIVE} run"
"""The words before a program's name; words alone, since neither systemd nor Dovecot has a shell."""
MAIN = """\
import os
import sys

# The file that was opened now: a deploy may put another in its place while modules of this one are still to be loaded.
sys.path[0] = f"/proc/self/fd/{os.open(sys.path[0], os.O_RDONLY | os.O_CLOEXEC)}"

if sys.argv[1:2] == ["run"]:
    from malleposte.programs import run

    sys.exit(run(sys.argv[2:]))

from malleposte.cli import main

sys.exit(main())
"""
EPOCH = (1980, 1, 1, 0, 0, 0)
UNCHECKED = (1).to_bytes(4, "little")
"""The flag of a compiled module that is loaded without a look at its source (PEP 552)."""
WITHOUT_REFERENCES = 2
"""The version of marshal's format up to which equal values are the same bytes, whatever else refers to them."""


def sources(package: Path = PACKAGE, portal: Path = PORTAL) -> Iterator[tuple[str, bytes]]:
    """Names in the archive and their content, in a fixed order. Links are followed."""
    yield "__main__.py", MAIN.encode()
    for tree, kinds in ((package, frozenset({".py"})), (portal, PORTAL_KINDS)):
        for path in files_of(tree, kinds):
            yield f"{tree.name}/{path.relative_to(tree).as_posix()}", path.read_bytes()


def files_of(tree: Path, kinds: frozenset[str]) -> Iterator[Path]:
    """The files of some kinds in a tree, in a fixed order. Links are followed."""
    for folder, names, files in sorted(tree.walk(follow_symlinks=True)):
        names[:] = [name for name in names if name != "__pycache__"]
        yield from (folder / name for name in sorted(files) if Path(name).suffix in kinds)


def build(package: Path = PACKAGE) -> bytes:
    """The archive, as python3 runs it. Stored, not compressed: its bytes hang on no version of zlib.

    Each module is there compiled too, which a host of the controller's Python loads; one of another takes the source.
    """
    buffer, found = io.BytesIO(), list(sources(package))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in found:
            archive.writestr(_entry(name), content)
            if name.endswith(".py"):
                archive.writestr(_entry(f"{name}c"), compiled(name, content))
        archive.comment = sources_digest(found)
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def compiled(name: str, source: bytes) -> bytes:
    """A module as zipimport loads it: the head of PEP 552, then its code."""
    code = compile(source, f"{ARCHIVE}/{name}", "exec", dont_inherit=True, optimize=0)
    head = importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source)
    return head + marshal.dumps(code, WITHOUT_REFERENCES)


def sources_digest(found: Iterable[tuple[str, bytes]]) -> bytes:
    """The digest of names and contents, which the archive ends with."""
    told = hashlib.sha256()
    for name, content in found:
        told.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
    return told.hexdigest().encode()


def written(folder: Path) -> Path:
    """The archive as a file of that folder, of the sources as they are now. Raises OSError."""
    path = folder / Path(ARCHIVE).name
    if not path.exists() or not path.read_bytes().endswith(sources_digest(sources())):
        # A task asks for it for several hosts at once, each in a process that was forked from the same one.
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(build())
        beside.rename(path)
    return path


def programs(package: Path = PACKAGE) -> dict[str, str]:
    """The programs' names and the modules that they begin in."""
    found = sorted((package / "programs").glob("[a-z]*.py"))
    return {path.stem.replace("_", "-"): f"malleposte.programs.{path.stem}" for path in found}


def module_of(name: str, package: Path = PACKAGE) -> str:
    """Return the file of a program, or of a module by its dotted name. Raises ValueError with the known programs."""
    known = programs(package)
    if name in known:
        return known[name]
    if name.startswith(f"{package.name}.") and file_of(name, package):
        return name
    raise ValueError(f"no program is called {name!r}; known: {', '.join(known)}")


def command(name: str, package: Path = PACKAGE) -> str:
    """Return the command of a program on a host. Raises ValueError with the known names."""
    if module_of(name, package) == name:
        raise ValueError(f"{name} is a module, not a program; known: {', '.join(programs(package))}")
    return f"{START} {name}"


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
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = own[: len(own) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            named |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    whole = {part for name in named if name.split(".")[0] == package.name for part in _above(name)}
    return frozenset(name for name in whole if file_of(name, package))


def _above(module: str) -> list[str]:
    """A dotted name, and those of the packages that it lies in."""
    parts = module.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]


def closure(module: str, package: Path = PACKAGE) -> dict[str, Path]:
    """A module and all of the package that it imports, directly or not, with their files."""
    waiting, found = set(_above(module)), dict[str, Path]()
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
    files = closure(module_of(name, package), package)
    if name == PORTAL_PROGRAM:
        for path in files_of(portal, PORTAL_KINDS):
            files[path.relative_to(portal).as_posix()] = path
            for module in imported(path, portal.name, package) if path.suffix == ".py" else ():
                files |= closure(module, package)
    return digest_of(files)


def digest_of(files: Mapping[str, Path]) -> str:
    """16 hexadecimal digits of some files and their names."""
    told = hashlib.sha256()
    for part, path in sorted(files.items()):
        told.update(f"{part}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()[:16]
