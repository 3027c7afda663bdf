"""From a feed and the directory to the changes that make the directory say what the feed says.

Pure but for reading: nothing is changed here. A person is known by the digest of the NUMEN. Only accounts that came
from a feed (they bear a source digest) can be suspended by one. Passwords are never part of a plan.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from malleposte.accounts import names
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.feed import Feed, Person
from malleposte.accounts.feed import values as cell
from malleposte.accounts.plan.changes import Change, Departures, Kind, Plan
from malleposte.accounts.plan.current import Account, Current
from malleposte.accounts.plan.lines import Lines
from malleposte.directory.model import Agent, Attributes, State, agent_attributes, first
from malleposte.platform.times import stamp
from malleposte.policy.rules import fold

Values = Mapping[str, list[str]]


@dataclass(frozen=True)
class Rules:
    """The operator's settings: the domain and the default class."""

    domain: str
    default_profile: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A person of the feed with the digests that stand for what must not be shown."""

    person: Person
    numen: tuple[str, ...]
    source: str


def plan(feed: Feed, current: Current, keys: Keyring, rules: Rules, now: datetime.datetime) -> Plan:
    """The changes that a feed of agents asks for, departures last."""
    return _Planner(current, keys, rules, now).plan(feed)


def source_digest(person: Person, keys: Keyring, rules: Rules) -> str:
    """The content that shows an unchanged row: all but its line number and the class it gets by default."""
    facts = {
        "n": person.numen, "s": person.surname, "g": person.given_name, "e": person.establishments, "c": person.corps,
        "d": person.discipline, "f": person.function, "p": person.profile or rules.default_profile,
        "m": person.recovery_mail, "t": person.recovery_phone, "b": person.begin, "x": person.end,
    }  # fmt: skip
    # A cell that was left out is not an empty one: the empty one takes a fact away.
    return keys.source(facts | ({"l": sorted(person.left_out)} if person.left_out else {}))


class _Planner:
    def __init__(self, current: Current, keys: Keyring, rules: Rules, now: datetime.datetime) -> None:
        self.current, self.keys, self.rules, self.now = current, keys, rules, now
        self.stamp = stamp(now)
        self.today = now.date().isoformat()

    def plan(self, feed: Feed) -> Plan:
        """See `plan`."""
        accounts = self.current.accounts()
        by_digest = {digest: one for one in accounts for digest in one.numen_digests}
        present = [person for person in feed.people if not (person.end and person.end < self.today)]
        rows = [self._row(person) for person in present]
        pairs = [(one, next((by_digest[digest] for digest in one.numen if digest in by_digest), None)) for one in rows]
        new = [one for one, account in pairs if account is None]
        changed = [(one, account) for one, account in pairs if account and self._differs(one, account)]
        details = self.current.details(account.uid for _, account in changed)
        stayed = {account.uid for _, account in pairs if account}
        suspended, held_back, departures = self._departures(feed, accounts, stayed)
        return Plan(
            domain=self.rules.domain,
            feed=feed.name,
            feed_sha256=feed.sha256,
            made=self.now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
            changes=Lines.of(
                itertools.chain(
                    self._creations(new),
                    *(self._update(one, account, details.get(account.uid, {})) for one, account in changed),
                    suspended,
                )
            ),
            departures=departures,
            unchanged=len(pairs) - len(new) - len(changed),
            rejected=len(feed.rejects),
            left_out=feed.left_out,
            held_back=held_back,
        )

    def _row(self, person: Person) -> _Row:
        numen = self.keys.digests("numen", person.numen)
        return _Row(person, numen, source_digest(person, self.keys, self.rules))

    def _differs(self, one: _Row, account: Account) -> bool:
        """Whether an account needs a closer look: another row, a digest of an old key, or a return."""
        return (
            account.source_digest != one.source or account.numen_digests != one.numen[:1] or self._returns(one, account)
        )

    @staticmethod
    def _returns(one: _Row, account: Account) -> bool:
        """Whether a row brings somebody back; one whose end could not be read does not say so."""
        return account.state == State.SUSPENDED and "fin" not in one.person.left_out

    # --- arrivals ---

    def _creations(self, new: Iterable[_Row]) -> Iterable[Change]:
        for one in new:
            # The names of the whole feed: who is renamed further down must not get what an arrival was given.
            yield self._creation(one, self.current.names())

    def _creation(self, one: _Row, taken: set[str]) -> Change:
        person = one.person
        uid = names.log_in_name(person.given_name, person.surname, taken)
        mail = names.address(person.given_name, person.surname, self.rules.domain, taken)
        taken |= {uid, mail}
        agent = Agent(
            uid=uid,
            given_name=person.given_name,
            surname=person.surname,
            mail=mail,
            profile=person.profile or self.rules.default_profile,
            establishments=person.establishments,
            corps=person.corps,
            discipline=person.discipline,
            function=person.function,
        )
        attributes = agent_attributes(agent) | self._digests(one) | {"mpStateChanged": [self.stamp]}
        attributes |= {name: [value] for name, value in _recovery(person).items()}
        return Change(Kind.CREATE, uid, agent.dn(self.current.suffix), {}, attributes, person.line, self._homonym(uid))

    @staticmethod
    def _homonym(uid: str) -> str:
        return "homonym" if uid[-1:].isdigit() else ""

    @staticmethod
    def _digests(one: _Row) -> Attributes:
        return {"mpNumenDigest": [one.numen[0]], "mpSourceDigest": [one.source]}

    # --- those who stay ---

    def _update(self, one: _Row, account: Account, attributes: Values) -> Iterable[Change]:
        new = self._attributes(one.person, attributes) | self._digests(one)
        kind = Kind.MODIFY
        if self._returns(one, account):
            kind = Kind.RESUME
            state = State.ACTIVE if attributes.get("pwdChangedTime") else State.PENDING
            new |= {"mpState": [state.value], "mpStateChanged": [self.stamp]}
        after = {name: values for name, values in new.items() if sorted(values) != sorted(attributes.get(name, []))}
        if after:
            before = {name: list(attributes.get(name, [])) for name in after}
            name = first(attributes, "cn")
            yield Change(kind, account.uid, account.dn, before, after, one.person.line, name=name)

    def _attributes(self, person: Person, attributes: Values) -> Attributes:
        """The attributes that the feed decides. Means of recovery belong to the owner: given only when empty."""
        facts: dict[str, tuple[str, list[str]]] = {
            "uai": ("mpEstablishment", list(person.establishments)),
            "corps": ("mpCorps", _filled(person.corps)),
            "discipline": ("mpDiscipline", _filled(person.discipline)),
            "fonction": ("mpFunction", _filled(person.function)),
        }
        new: Attributes = {"sn": [person.surname], "givenName": [person.given_name]}
        new |= dict(fact for column, fact in facts.items() if column not in person.left_out)
        if person.profile:
            new["mpProfile"] = [person.profile]
        new |= {name: [value] for name, value in _recovery(person).items() if not attributes.get(name)}
        name = f"{person.given_name} {person.surname}"
        if attributes.get("cn") != [name]:
            new |= {"cn": [name], "displayName": [name]} | self._new_address(person, attributes)
        return new

    def _new_address(self, person: Person, attributes: Values) -> Attributes:
        """Another name gets another address; the old ones stay as aliases, and the log-in is for life."""
        local = attributes.get("mail", [""])[0].partition("@")[0].rstrip("0123456789")
        if local == f"{names.slug(person.given_name)}.{names.slug(person.surname)}":
            return {}
        mail = names.address(person.given_name, person.surname, self.rules.domain, self.current.names())
        self.current.names().add(mail)
        return {"mail": [mail], "mailLocalAddress": [*attributes.get("mailLocalAddress", []), mail]}

    # --- departures ---

    def _departures(
        self, feed: Feed, accounts: Iterable[Account], stayed: set[str]
    ) -> tuple[tuple[Change, ...], tuple[str, ...], Departures]:
        """Those of earlier feeds that this one does not hold, less those whose row may be among the refused."""
        there = [one for one in accounts if one.source_digest and one.state != State.SUSPENDED]
        gone = [one for one in there if one.uid not in stayed]
        details = self.current.details(one.uid for one in gone)
        shielded = self._refused(feed)
        doubtful = self._doubtful(feed, details)
        held_back = {one.uid for one in gone if shielded & set(one.numen_digests) or one.uid in doubtful}
        leaving = [one for one in gone if one.uid not in held_back]
        changes = tuple(
            Change(
                Kind.SUSPEND,
                one.uid,
                one.dn,
                {"mpState": [one.state], "mpStateChanged": details.get(one.uid, {}).get("mpStateChanged", [])},
                {"mpState": [State.SUSPENDED.value], "mpStateChanged": [self.stamp]},
                name=first(details.get(one.uid, {}), "cn"),
            )
            for one in leaving
        )
        return changes, tuple(sorted(held_back)), Departures(len(leaving), len(there))

    def _refused(self, feed: Feed) -> set[str]:
        """Digests of the NUMENs of refused rows, as far as they can be read."""
        digests: set[str] = set()
        for raw in self._refused_cells(feed, "numen"):
            try:
                digests |= set(self.keys.digests("numen", cell.numen(raw)))
            except cell.BadValueError:
                continue
        return digests

    def _doubtful(self, feed: Feed, gone: Mapping[str, Attributes]) -> set[str]:
        """Log-ins of those leaving whose name is that of a refused row."""
        places = self._refused_rows(feed)
        refused = {(fold(row.get("nom", "")).strip(), fold(row.get("prenom", "")).strip()) for row in places}
        return {
            uid
            for uid, entry in gone.items()
            if refused and (fold(first(entry, "sn")), fold(first(entry, "givenName"))) in refused
        }

    @staticmethod
    def _refused_rows(feed: Feed) -> list[dict[str, str]]:
        return [feed.columns.row(reject.cells) for reject in feed.rejects]

    def _refused_cells(self, feed: Feed, key: str) -> Iterable[str]:
        return (row[key] for row in self._refused_rows(feed) if row.get(key))


def _filled(text: str) -> list[str]:
    return [text] if text else []


def _recovery(person: Person) -> dict[str, str]:
    means = {"mpRecoveryMail": person.recovery_mail, "mpRecoveryPhone": person.recovery_phone}
    return {name: value for name, value in means.items() if value}
