"""Consistency of the facts: names below the domain, a policy that can be met, certificates that can be had."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from malleposte.accounts.mailbox.hours.model import Slot
from malleposte.check import values
from malleposte.check.findings import Finding, Level
from malleposte.check.networks import networks
from malleposte.check.offline import Reader
from malleposte.check.ports import MANIFEST
from malleposte.check.recipients import unreachable
from malleposte.check.sources import Sealed
from malleposte.core.errors import InputError
from malleposte.fleet.site import PLATFORM
from malleposte.groupware.published import content
from malleposte.platform import sign_on
from malleposte.platform.classes import ClassError, Classes
from malleposte.policy.model import Policy, PolicyError

PROTOCOL_LABELS = ("mta-sts", "autoconfig", "autodiscover")
PUBLIC_GROUPS = ("mail", "web", "portal")
"""Groups whose hosts are reached by agents' own programs."""
HOURS = 24
ZONE = re.compile(r"[^\W_]([\w '’-]{0,38}[^\W_])?")
SYSTEM_NAMES = ("root", "postmaster", "hostmaster", "abuse", "mailer-daemon", "webmaster", "security", "www-data")
"""Names whose mail goes to the operators (RFC 2142): the role postfix's own list."""


def facts(reader: Reader) -> Iterator[Finding]:
    """Every fault, once, however many hosts have it."""
    seen = set()
    for host in reader.site.members(PLATFORM):
        for check in (
            _names,
            _classes,
            _policy,
            _tls,
            networks,
            _operators,
            unreachable,
            _addresses,
            _outbound,
            _gateway,
            _alarms,
            _reports,
            _region,
            _support,
            _provider,
            _agenda,
            _school_holidays,
        ):
            for finding in check(reader, host):
                if finding not in seen:
                    seen.add(finding)
                    yield finding


def _mapping(reader: Reader, host: str, name: str) -> Mapping[str, Any]:
    value = reader.value(host, name)
    return value if isinstance(value, Mapping) else {}


def _names(reader: Reader, host: str) -> Iterator[Finding]:
    domain = reader.value(host, "malleposte_domain")
    hostnames = _mapping(reader, host, "malleposte_hostnames")
    told_apart = _sites(reader, host)
    sites: dict[str, str] = {}
    for key, name in hostnames.items():
        if not isinstance(domain, str) or not isinstance(name, str):
            continue
        if not name.endswith(f".{domain}"):
            message = f"{name} is not below the domain {domain}"
            yield reader.wrong(host, "malleposte_hostnames", (key,), message)
        elif name.removesuffix(f".{domain}") in PROTOCOL_LABELS:
            message = f"{name} is taken by a protocol; choose another name"
            yield reader.wrong(host, "malleposte_hostnames", (key,), message)
        if key in told_apart and name in sites:
            message = f"{name} is the name of {sites[name]} already; each web service has a name of its own"
            yield reader.wrong(host, "malleposte_hostnames", (key,), message)
        elif key in told_apart:
            sites[name] = key


def _sites(reader: Reader, host: str) -> set[str]:
    """Return the names that nginx tells apart, by their keys: no two may be the same."""
    services = [one for one in _mapping(reader, host, MANIFEST).values() if isinstance(one, Mapping)]
    return {one["vhost"]["host"] for one in services if one.get("present", True) and "host" in one.get("vhost", {})}


def _classes(reader: Reader, host: str) -> Iterator[Finding]:
    table = _mapping(reader, host, "malleposte_profiles")
    spec = reader.declared.facts["malleposte_profiles"]
    if next(values.faults(table, spec, templated=lambda _path: True), None):  # told with its line already
        return
    try:
        classes = Classes.parse(table)
    except ClassError as error:
        yield reader.wrong(host, "malleposte_profiles", error.path, str(error))
        return
    for name, one in classes.items():
        for number, slot in enumerate(one.hours):
            try:
                Slot.of(slot)
            except InputError as error:
                yield reader.wrong(host, "malleposte_profiles", (name, "hours", number), error.message)


def _policy(reader: Reader, host: str) -> Iterator[Finding]:
    policy = _mapping(reader, host, "malleposte_password_policy")
    try:
        Policy.from_mapping(policy)
    except PolicyError as error:
        if not str(error).startswith("unknown key"):  # told with its line already
            yield reader.wrong(host, "malleposte_password_policy", (), str(error))


