"""Settings of a program: read strictly, and what is wrong is one line with the file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.errors import InputError
from malleposte.runtime import settings


@dataclass(frozen=True)
class Part:
    name: str
    folder: Path


@dataclass(frozen=True)
class Whole:
    days: float
    parts: tuple[Part, ...] = ()
    more: Part | None = None
    table: dict[str, str] = field(default_factory=dict)


GOOD: dict[str, Any] = {"days": "7", "parts": [{"name": "a", "folder": "/x"}], "more": {}, "table": {"any": "name"}}


def test_they_are_read_and_numbers_may_be_texts(tmp_path: Path) -> None:
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(GOOD))
    assert settings.read(path, Whole, "a test", optional=["more"]) == Whole(
        7.0, (Part("a", Path("/x")),), table={"any": "name"}
    )


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"days": "many"}, r"float.*days"),
        ({"strange": 1}, "strange is not known"),
        ({"parts": [{"name": "a", "folder": "/x", "colour": 1}]}, "colour is not known"),
        ({"parts": [{"name": "a"}]}, "folder"),
        ({"parts": [{"name": "a", "folder": 3}]}, "folder"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, wrong: dict[str, Any], word: str) -> None:
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(GOOD | wrong))
    with pytest.raises(InputError, match=rf"whole\.json: not the settings of a test \(.*{word}"):
        settings.read(path, Whole, "a test", optional=["more"])


def test_a_file_that_is_none_or_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No such file.*; deploy it"):
        settings.read(tmp_path / "none", Whole, "a test", "deploy it")
    for text in ("{", "[]", "7"):
        (tmp_path / "whole.json").write_text(text)
        with pytest.raises(InputError, match="not the settings of a test"):
            settings.read(tmp_path / "whole.json", Whole, "a test", optional=["more"])
