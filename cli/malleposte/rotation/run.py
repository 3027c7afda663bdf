"""Changes secrets: new ones beside the inventory, a deploy that gives them to both sides, then the end of the old ones.

Interrupted anywhere, the same command goes on: what is begun stands in the state, and each step finds what is done.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError, MallepostError
from malleposte.dns import check as dns_check
from malleposte.dns import facts as dns_facts
from malleposte.dnsrecords.zone import absolute
from malleposte.fleet import playbook, reach, remote
from malleposte.fleet.site import Site
from malleposte.probe import passwords as probe_passwords
from malleposte.rotation import kinds
from malleposte.rotation.kinds import Way
from malleposte.rotation.store import Store, utils

DIRECTORY_TAG = "openldap"
MARGIN = 30
"""Seconds by which the clocks of two hosts may differ."""
TOKEN_SECONDS = "{{ lemonldap_token_seconds | default(300) }}"  # noqa: S105
DIGESTS = ("mpNumenDigest", "mpSourceDigest", "mpInaCode", "mpInaDigest", "mpRecoveryCode")
"""Attributes that hold digests made with a key; the digest is a value's last word."""
NUMBER = re.compile(r"(.*?)(\d*)")


def following(name: str) -> str:
    """The next name of a series: `mp1` -> `mp2`, `mail` -> `mail2`."""
    match = NUMBER.fullmatch(name)
    assert match
    return f"{match[1]}{int(match[2] or 1) + 1}"


def made_with(value: str, key: str) -> bool:
    """Whether a value of `DIGESTS` holds a digest that this key has made."""
    return value.rpartition(" ")[2].startswith(f"{key}:")