def _tls(reader: Reader, host: str) -> Iterator[Finding]:
    tls = _mapping(reader, host, "malleposte_tls")
    for number, name in enumerate(tls.get("internal_hosts") or []):
        public = [group for group in PUBLIC_GROUPS if name in reader.site.members(group)]
        if name not in reader.site.members(PLATFORM):
            message = f"the inventory has no host {name}"
        elif public:
            message = f"{name} is in the group {public[0]}: agents' programs do not trust the internal CA"
        else:
            continue
        yield reader.wrong(host, "malleposte_tls", ("internal_hosts", number), message)
    private = tls.get("source") == "internal_ca" or bool(tls.get("root_certificate"))
    if private and _mapping(reader, host, "malleposte_mta_sts").get("mode") == "enforce":
        message = (
            "enforce: senders outside do not trust a private authority, and would not deliver; write testing or none"
        )
        yield reader.wrong(host, "malleposte_mta_sts", ("mode",), message, Level.WARNING)


def _operators(reader: Reader, host: str) -> Iterator[Finding]:
    operators = reader.value(host, "malleposte_operators")
    if operators == []:
        yield reader.wrong(host, "malleposte_operators", (), "is empty: nobody would read what postmaster is sent")
    domain = reader.value(host, "malleposte_domain")
    for number, address in enumerate(operators if isinstance(operators, list) else []):
        local, _, of = str(address).lower().partition("@")
        if of == domain and local in SYSTEM_NAMES:
            message = f"the mail of {address} goes to the operators: it would come back to itself; give another address"
            yield reader.wrong(host, "malleposte_operators", (number,), message)


def _addresses(reader: Reader, host: str) -> Iterator[Finding]:
    for name, addresses in _mapping(reader, host, "malleposte_public_addresses").items():
        if name not in reader.site.members(PLATFORM):
            message = f"the inventory has no host {name}"
            yield reader.wrong(host, "malleposte_public_addresses", (name,), message)
        for number, text in enumerate(addresses if isinstance(addresses, list) else []):
            if (fault := _unreachable(str(text))) is not None:
                yield reader.wrong(host, "malleposte_public_addresses", (name, number), fault)


