"""`malleposte accounts`: typed on the controller it runs itself on the directory's host; there it works on accounts."""

import os

import click

from malleposte.accounts.run import BY
from malleposte.commands.accounts import (
    archive,
    audit,
    boxes,
    codes,
    declare,
    device,
    edit,
    feed,
    idle,
    letters,
    lists,
    recovery,
    restored,
    roles,
    rooms,
    search,
    states,
    undelete,
)


@click.group("accounts")
@click.option("--by", hidden=True, default="", help="The person on the controller, for the journal.")
def command(by: str) -> None:
    """Import accounts from the files of the HR systems, and manage single accounts.

    A feed (CSV or XLSX) is compared with the directory, shown as a plan, and applied. Feeds contain no passwords.
    On the controller, these commands run over ssh on the directory's host.

    \b
    Example:
      sudo ./malleposte accounts plan agents.csv
      sudo ./malleposte accounts apply 20260901-081500-3f2a
      sudo ./malleposte accounts import ecoles.csv
      sudo ./malleposte accounts find dupond
      sudo ./malleposte accounts block mdupond --reason "spam since this morning"
    """
    if by:
        os.environ[BY] = by


for _part in (
    *(feed.plan_command, feed.apply_command, feed.import_command, letters.letters_command),
    *(search.find_command, search.show_command, search.list_command),
    *(edit.create_command, edit.modify_command, edit.rename_command, edit.move_command, edit.profile_command),
    *(edit.quota_command, declare.declare_command),
    *(states.block_command, states.unblock_command, states.suspend_command, states.resume_command),
    states.expire_command,
    *(codes.reset_command, recovery.recovery_command),
    *(archive.export_command, archive.archive_command, archive.purge_command, archive.nightly_command),
    idle.idle_filters_command,
    undelete.undelete_command,
    restored.restored_command,
    *(boxes.box_group, rooms.room_group, lists.lists_group, device.device_group, roles.role_group, audit.audit_command),
):
    command.add_command(_part)
