"""Seed a lab: the probe's accounts, then the sample accounts of its inventory.

An account that exists is never touched, but for a box that nobody opens yet: it gets what the sample says.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from malleposte.accounts.boxes import mirror
from malleposte.core.paths import folder_of
from malleposte.dev import sample
from malleposte.directory.model import Attributes, FunctionalBox, box_attributes
from malleposte.directory.protocol import Directory
from malleposte.directory.query import Present
from malleposte.fleet import reach, remote, vault
from malleposte.probe.accounts import SeedReport, account_row, seed_agents, seed_probes, uids_of

SAMPLE = "sample-accounts.csv"
ACCOUNTS = "accounts.json"


def seed(inventory: Path) -> SeedReport:
    """Create what is missing of the probe accounts and of the inventory's sample accounts, if it has a sample file.

    Raises MallepostError when the directory cannot be reached, InputError when the file is wrong.
    """
    folder = folder_of(inventory)
    where = reach.place(inventory)
    accounts = sample.Sample((), ())
    if (folder / SAMPLE).exists():
        accounts = sample.read(folder / SAMPLE, where.domain)
    with reach.directory(inventory, where) as directory:
        report = seed_probes(directory, where, inventory)
        if accounts.agents or accounts.boxes:
            table = folder / "secrets" / ACCOUNTS
            report += seed_agents(directory, accounts.agents, table) + seed_boxes(directory, accounts.boxes, table)
    if accounts.numens:
        seed_numens(remote.one(inventory, reach.GROUP), accounts.numens, folder / "secrets" / ACCOUNTS)
    return report


def seed_numens(place: remote.Place, numens: Mapping[str, str], table: Path) -> None:
    """Give agents of the table their NUMEN, once: by the command line of the directory's host, which has the keys.

    Raises MallepostError.
    """
    rows = vault.read_table(table)
    for uid, numen in numens.items():
        if uid in rows and rows[uid].get("numen") != numen:
            place.printed(["accounts", "modify", uid, "--numen", "--json"], f"{numen}\n".encode())
            rows[uid] |= {"numen": numen}
            vault.write_table(table, rows)


def _beside_names(box: FunctionalBox) -> Attributes:
    names = ("objectClass", "uid", "mail", "mailLocalAddress")
    return {name: values for name, values in box_attributes(box).items() if name not in names}


def seed_boxes(directory: Directory, boxes: Iterable[FunctionalBox], table: Path) -> SeedReport:
    """Create the functional boxes that are missing; they have no password, their delegates open them."""
    there = uids_of(directory, "functional")
    opened = uids_of(directory, "functional", Present("mpDelegate"))
    rows = vault.read_table(table)
    report = SeedReport()
    changed = False
    for box in boxes:
        if box.uid in there:
            report.present.append(box.uid)
            if box.uid not in opened and box.delegates:
                directory.modify(box.dn(directory.suffix), _beside_names(box))
        else:
            directory.add(box.dn(directory.suffix), box_attributes(box))
            report.created.append(box.uid)
        row = account_row(box.mail, box.profile, box.name, "functional", "") | {"delegates": list(box.delegates)}
        changed = changed or rows.get(box.uid) != row
        rows[box.uid] = row
    for change in mirror(directory):
        directory.modify(change.dn, change.after)
    if changed:
        vault.write_table(table, rows)
    return report
