"""Networks in which tools may be are narrow, and never this host's own; a tool stands once."""

from typing import Any

import pytest
from malleposte.check import networks


class Read:
    """An inventory that says one fact."""

    def __init__(self, tools: Any) -> None:
        self.values = {
            "malleposte_linked_tools": tools, "malleposte_school_networks": [],
            "malleposte_networks": {"admin": ["192.0.2.0/24"]},
        }  # fmt: skip

    def value(self, _host: str, name: str) -> Any:
        return self.values[name]

    def wrong(self, _host: str, name: str, path: tuple[Any, ...], fault: str) -> str:
        return f"{name} {path}: {fault}"


def found(tools: Any) -> list[str]:
    return [str(one) for one in networks.networks(Read(tools), "mail1")]  # type: ignore[arg-type]


def test_networks_that_are_right() -> None:
    chat = {"name": "mattermost", "hosts": ["chat.ac-exemple.test"], "networks": ["10.20.0.0/16", "fd00:1::/32"]}
    assert found([chat, {"name": "slack", "hosts": ["hooks.slack.com"]}]) == []
    assert found([]) == found(None) == []


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "10.0.0.0/7", "127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/64"]
)
def test_networks_that_are_wrong(network: str) -> None:
    (line,) = found([{"name": "matrix", "hosts": ["a.test"], "networks": [network]}])
    assert line.startswith("malleposte_linked_tools (0, 'networks', 0): ")


def test_a_tool_stands_once() -> None:
    (line,) = found([{"name": "slack", "hosts": ["hooks.slack.com"]}] * 2)
    assert line == "malleposte_linked_tools (1, 'name'): slack stands twice"
