"""The ticket of a new address: it and the code together are good, for one account, in time, under any key in use."""

import base64
import datetime
import json

from malleposte.accounts.credentials import confirmation
from malleposte.accounts.credentials.digests import Keyring

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
ADDRESS = "marie@exemple.test"


def ring(current: str, *names: str) -> Keyring:
    keys = {name: base64.b64encode(name.encode() * 16).decode() for name in (current, *names)}
    return Keyring.parse(json.dumps({"current": current, "keys": keys}), "essai")


def test_ticket_and_code_give_the_address() -> None:
    keys = ring("k1")
    ticket, issued = confirmation.ask(keys, "mdupond", ADDRESS, NOW)
    assert issued.code not in ticket
    assert confirmation.confirmed(keys, "mdupond", ticket, issued.shown.lower(), NOW) == ADDRESS
    assert confirmation.confirmed(ring("k2", "k1"), "mdupond", ticket, issued.code, NOW) == ADDRESS


def test_anything_else_gives_none() -> None:
    keys = ring("k1")
    ticket, issued = confirmation.ask(keys, "mdupond", ADDRESS, NOW)
    end, digest, address = ticket.split(" ")
    late = NOW + datetime.timedelta(minutes=15)
    for uid, told, code, now in (
        ("autre", ticket, issued.code, NOW),
        ("mdupond", ticket, "3467934679", NOW),
        ("mdupond", f"{end} {digest} voleur@exemple.test", issued.code, NOW),
        ("mdupond", f"20991201120000Z {digest} {address}", issued.code, NOW),
        ("mdupond", "", "", NOW),
        ("mdupond", ticket, issued.code, late),
    ):
        assert confirmation.confirmed(keys, uid, told, code, now) == ""
    assert confirmation.confirmed(ring("k2"), "mdupond", ticket, issued.code, NOW) == ""
