"""The delays against guessed passwords, set in Valkey as many tries would set them."""

from typing import Any

from malleposte.throttle import Settings, Throttle

VALKEY = "valkey-cli -s /run/valkey-throttle/valkey.sock --user throttle --no-auth-warning"


def place(site: Any, uid: str, address: str) -> str:
    """The line of an account in the network of an address."""
    found = Throttle(Settings("unix:///nowhere", site.secret("auth-policy-nonce")))._place(uid, address, "")
    assert found
    return found.keys[7]


def delay(site: Any, uid: str, address: str, seconds: int = 300) -> None:
    """As after many tries from there: the next is due in so many seconds."""
    key = place(site, uid, address)
    index, end = key.rpartition(":")[0], "$(($(date +%s) + 1800))"
    command = (
        f"export REDISCLI_AUTH=$(cat); cli='{VALKEY}'; $cli hset {key} n 20 next $(($(date +%s) + {seconds})); "
        f"$cli expire {key} 1800; $cli zadd {index} {end} {key}; $cli expire {index} 1800"
    )
    site.run("mail1", command, given=site.secret("valkey-throttle"))
