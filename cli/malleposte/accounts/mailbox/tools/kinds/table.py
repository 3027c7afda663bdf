"""All tools, by their names."""

from __future__ import annotations

from collections.abc import Mapping

from malleposte.accounts.mailbox.tools.kinds import matrix, mattermost, notion, slack, trello, webhook
from malleposte.accounts.mailbox.tools.kinds.base import Tool
from malleposte.core.errors import InputError

TOOLS: dict[str, Tool] = {
    one.name: one
    for one in (trello.TOOL, notion.TOOL, slack.TOOL, mattermost.TOOL, matrix.TOOL, webhook.TOOL)
}  # fmt: skip


def checked(tool: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values of a tool, whole and of their forms. Raises InputError, which names none of them."""
    if tool not in TOOLS:
        raise InputError(f"{tool[:40]!r} is no tool", f"tools: {', '.join(TOOLS)}")
    fields = TOOLS[tool].fields
    if set(values) - {field.name for field in fields}:
        raise InputError(f"{tool}: a value has no name of this tool", "give its own values alone")
    for field in fields:
        if not field.form.fullmatch(values.get(field.name, "")):
            raise InputError(f"{tool}: {field.name}: not of its form", "copy it from the tool again")
    return dict(values)


def parted(tool: str, values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The values that are shown, and the secret ones."""
    secret = {field.name for field in TOOLS[tool].fields if field.secret}
    return (
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret},
    )
