"""`malleposte accounts`: typed on the controller it runs itself on the directory's host; there it works on accounts."""

import click

from malleposte.commands.accounts import feed, letters


@click.group("accounts")
def command() -> None:
    """Bring accounts in line with the files of the HR systems.

    A feed (CSV or XLSX) is planned against the directory, shown, and applied. Nobody's password is ever part of it.
    Typed on the controller, these commands run themselves on the directory's host.

    \b
    Example:
      sudo ./malleposte accounts plan agents.csv --out plan.json
      sudo ./malleposte accounts apply plan.json
      sudo ./malleposte accounts import ecoles.csv
    """


for _part in (feed.plan_command, feed.apply_command, feed.import_command, letters.letters_command):
    command.add_command(_part)
