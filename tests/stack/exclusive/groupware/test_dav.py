"""The devices' one address when Dovecot is down, and when its router is killed."""

from collections.abc import Callable

from testinfra.host import Host

from tests.stack.support.dav import Device, answering


def test_dovecot_down_is_no_refusal(device: Callable[..., Device], mail1: Host) -> None:
    """A device that is told 401 asks its owner for the password: it must not be, when nobody could tell."""
    mine = device()
    mine.discover()
    mail1.check_output("systemctl stop dovecot.service dovecot.socket")
    try:
        assert mine.ask("PROPFIND", "/", Depth="0").status == 503
    finally:
        mail1.check_output("systemctl reset-failed dovecot.service; systemctl start dovecot.service")
    answering(mine)
    assert mine.discover()[1]


def test_a_killed_router_comes_back(device: Callable[..., Device], mail1: Host) -> None:
    mine = device()
    mail1.check_output("systemctl kill -s KILL dav-router.service")
    answering(mine)
    assert mine.discover()[1]
