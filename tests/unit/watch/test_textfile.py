"""The files of measures, as the node exporter reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.watch import textfile
from malleposte.watch.textfile import Sample, metric


def test_a_file_is_written_as_the_format_asks() -> None:
    text = textfile.render(
        [
            metric("malleposte_a", "Seconds\nof a \\", (1.5, {"queue": 'a"b\\c\nd'}), (2.0, {"queue": "e"})),
            metric("malleposte_b_total", "Many", 3.0, kind="counter"),
            metric("malleposte_none", "Nothing"),
        ]
    )
    assert text == (
        "# HELP malleposte_a Seconds\\nof a \\\\\n"
        "# TYPE malleposte_a gauge\n"
        'malleposte_a{queue="a\\"b\\\\c\\nd"} 1.5\n'
        'malleposte_a{queue="e"} 2\n'
        "# HELP malleposte_b_total Many\n"
        "# TYPE malleposte_b_total counter\n"
        "malleposte_b_total 3\n"
    )
    assert list(textfile.parse(text)) == [
        ("malleposte_a", Sample(1.5, {"queue": 'a"b\\c\nd'})),
        ("malleposte_a", Sample(2.0, {"queue": "e"})),
        ("malleposte_b_total", Sample(3.0, {})),
    ]


def test_a_program_s_file_says_when_it_was_written_and_is_for_the_exporter_alone(tmp_path: Path) -> None:
    textfile.write(tmp_path, "queue", [metric("malleposte_a", "A", 1.0)], 1_795_995_900.5)
    textfile.write(tmp_path, "empty", [], 7.0)
    (tmp_path / "other.prom").write_text("not ours\n")
    path = tmp_path / "malleposte-queue.prom"
    assert path.stat().st_mode & 0o777 == 0o640
    values = textfile.read(tmp_path)
    assert values["malleposte_a"] == [Sample(1.0, {})]
    assert values[textfile.LAST] == [Sample(7.0, {"program": "empty"}), Sample(1_795_995_900.5, {"program": "queue"})]


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "malleposte-bad.prom").write_text("malleposte_a{ 1\n")
    with pytest.raises(ValueError, match=r"malleposte-bad\.prom: not a metric"):
        textfile.read(tmp_path)
