"""The academy's template of a signature: its words, filled with what the directory says of an agent.

Roundcube fills the same template in PHP (roles/roundcube/files/malleposte/signature.php).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

NAMES = ("name", "function", "school", "mail")
_HOLE = re.compile(r"\{([^{}]*)\}")


def is_template(text: str) -> bool:
    """Whether the template names nothing that is not known."""
    return all(name in NAMES for name in _HOLE.findall(text)) and not re.search(r"[{}]", _HOLE.sub("", text))


def values(attributes: Mapping[str, Sequence[str]], school: str) -> dict[str, str]:
    """Return what the template can name of an agent: attributes of the directory, and the school's name."""
    names = {"name": "cn", "function": "mpFunction", "mail": "mail"}
    return {"school": school} | {name: next(iter(attributes.get(of, ())), "") for name, of in names.items()}


def filled(template: str, values: Mapping[str, str]) -> str:
    """The signature. A line that would hold nothing of what it names is left out."""
    lines = []
    for line in template.strip().splitlines():
        names = _HOLE.findall(line)
        if not names or any(values.get(name) for name in names):
            lines.append(_HOLE.sub(lambda hole: values.get(hole[1], ""), line).strip())
    return "\n".join(lines).strip()
