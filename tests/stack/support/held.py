"""Data of accounts that outlives a host and an upgrade: their entries, and objects that devices put into agendas."""

from tests.stack.support.dav import CARD_TEXT, EVENT, Device
from tests.stack.support.site import Site

MOMENT = ("entryCSN:", "modifyTimestamp:", "modifiersName:", "contextCSN:", "authTimestamp:", "pwdLastSuccess:")
"""Attributes of the moment."""
KEPT = ("people", "functional")
"""The branches of accounts; the services' own entries are made anew with a host."""


def keep(device: Device) -> list[str]:
    """Put an event and a contact where the devices of this account's class find them; their addresses."""
    _, agendas, books = device.discover()
    objects = {
        f"{next(iter(agendas))}secours.ics": ("text/calendar", EVENT.format(uid="secours", summary="Réunion d’équipe")),
        f"{next(iter(books))}secours.vcf": ("text/vcard", CARD_TEXT.format(uid="secours", name="Élodie Lefèvre-Ÿvon")),
    }
    for path, (kind, text) in objects.items():
        assert device.ask("PUT", path, text, Content_Type=f"{kind}; charset=utf-8").status == 201, path
    return list(objects)


def read(device: Device, paths: list[str]) -> dict[str, str]:
    """Objects by address, as a device gets them."""
    answers = {path: device.ask("GET", path) for path in paths}
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(paths, 200)
    return {path: answer.text for path, answer in answers.items()}


def entries(site: Site, under: tuple[str, ...] = KEPT) -> dict[str, frozenset[str]]:
    """The lines of every entry with its password, by DN; those of the moment are left out."""
    text = site.run(site.host_of("directory"), "slapcat -n1 -o ldif-wrap=no -a '(!(objectClass=applicationProcess))'")
    found: dict[str, frozenset[str]] = {}
    for entry in text.split("\n\n"):
        name, *lines = entry.strip().splitlines() or [""]
        if any(f",ou={one}," in name for one in under):
            found[name] = frozenset(line for line in lines if not line.startswith(MOMENT))
    return found
