"""An operator's changes of an account: facts, names, schools, class, quota, means of recovery."""

from __future__ import annotations

import datetime
from collections.abc import Container, Sequence

from malleposte.accounts import names
from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, first
from malleposte.directory.protocol import Entry
from malleposte.platform.identity import is_uid
from malleposte.platform.times import stamp

PLAIN = ("mpCorps", "mpDiscipline", "mpFunction", "mpHidden")
MOST_MB = 9_999_999


def attributes(entry: Entry, new: Attributes) -> list[Change]:
    """Facts as given (`PLAIN`); an empty list takes one away."""
    strange = sorted(set(new) - set(PLAIN))
    if strange:
        raise InputError(f"{strange[0]} is not changed this way")
    return change(Kind.MODIFY, entry, new)


def rename(
    entry: Entry, domain: str, taken: Container[str], *, given_name: str = "", surname: str = "",
    address: str = "", log_in: str = "",
) -> list[Change]:  # fmt: skip
    """Another name, another address; every old address stays an alias, and the uid is for life.

    `address`: instead of the one that the name makes; `log_in`: a further log-in name. `taken`: every name that is or
    was somebody's; one of the account's own may become its address again.
    """
    attributes = entry.attributes
    given_name, surname = given_name or first(attributes, "givenName"), surname or first(attributes, "sn")
    own = {value.lower() for value in attributes.get("mailLocalAddress", [])}
    mail = (
        checked_address(address.lower(), domain, taken, own)
        if address
        else _new_address(attributes, given_name, surname, domain, taken)
    )
    whole = f"{given_name} {surname}".strip()
    renamed: Attributes = {
        "cn": [whole], "displayName": [whole], "sn": [surname], "givenName": [given_name] if given_name else [],
        "mail": [mail], "mailLocalAddress": list(dict.fromkeys([*attributes.get("mailLocalAddress", []), mail])),
    }  # fmt: skip
    if log_in:
        aliases = attributes.get("mpLoginAlias", [])
        renamed["mpLoginAlias"] = list(dict.fromkeys([*aliases, checked_log_in(log_in.lower(), taken, aliases)]))
    return change(Kind.RENAME, entry, renamed)


def _new_address(attributes: Attributes, given_name: str, surname: str, domain: str, taken: Container[str]) -> str:
    try:
        stem = f"{names.slug(given_name)}.{names.slug(surname)}"
    except names.UnusableName as error:
        raise InputError(str(error), "give an --address") from error
    # The address that the account has already under this name, numbered or not.
    for address in attributes.get("mailLocalAddress", []):
        local, _at, at_domain = address.partition("@")
        if at_domain == domain and local.rstrip("0123456789") == stem:
            return address
    return names.address(given_name, surname, domain, taken)


def checked_address(address: str, domain: str, taken: Container[str], own: Container[str]) -> str:
    """An address of the domain that is free, or the account's own. Raises InputError."""
    local, _at, at_domain = address.partition("@")
    if at_domain != domain or not local or set(local) - set("abcdefghijklmnopqrstuvwxyz0123456789.-_"):
        raise InputError(f"{address} is no address of {domain}", "letters, digits, dots and hyphens before the @")
    if address in taken and address not in own:
        raise InputError(f"{address} is or was somebody's", "an address is never given again")
    if address not in own and names.reserved(local):
        raise InputError(
            f"{address} is reserved: it is no person's",
            f"make a box that agents open: accounts box create {local} --name NAME",
        )
    return address


def checked_log_in(name: str, taken: Container[str], own: Container[str]) -> str:
    """A log-in name that is free, or the account's own. Raises InputError."""
    if not is_uid(name):
        raise InputError(f"{name!r} is no log-in name")
    if name in taken and name not in own:
        raise InputError(f"the log-in {name} is or was somebody's", "a log-in is never given again")
    if name not in own and names.reserved(name.partition("@")[0]):
        raise InputError(f"the log-in {name} is reserved: it is no person's", "leave it out: the name makes one")
    return name


def move(entry: Entry, schools: Sequence[str]) -> list[Change]:
    """The schools of an account, all of them."""
    return change(Kind.MOVE, entry, {"mpEstablishment": list(dict.fromkeys(schools))})


def profile(entry: Entry, profile: str) -> list[Change]:
    """The class of service. A quota of the account's own stays."""
    return change(Kind.PROFILE, entry, {"mpProfile": [profile]})


def quota(entry: Entry, megabytes: int | None) -> list[Change]:
    """A size of the mailbox that beats the class's, in MB; None for the class's."""
    if megabytes is not None and not 1 <= megabytes <= MOST_MB:
        raise InputError(f"{uid_of(entry)}: a quota of {megabytes} MB", f"give 1 to {MOST_MB}")
    return change(Kind.QUOTA, entry, {"mpQuota": [] if megabytes is None else [str(megabytes)]})


def set_recovery(
    entry: Entry, now: datetime.datetime, *, mail: str | None = None, phone: str | None = None
) -> list[Change]:
    """The means of recovery, at once: None leaves one, an empty text takes it away. When they changed is kept.

    What an agent has asked for and waits is given up.
    """
    attributes: Attributes = {}
    if mail is not None:
        attributes["mpRecoveryMail"] = [mail] if mail else []
    if phone is not None:
        attributes["mpRecoveryPhone"] = [phone] if phone else []
    if not attributes:
        return []
    changes = change(Kind.MODIFY, entry, attributes | {"mpRecoveryNext": []})
    return change(Kind.MODIFY, entry, changes[0].after | {"mpRecoveryChanged": [stamp(now)]}) if changes else []
