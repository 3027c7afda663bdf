"""Accounts made for one test and gone after it: fresh log-ins, so that no cache knows them."""

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from malleposte.accounts.boxes import mirror
from malleposte.directory.model import Agent, Attributes, FunctionalBox, State, agent_attributes, box_attributes
from malleposte.directory.protocol import Directory
from malleposte.platform import mailstore
from malleposte.policy import rules
from malleposte.probe.accounts import context_of

from tests.stack.support import typed_secrets
from tests.stack.support.site import Account, Site

AT_ONCE = 200
"""Accounts whose files one command removes."""


@contextlib.contextmanager
def directory(site: Site) -> Iterator[Directory]:
    """The lab's directory, with the right to write. Bound for each use: a test may restart it."""
    with site.directory() as bound:
        yield bound


@dataclass
class People:
    """Makes accounts and removes them, with their mail, at the end."""

    site: Site
    made: list[tuple[str, str]] = field(default_factory=list)

    def agent(self, **changes: Any) -> Account:
        """An agent who may log in, unless `state` says otherwise. `changes` are fields of Agent."""
        uid = changes.pop("uid", f"essai-{secrets.token_hex(4)}")
        domain = self.site.place.domain
        person = Agent(
            **{
                "uid": uid,
                "given_name": "Essai",
                "surname": uid,
                "mail": f"{uid}@{domain}",
                "profile": "roundcube",
                "state": State.ACTIVE,
                "hidden": True,
                **changes,
            }
        )
        password = rules.generate(context_of(person))
        typed_secrets.noted(password=password)
        self._add(uid, person.dn(self.site.place.suffix), agent_attributes(person) | {"userPassword": [password]})
        return Account(uid, person.mail, password, person.profile)

    def box(self, *delegates: str, **changes: Any) -> FunctionalBox:
        """A functional box read by its delegates."""
        uid = f"boite-{secrets.token_hex(4)}"
        domain = self.site.place.domain
        box = FunctionalBox(
            **{
                "uid": uid,
                "name": uid,
                "mail": f"{uid}@{domain}",
                "delegates": delegates,
                "profile": "roundcube",
                "hidden": True,
                **changes,
            }
        )
        self._add(uid, box.dn(self.site.place.suffix), box_attributes(box))
        self.mirror(*delegates)
        # One after the other, whoever asks: a restart would end the run that another test waits for.
        self.site.run("mail1", "flock /run/malleposte-tests.lock systemctl restart malleposte-boxes.service")
        return box

    def mirror(self, *delegates: str) -> None:
        """Let the own entries of these delegates, and of nobody else, name the boxes that they open."""
        with directory(self.site) as bound:
            own = {f"uid={uid},ou=people,{bound.suffix}" for uid in delegates}
            for change in mirror(bound):
                if change.dn in own:
                    bound.modify(change.dn, change.after)

    def change(self, who: Account, **attributes: list[str]) -> None:
        """Replace attributes of an account's entry."""
        with directory(self.site) as bound:
            bound.modify(f"uid={who.uid},ou=people,{bound.suffix}", attributes)

    def _add(self, uid: str, dn: str, attributes: Attributes) -> None:
        with directory(self.site) as bound:
            bound.add(dn, attributes)
        self.made.append((uid, dn))

    def forget(self, uid: str) -> None:
        """Leave an account to the test, which has removed it."""
        self.made = [pair for pair in self.made if pair[0] != uid]

    def clear(self) -> None:
        """Remove every account made, and its mailbox."""
        if not self.made:
            return
        with directory(self.site) as bound:
            for _, dn in self.made:
                bound.delete(dn)
        # A session that ends, or a delivery, may write there at that moment: then once more.
        again = "homes=$(cat); for _ in $(seq 20); do rm -rf -- $homes && exit; sleep 0.5; done; exit 1"
        for several in itertools.batched(self.made, AT_ONCE, strict=False):
            of_hours = [str(mailstore.STORE / mailstore.HOURS / f"{uid}.*") for uid, _ in several]
            of_later = [str(mailstore.STORE / mailstore.LATER / f"{uid}.json") for uid, _ in several]
            homes = " ".join([*(str(mailstore.home_of(uid)) for uid, _ in several), *of_hours, *of_later])
            self.site.run("mail1", again, given=homes)
        self.made.clear()
