"""Agents with a NUMEN and an INA code, as a feed and a letter give them."""

import base64
import datetime
import json
import secrets

from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.directory.model import State

from tests.stack.support import typed_secrets
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site


def keyring(site: Site) -> Keyring:
    """The platform's key of digests."""
    key = base64.b64encode(site.secret("digest-key-k1").encode()).decode()
    return Keyring.parse(json.dumps({"current": "k1", "keys": {"k1": key}}), "digest-key-k1")


class Person:
    """An agent made for a test, with a NUMEN."""

    def __init__(self, account: Account, numen: str, people: People, keys: Keyring) -> None:
        self.account, self.uid, self.numen, self.people, self.keys = account, account.uid, numen, people, keys

    def code(self, days: float = 1) -> str:
        """A new INA code."""
        issued = codes.issue(self.keys, self.uid, datetime.datetime.now(datetime.UTC), days)
        self.people.change(self.account, **issued.attributes)
        typed_secrets.noted(code=issued.code)
        return issued.code

    def held(self, *names: str) -> dict[str, list[str]]:
        """Attributes of the entry."""
        with directory(self.people.site) as bound:
            return next(iter(bound.search("people", names, {"uid": self.uid}))).attributes


def person(people: People, keys: Keyring, state: State = State.ACTIVE, **more: list[str]) -> Person:
    """A new agent with a NUMEN; one that waits for activation has no password."""
    account = people.agent(state=state)
    numen = f"99E{secrets.randbelow(10**7):07d}ESS"
    typed_secrets.noted(numen=numen)
    people.change(account, mpNumenDigest=[keys.digest("numen", numen)], **more)
    if state is State.PENDING:
        people.change(account, userPassword=[])
    return Person(account, numen, people, keys)
