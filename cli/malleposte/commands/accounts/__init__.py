"""`malleposte accounts`: typed on the controller it runs itself on the directory's host; there it works on accounts."""

import os

import click

from malleposte.accounts.actor import BY
from malleposte.commands.parts import Parts

PLACES = {
    "plan": "feed:plan_command",
    "changes": "feed:changes_command",
    "apply": "feed:apply_command",
    "import": "feed:import_command",
    "revert": "revert:revert_command",
    "bulk": "bulk:bulk_command",
    "letters": "letters:letters_command",
    "find": "search:find_command",
    "show": "search:show_command",
    "list": "search:list_command",
    "create": "edit:create_command",
    "modify": "edit:modify_command",
    "rename": "edit:rename_command",
    "move": "edit:move_command",
    "profile": "edit:profile_command",
    "quota": "edit:quota_command",
    "declare": "declare:declare_command",
    "block": "states:block_command",
    "end-sessions": "sessions:end_sessions_command",
    "unblock": "states:unblock_command",
    "suspend": "states:suspend_command",
    "resume": "states:resume_command",
    "expire": "states:expire_command",
    "reset": "codes:reset_command",
    "recovery": "recovery:recovery_command",
    "export": "archive:export_command",
    "archive": "archive:archive_command",
    "purge": "archive:purge_command",
    "nightly": "archive:nightly_command",
    "idle-filters": "idle:idle_filters_command",
    "undelete": "undelete:undelete_command",
    "hours": "hours:hours_command",
    "archiving": "archiving:archiving_command",
    "later": "later:later_command",
    "tools": "tools:tools_command",
    "restored": "restored:restored_command",
    "box": "boxes:box_group",
    "room": "rooms:room_group",
    "team": "teams:team_group",
    "lists": "lists:lists_group",
    "device": "device:device_group",
    "role": "roles:role_group",
    "audit": "audit:audit_command",
}


@click.group("accounts", commands=Parts(__name__, PLACES))
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