@dataclass
class Rotation:
    """One inventory. `deploy` converges it with some tags (none: all) and raises when that fails."""

    inventory: Path
    site: Site
    store: Store
    say: Callable[[str], None]
    deploy: Callable[[Sequence[str]], None]
    wait: Callable[[float], None] = time.sleep

    # ---- what there is

    @property
    def selector(self) -> str:
        """The inventory's own selector."""
        host = self.site.members("mail")[0]
        return str(self.site.template(host, "{{ __fact_dkim.selector }}"))

    @property
    def domain(self) -> str:
        """The platform's mail domain."""
        return str(self.site.template(self.site.members("mail")[0], "{{ malleposte_domain }}"))

    @property
    def in_the_lab(self) -> bool:
        """Whether the DNS is the lab's, which a deploy fills."""
        return bool(self.site.members("internet"))

    def dkim(self) -> dict[str, list[str] | str]:
        """Return the selector that signs, and those that are published."""
        selectors: dict[str, list[str] | str] = utils("rotation").dkim(self.store.state, self.selector)
        return selectors

    def in_use(self) -> list[str]:
        """The secrets that can be changed, less those that an earlier change left to be retired."""
        keys = utils("rotation").digest_keys(self.store.state)
        aside = {f"digest-key-{key}" for key in keys[:-1]}
        aside |= {name for name in self.store.names() if name.startswith("dkim-") and name != self.dkim_name()}
        return [name for name in self.store.names() if kinds.of(name).way is not Way.NEVER and name not in aside]

    def every(self) -> list[str]:
        """The secrets in use, less the successors of keys that an interrupted run made: they are new."""
        begun = self.store.begun
        ways = {kinds.of(name).way for name in begun}
        new = {f"digest-key-{utils('rotation').digest_keys(self.store.state)[-1]}"} if Way.DIGEST in ways else set()
        new |= {self.dkim_name()} if Way.DKIM in ways else set()
        return [name for name in self.in_use() if name not in new - begun]

    def dkim_name(self, selector: str | None = None) -> str:
        """The secret of a selector; of the one that signs unless given."""
        return f"dkim-{selector or self.dkim()['signing']}-{self.domain}"

    def due(self, today: date) -> list[str]:
        """The secrets in use that are old enough to be changed."""
        return [name for name in self.in_use() if 0 < kinds.of(name).days <= self.age(name, today)]

    def age(self, name: str, today: date) -> int:
        """Days since the last change of a secret; 0 when there is none."""
        since = utils("rotation").since(self.store.state, self.store.folder, name)
        return (today - since).days if since else 0

    @property
    def token_seconds(self) -> int:
        """Seconds for which a token of the log-in page is good."""
        return int(self.site.template(self.site.members("mail")[0], TOKEN_SECONDS))

    def chosen(self, names: Iterable[str]) -> list[str]:
        """The names, checked, with those that an earlier run began. Raises InputError on one that cannot be changed."""
        rotatable = {*self.in_use(), *self.store.begun}
        for name in names:
            if name not in rotatable:
                there = name in self.store.names()
                why = kinds.of(name).effect if there and kinds.of(name).way is Way.NEVER else ""
                what = f"is not changed by this: {why}" if why else "is no secret in use"
                raise InputError(f"{name} {what}", kinds.ROTATABLE)
        return sorted({*names, *self.store.begun})

    def tags(self, names: Iterable[str]) -> list[str]:
        """The roles to deploy for these."""
        roles = {tag for name in names for tag in kinds.of(name).tags}
        return sorted(roles | ({"world_dns"} if self.in_the_lab and self._signs(names) else set()))

    @staticmethod
    def _signs(names: Iterable[str]) -> bool:
        return any(kinds.of(name).way is Way.DKIM for name in names)

    # ---- the change

    def run(self, names: Sequence[str], *, at_once: bool = False) -> list[str]:
        """Change them all; what is left for the operator to do, a line each. Raises MallepostError.

        `at_once` does not wait for what old keys have signed to end.
        """
        left: list[str] = []
        ways = (Way.SWAP, Way.BOTH, Way.SIGNATURE, Way.PASSPHRASE)
        swapped = [name for name in names if kinds.of(name).way in ways]
        further = [name for name in names if kinds.of(name).way is Way.DIGEST]
        begun = [name for name in swapped if name not in self.store.ending]
        with playbook.only_one(self.inventory):
            for name in begun:
                self.store.begin(name)
            for name in further:
                self._further_key(name)
        for name in begun:
            if kinds.of(name).way is Way.PASSPHRASE:
                self._passphrase(name)
        if begun or further:
            self.say(f"new secrets go to both sides: {', '.join([*begun, *further])}")
            self.deploy(self.tags([*begun, *further]))
            self.store.paid(further)
        self._end(swapped, at_once)
        for name in names:
            if kinds.of(name).way is Way.DKIM:
                left += self._sign(name)
            elif kinds.of(name).way is Way.PROBE:
                self._probe(self.store.folder / name)
        return left + self.to_retire()

    def _end(self, names: list[str], at_once: bool) -> None:
        signing = [name for name in names if kinds.of(name).way is Way.SIGNATURE]
        both = [name for name in names if kinds.of(name).way is Way.BOTH]
        if signing and not at_once and not self.store.ending.issuperset(signing):
            seconds = self.token_seconds + MARGIN
            self.say(f"{', '.join(signing)}: the old key stays until what it signed has ended, in {seconds} s")
            self.wait(seconds)
        if both or signing:
            self.store.note(ending=sorted([*both, *signing]))
            self.say(f"the old ones end: {', '.join([*both, *signing])}")
            self.deploy(sorted({*([DIRECTORY_TAG] if both else []), *self.tags(signing)}))
        self.store.end(names)

    def _further_key(self, name: str) -> None:
        keys = utils("rotation").digest_keys(self.store.state)
        if name != f"digest-key-{keys[-1]}":
            return
        new = following(keys[-1])
        self.store.make(f"digest-key-{new}", self.store.text(name))
        self.store.owe(name, digest_keys=[*keys, new])

    def _passphrase(self, name: str) -> None:
        """Have the vault of the pair change it. Raises MallepostError."""
        client, vault = self._pair(name)
        request = {"client": client, "old": self.store.old(name).strip(), "new": self.store.text(name).strip()}
        (place,) = [one for one in remote.places(self.inventory, "vault") if one.name.split(".")[0] == vault]
        self.say(f"{vault}: a new passphrase for the repositories of {client}")
        answer = place.printed(["vault", "passphrase"], json.dumps(request).encode())
        self.say(answer.decode().strip())

    def _pair(self, name: str) -> tuple[str, str]:
        vaults = [host.split(".")[0] for host in self.site.members("vault")]
        for vault in vaults:
            if name.endswith(f"-{vault}"):
                return name.removeprefix("borg-").removesuffix(f"-{vault}"), vault
        raise InputError(f"{name}: no vault of that name", f"known are {', '.join(vaults)}")

    def _probe(self, table: Path) -> None:
        self.store.keep(table.name)
        where = reach.place(self.inventory)
        with reach.directory(self.inventory, where) as directory:
            probe_passwords.renew(directory, where.domain, where.classes, table, datetime.now(UTC).date())
        self.say("the probe's accounts have new passwords")

    def _sign(self, name: str) -> list[str]:
        """One step of a new signing key: make and publish it, or sign with it once the DNS has it."""
        state = self.dkim()
        signing, published = str(state["signing"]), list(state["published"])
        if name != self.dkim_name(signing):  # an earlier run chose the next one, and got no further
            self.deploy(["rspamd"])
            self.store.paid([name])
            return []
        pending = published[-1]
        if pending == signing:
            pending = following(signing)
            with playbook.only_one(self.inventory):
                self.store.make(self.dkim_name(pending), self.store.text(self.dkim_name(signing)))
                self.store.note(dkim=self._chain(signing, [*published, pending]))
            if self.in_the_lab:
                self.deploy(["world_dns"])
        record = f"{pending}._domainkey.{self.domain}"
        if not self.is_published(pending):
            return [f"{record} is not in the DNS yet: publish it (`dns show`), then run `secrets rotate "
                    f"{self.dkim_name(signing)}` again; {signing} signs meanwhile"]  # fmt: skip
        self.say(f"{record} is in the DNS: {pending} signs from now on")
        self.store.owe(name, dkim=self._chain(pending, list(self.dkim()["published"])))
        self.deploy(["rspamd"])
        self.store.paid([name])
        return []

    def _chain(self, signing: str, published: Sequence[str]) -> dict[str, Any]:
        return {"from": self.selector, "signing": signing, "published": list(published)}

    def is_published(self, selector: str) -> bool:
        """Whether the DNS has the key of a selector."""
        published = dns_facts.of_inventory(self.inventory)
        name = absolute(f"{selector}._domainkey.{self.domain}")
        records = [record for record in published.records if absolute(record["name"]) == name]
        findings = dns_check.check(records, published.servers)
        return bool(findings) and all(one.status is dns_check.Status.PRESENT for one in findings)

    # ---- the end of old keys

    def to_retire(self) -> list[str]:
        """List the values that stay for a while, and how they go; a line each."""
        state = self.dkim()
        old = [selector for selector in state["published"] if selector != state["signing"]]
        waits = state["published"][-1]
        lines = [
            f"{self.dkim_name(selector)} stays published for mail that is under way; a week from now: secrets retire "
            f"{self.dkim_name(selector)}"
            for selector in old
            if selector != waits
        ]
        return lines + [
            f"digest-key-{key} stays until no digest of it is left; then: secrets retire digest-key-{key}"
            for key in utils("rotation").digest_keys(self.store.state)[:-1]
        ]

    def retire(self, name: str) -> None:
        """Take an old DKIM key or an old key of digests out of use; its file is kept. Raises InputError when in use."""
        state = self.store.state
        keys, dkim = utils("rotation").digest_keys(state), self.dkim()
        old = [f"digest-key-{key}" for key in keys[:-1]]
        selectors = {self.dkim_name(one): one for one in dkim["published"][:-1] if one != dkim["signing"]}
        if name in old:
            key = name.removeprefix("digest-key-")
            number = self.count_digests(key)
            if number:
                raise InputError(
                    f"{name}: {number} digests in the directory are of this key",
                    "they renew as feeds come; nothing changed",
                )
            self.store.note(digest_keys=[one for one in keys if one != key])
            self.store.put_away(name)
            self.deploy(["accounts", "accountd"])
        elif name in selectors:
            selector = selectors[name]
            left = [one for one in dkim["published"] if one != selector]
            self.store.note(dkim=self._chain(str(dkim["signing"]), left))
            self.store.put_away(name)
            self.deploy(["rspamd", *(["world_dns"] if self.in_the_lab else [])])
            self.say(f"take {selector}._domainkey.{self.domain} out of the DNS")
        else:
            raise InputError(f"{name} is not an old key", f"old are {', '.join([*old, *selectors]) or 'none'}")

    def count_digests(self, key: str) -> int:
        """Count the values of the directory that are digests of a key."""
        where = reach.place(self.inventory)
        with reach.directory(self.inventory, where) as directory:
            return sum(
                made_with(str(value), key)
                for entry in directory.search("people", DIGESTS)
                for values in entry.attributes.values()
                for value in values
            )


def ensured(inventory: Path, linear: bool, ask: tuple[str, ...]) -> Callable[[Sequence[str]], None]:
    """A deploy that raises MallepostError when it fails."""

    def deploy(tags: Sequence[str]) -> None:
        options = playbook.Options(inventory, tags=",".join(tags), linear=linear, ask=ask)
        report = playbook.run(options, to_stderr=True, name="rotate")
        try:
            playbook.ensure(report, "the deploy")
        except MallepostError as error:
            raise MallepostError(error.message, f"{error.hint}; run `secrets rotate` again: it goes on") from error

    return deploy
