"""`malleposte accounts`: typed on the controller it runs itself on the directory's host; there it works on accounts."""

import os

import click

from malleposte.accounts.run import BY
from malleposte.commands.accounts import boxes, codes, declare, edit, feed, keep, letters, lists, look, states


@click.group("accounts")
@click.option("--by", hidden=True, default="", help="Who typed it on the controller, for the journal.")
def command(by: str) -> None:
    """Bring accounts in line with the files of the HR systems, and look after single ones.

    A feed (CSV or XLSX) is planned against the directory, shown, and applied. Nobody's password is ever part of it.
    Typed on the controller, these commands run themselves on the directory's host.

    \b
    Example:
      sudo ./malleposte accounts plan agents.csv --out plan.json
      sudo ./malleposte accounts apply plan.json
      sudo ./malleposte accounts import ecoles.csv
      sudo ./malleposte accounts find dupond
      sudo ./malleposte accounts block mdupond --reason "spam since this morning"
    """
    if by:
        os.environ[BY] = by


for _part in (
    *(feed.plan_command, feed.apply_command, feed.import_command, letters.letters_command),
    *(look.find_command, look.show_command, look.list_command),
    *(edit.create_command, edit.modify_command, edit.rename_command, edit.move_command, edit.profile_command),
    *(edit.quota_command, declare.declare_command),
    *(states.block_command, states.unblock_command, states.suspend_command, states.resume_command),
    states.expire_command,
    codes.reset_command,
    *(keep.export_command, keep.archive_command, keep.purge_command, keep.nightly_command),
    keep.door_keeper_command,
    *(boxes.box_group, lists.lists_group),
):
    command.add_command(_part)
