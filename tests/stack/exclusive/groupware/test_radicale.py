"""Radicale is restarted and killed: nothing is lost."""

from collections.abc import Callable
from typing import Any

from testinfra.host import Host

from tests.stack.support.dav import EVENT, Device, answering


def put(device: Device, path: str, text: str, **headers: str) -> Any:
    kind = "text/vcard" if path.endswith(".vcf") else "text/calendar"
    return device.ask("PUT", path, text, Content_Type=f"{kind}; charset=utf-8", **headers)


def test_events_outlive_a_restart(device: Callable[..., Device], mail1: Host) -> None:
    mine = device()
    path = f"{next(iter(mine.discover()[1]))}essai-8.ics"
    put(mine, path, EVENT.format(uid="essai-8", summary="durable"))
    before = mine.ask("GET", path).headers["ETag"]
    mail1.check_output("systemctl restart radicale.service")
    answering(mine)
    assert mine.ask("GET", path).headers["ETag"] == before


def test_a_killed_radicale_comes_back(device: Callable[..., Device], mail1: Host) -> None:
    mine = device()
    mine.discover()
    mail1.check_output("systemctl kill -s KILL --kill-whom=main radicale.service")
    answering(mine)
    assert mine.discover()[1]