def _unreachable(text: str) -> str | None:
    """Return why nobody reaches a host at this address; None if one may. Malformed ones are reported elsewhere."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None if "@" not in text else f"{text!r} is not an address: leave the port out"
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return f"{text} is an address at which nobody reaches the host"
    return None


def _outbound(reader: Reader, host: str) -> Iterator[Finding]:
    apart = sorted(set(reader.site.members("mail")) - set(reader.site.members("directory")))
    if apart and reader.value(host, "malleposte_outbound_block") is True:
        message = f"{apart[0]} counts recipients, and cannot block: the directory is on another host; leave it false"
        yield reader.wrong(host, "malleposte_outbound_block", (), message)


def _gateway(reader: Reader, host: str) -> Iterator[Finding]:
    gateway_facts = _mapping(reader, host, "malleposte_sms")
    said = [key for key, value in gateway_facts.items() if value]
    if said and "url" not in said and "command" not in said:
        message = (
            "has neither url nor command: no text message would leave; give the gateway's address as url, or a command"
        )
        yield reader.wrong(host, "malleposte_sms", (), message)
    if "url" in gateway_facts and not gateway_facts.get("networks"):
        message = "is empty: accountd could not reach the gateway of url; give the gateway's networks"
        yield reader.wrong(host, "malleposte_sms", ("networks",), message)


NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
"""A telephone as gateways take it (E.164)."""
RELAY = {
    "host": "the relay has no name",
    "sender": "the relay asks for a sender",
    "networks": "the pagers could not reach the relay; give its networks",
}
"""Keys that a relay must have, and why."""


def _alarms(reader: Reader, host: str) -> Iterator[Finding]:
    name = "malleposte_alarms"
    facts = _mapping(reader, host, name)
    numbers, mails = facts.get("numbers") or [], facts.get("mails") or []
    relay = {key: value for key, value in (facts.get("relay") or {}).items() if value}
    gateway = not {"url", "command"}.isdisjoint(_mapping(reader, host, "malleposte_sms"))
    domain = str(reader.value(host, "malleposte_domain"))
    for place, text in enumerate(numbers):
        if not NUMBER.fullmatch(str(text)):
            message = f"{text!r} is no telephone in E.164, such as +33612345678"
            yield reader.wrong(host, name, ("numbers", place), message)
    for place, text in enumerate(mails):
        if str(text).rpartition("@")[2].lower() == domain:
            message = f"{text} is of the platform itself: nobody would get the alarm that its mail has stopped"
            yield reader.wrong(host, name, ("mails", place), message)
    for key in (key for key in RELAY if relay and key not in relay):
        yield reader.wrong(host, name, ("relay", key), f"is missing: {RELAY[key]}")
    if numbers and not gateway:
        yield reader.wrong(host, name, ("numbers",), "no gateway sends to them: set malleposte_sms")
    if mails and not relay:
        yield reader.wrong(host, name, ("mails",), "no relay sends to them: set relay, one that is not the platform's")
    if not (numbers and gateway) and not (mails and relay):
        message = (
            "names no way: alarms reach nobody, and what fails is found by whoever happens to ask; "
            "give numbers with malleposte_sms, or mails with a relay of another house (docs/watch.md)"
        )
        yield reader.wrong(host, name, (), message, Level.WARNING)


def _reports(reader: Reader, host: str) -> Iterator[Finding]:
    """Addresses of reports at the own domain that people read for other things: no report is read there."""
    domain = str(reader.value(host, "malleposte_domain")).lower()
    read = reader.derived(host, "{{ __wiring_reports_addresses }}")
    if not isinstance(read, list) or not _mapping(reader, host, "malleposte_reports").get("read"):
        return
    for name in ("malleposte_dmarc", "malleposte_mta_sts"):
        address = str(_mapping(reader, host, name).get("reports") or "")
        if address.rpartition("@")[2].lower() == domain and address not in read:
            message = (
                f"people read {address} for other things: no report is read there; name an address for reports alone"
            )
            yield reader.wrong(host, name, ("reports",), message, Level.WARNING)


def _region(reader: Reader, host: str) -> Iterator[Finding]:
    name = "malleposte_region_metrics"
    facts = _mapping(reader, host, name)
    networks, ca = facts.get("networks") or [], str(facts.get("ca") or "")
    if networks and "BEGIN CERTIFICATE" not in ca:
        message = "holds no certificate in PEM: give that of the authority of the region's supervision"
        yield reader.wrong(host, name, ("ca",), message)
    if ca and not networks:
        yield reader.wrong(host, name, ("networks",), "is empty: nobody may ask, and the port is not opened")


def _agenda(reader: Reader, host: str) -> Iterator[Finding]:
    facts = _mapping(reader, host, "malleposte_agenda")
    start, end = facts.get("day_start"), facts.get("day_end")
    if isinstance(start, int) and isinstance(end, int) and not start < end < HOURS:
        message = f"{end} is not an hour after day_start ({start}) and before {HOURS}"
        yield reader.wrong(host, "malleposte_agenda", ("day_end",), message)


def _school_holidays(reader: Reader, host: str) -> Iterator[Finding]:
    facts = _mapping(reader, host, "malleposte_school_holidays")
    zone, url, file = (facts.get(name) for name in ("zone", "url", "file"))
    if not any((zone, url, file)):
        return
    if not zone:
        message = "is missing: the zone as agents read it, such as B"
        yield reader.wrong(host, "malleposte_school_holidays", ("zone",), message)
    elif isinstance(zone, str) and not ZONE.fullmatch(zone):
        message = f"{zone!r} is no name of a zone: up to 40 letters, digits, spaces, hyphens, apostrophes"
        yield reader.wrong(host, "malleposte_school_holidays", ("zone",), message)
    if bool(url) == bool(file):
        message = f"{'url and file are both given' if url else 'neither url nor file is given'}; give one of them"
        yield reader.wrong(host, "malleposte_school_holidays", (), message)
    elif isinstance(file, str) and file and (fault := _unpublishable(file)):
        yield reader.wrong(host, "malleposte_school_holidays", ("file",), fault)


def _unpublishable(text: str) -> str:
    """The reason for which a text is no calendar to publish; empty where it is one."""
    try:
        content.check(text.encode(), "the file")
    except InputError as error:
        return str(error)
    return ""


def _support(reader: Reader, host: str) -> Iterator[Finding]:
    support = _mapping(reader, host, "malleposte_support")
    if support and not support.get("opening") and not support.get("hours"):
        message = "is missing: letters could not say when the help desk answers; give its days and times"
        yield reader.wrong(host, "malleposte_support", ("opening",), message)
    opening = support.get("opening")
    for number, one in enumerate(opening if isinstance(opening, list) else []):
        begin, end = (values.hour(one.get(key)) if isinstance(one, dict) else None for key in ("from", "to"))
        if begin and end and begin >= end:
            message = (
                f"{one['to']} is not after {one['from']}: give the hour at which the help desk closes on the same day"
            )
            yield reader.wrong(host, "malleposte_support", ("opening", number, "to"), message)


def _provider(reader: Reader, host: str) -> Iterator[Finding]:
    for path, message in sign_on.faults(_mapping(reader, host, "malleposte_sso")):
        yield reader.wrong(host, "malleposte_sso", path, message)


ONE = {
    "directory": "their directories would not be one",
    "database": "their databases would not be one",
    "mail": "their mailboxes would not be one",
    "web": "their agendas would not be one",
    "portal": "second factors and log-ins would be each host's own, and the other would open to the password alone",
}
"""Groups whose hosts each keep data of their own, and what two would be."""
SEVERAL = {"vault": "each keeps the archives of every host by itself"}
"""Groups of any number of hosts, and why they may be."""


def groups(reader: Reader) -> Iterator[Finding]:
    """Groups without hosts, hosts outside the platform, addresses and short names that two hosts claim."""
    where, lines = reader.sources.hosts_file, reader.sources.host_lines
    place = where or reader.sources.folder
    platform = reader.site.members(PLATFORM)
    if not platform:
        yield Finding(Level.WRONG, "the inventory has no host in this group", place, 0, PLATFORM)
        return
    for group, otherwise in ONE.items():
        line = reader.sources.group_lines.get(group, 0)
        members = reader.site.members(group)
        if not members:
            yield Finding(Level.WRONG, "no host in this group, and a platform needs one", place, line, group)
        for host in sorted(set(members) - set(platform)):
            message = f"in the group {group}, but not in {PLATFORM}"
            yield Finding(Level.WRONG, message, place, lines.get(host, 0), host)
        if len(members) > 1:
            message = f"{len(members)} hosts ({', '.join(members)}); {otherwise}: leave one"
            yield Finding(Level.WRONG, message, place, line, group)
    vaults = reader.site.members("vault")
    line = reader.sources.group_lines.get("vault", 0)
    if len(vaults) < 2:
        count = {0: "no host: nothing is backed up", 1: "one host: its loss is the loss of every backup"}[len(vaults)]
        yield Finding(Level.WARNING, f"{count}; two vaults are wanted", place, line, "vault")
    yield from _alone(reader, place)
    yield from _twice(reader, place)


def _alone(reader: Reader, place: Any) -> Iterator[Finding]:
    """Hosts that no play reaches, since they are in no group."""
    for host in reader.site.members("all"):
        if not set(reader.site.groups_of(host)) - {"all", "ungrouped"}:
            message = (
                f"in no group: nothing would be deployed there; put it into a group of {PLATFORM}, or leave it out"
            )
            yield Finding(Level.WRONG, message, place, reader.sources.host_lines.get(host, 0), host)


def _no_address(text: str) -> str | None:
    """Return the reason why the firewall and the records cannot be made of a host's address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return f"{text!r} is not an IPv4 or IPv6 address; the firewall and the DNS records are made of it"
    return _unreachable(text)


