"""Metrics as Prometheus reads them from a file (text exposition format 0.0.4), written and read.

The node exporter hands on each `*.prom` of its folder (textfile collector). A file is one program's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from malleposte.runtime import durable

FOLDER = Path("/var/lib/prometheus/node-exporter")
LAST = "malleposte_textfile_last_seconds"
"""The time at which a program last wrote its file, in seconds since 1970: a measure that is missing rings by it."""
MODE = 0o640
"""The folder's group, which is the exporter's, reads; nobody else."""
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_LINE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)')
_LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Sample:
    """A value, with the labels that tell it from its like."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """A name of Prometheus, its meaning in a line, and its values."""

    name: str
    about: str
    samples: tuple[Sample, ...]
    kind: str = "gauge"


def metric(name: str, about: str, *values: tuple[float, Mapping[str, str]] | float, kind: str = "gauge") -> Metric:
    """Make a metric of values, each alone or with its labels."""
    samples = (Sample(*value) if isinstance(value, tuple) else Sample(value, {}) for value in values)
    return Metric(name, about, tuple(samples), kind)


def render(metrics: Iterable[Metric]) -> str:
    """Return the text of a file. A metric without values is left out: its rule must see that it is missing."""
    lines: list[str] = []
    for one in metrics:
        if one.samples:
            lines += [f"# HELP {one.name} {one.about.translate(_ESCAPED)}", f"# TYPE {one.name} {one.kind}"]
            lines += [f"{one.name}{_braced(sample.labels)} {_number(sample.value)}" for sample in one.samples]
    return "".join(f"{line}\n" for line in lines)


def _braced(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def path(folder: Path, program: str) -> Path:
    """Return the file of a program."""
    return folder / f"malleposte-{program}.prom"


def write(folder: Path, program: str, metrics: Iterable[Metric], now: float) -> None:
    """Replace the file of a program by these metrics, and the time of this writing. Raises OSError."""
    last = metric(LAST, "Time of the last measure of a program, in seconds since 1970", (now, {"program": program}))
    durable.write(path(folder, program), render([*metrics, last]), MODE)


def parse(text: str) -> Iterator[tuple[str, Sample]]:
    """The values of a file, each with the name of its metric. Raises ValueError on a line that is none."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a metric: {line[:80]!r}")
        labels = {name: _plain(value) for name, value in _LABEL.findall(match[2] or "")}
        yield match[1], Sample(float(match[3]), labels)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def read(folder: Path) -> dict[str, list[Sample]]:
    """Return the values of all files of ours, by the name of their metric. Raises OSError, ValueError with the file."""
    values: dict[str, list[Sample]] = {}
    # Not by a pattern, which passes over a folder that may not be read.
    for file in sorted(folder.iterdir()):
        if not file.match("malleposte-*.prom"):
            continue
        try:
            for name, sample in parse(file.read_text("utf-8")):
                values.setdefault(name, []).append(sample)
        except FileNotFoundError:  # of a service that went meanwhile
            continue
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error
    return values