def _twice(reader: Reader, place: Any) -> Iterator[Finding]:
    said: dict[str, Any] = {}
    for setting in reader.sources.of("ansible_host"):
        if setting.of_group or isinstance(setting.value, Sealed):
            continue
        if (other := said.setdefault(setting.scope, setting.value)) != setting.value:
            message = f"given twice: {other} elsewhere, {setting.value} here"
            yield Finding(Level.WRONG, message, setting.file, setting.line(), f"{setting.scope}.ansible_host")
    addresses: dict[str, str] = {}
    names: dict[str, str] = {}
    for host in reader.site.members("all"):
        line = reader.sources.host_lines.get(host, 0)
        address = str(reader.value(host, "ansible_host") or host)
        if host in reader.site.members(PLATFORM) and (fault := _no_address(address)):
            yield Finding(Level.WRONG, fault, place, line, f"{host}.ansible_host")
        port = str(reader.value(host, "ansible_port") or 22)
        if (other := addresses.setdefault(f"{address} {port}", host)) != host:
            yield Finding(Level.WRONG, f"has the address of {other}, {address}", place, line, f"{host}.ansible_host")
        short = host.partition(".")[0]
        if host in reader.site.members(PLATFORM) and (other := names.setdefault(short, host)) != host:
            yield Finding(Level.WRONG, f"has the short name of {other}, {short}", place, line, host)
