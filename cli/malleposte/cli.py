"""The command line: finds the command, runs it, turns errors into one line and an exit code.

A command lives in `malleposte.commands.<name>` as a click command named `command`. Only the one that was typed is
imported, so that starting stays fast.
"""

import contextlib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence

import click

from malleposte import __version__
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError

COMMANDS: dict[str, str] = {
    "up": "Build the lab, deploy it, create sample accounts, check that mail flows.",
    "check": "Find what is wrong with an inventory and its hosts.",
    "deploy": "Converge the hosts of an inventory.",
    "upgrade": "Upgrade the daemons that unattended-upgrades leaves alone.",
    "probe": "Test every path end to end from outside, check the backups, and print a table.",
    "status": "Print what is wrong now, since when, and what to do.",
    "reports": "Print what other mail servers report about mail of the domain (DMARC, TLS).",
    "lab": "Manage real Debian hosts on this machine, for trials and tests.",
    "accounts": "Import accounts from the files of the HR systems, and manage single accounts.",
    "notice": "Post, list or end messages of maintenance and incident on the portal.",
    "calendar": "Publish calendars to agents, list or withdraw them.",
    "sso": "Show or end log-ins at the provider, and show or remove second factors.",
    "bans": "List or lift the bans of addresses that guessed passwords.",
    "queue": "List, release or delete held mail.",
    "mail": "Find out what became of messages, and take one back from all boxes.",
    "convoke": "Invite the agents of a file on behalf of an office; change or call off what was sent.",
    "convocations": "List convocations, show answers, remind, call off, print a report.",
    "password": "Show the password policy, or check a password against it.",
    "backup": "Back up hosts to the vaults (backup servers), list, check and restore.",
    "vault": "Manage the archives on a vault (backup server): watch, prune, check, undo.",
    "secrets": "Change the inventory's secrets; export, verify and import an escrow of them.",
    "dns": "Show or check the DNS records to publish.",
    "test": "Run the tests: lint, unit, architecture, molecule, stack, browser.",
    "new-service": "Begin a service: its role, its entry in the manifest, its play, its test.",
    "new-act": "Begin an act of an agent: its call of accountd, its page, its tests.",
    "completion": "Print the completion script of a shell.",
}
"""Name and one-line summary of every command. The summary is the first line of the command's own help."""

ON_HOSTS = (
    *(
        "status",
        "accounts",
        "notice",
        "calendar",
        "sso",
        "bans",
        "queue",
        "mail",
        "convoke",
        "convocations",
        "reports",
        "password",
        "backup",
        "vault",
    ),
)
"""Commands that a host has; the others are the controller's."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every known name, in the order of COMMANDS."""
        return list(ON_HOSTS if paths.HOSTED else COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command; None for an unknown name (click then says so, exit code 2)."""
        if paths.HOSTED and cmd_name in COMMANDS and cmd_name not in ON_HOSTS:
            raise InputError(f"'{cmd_name}' works on the controller only", "type it there, in the checkout")
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


def load(name: str) -> click.Command:
    """The click command called `name`, a key of COMMANDS."""
    command = importlib.import_module(f"malleposte.commands.{name.replace('-', '_')}").command
    assert isinstance(command, click.Command)
    return command


def complain(message: str, *, said: bool = False) -> None:
    """One line on standard error, unless another program has `said` it there."""
    if not said:
        click.echo(f"malleposte: {message}", err=True)


def complain_as_json(arguments: Sequence[str], message: str, hint: str | None, code: int) -> None:
    """The failure as the document that --json promised, on standard output. The line for a person stays beside it."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--json" in words:
        click.echo(json.dumps({"error": message, "hint": hint or "", "exit_code": int(code)}, ensure_ascii=False))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failure, 2 bad input, 4 done in part (rows of a feed were refused), 130 interrupted. "
    "Logs: var/log/.",
)
@click.version_option(__version__, prog_name="malleposte")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Stand up and run an académie's mail platform.

    \b
    Example:
      sudo ./malleposte up
      sudo ./malleposte deploy -i inventories/standalone --check
    """
    if debug:
        os.environ["MALLEPOSTE_DEBUG"] = "1"


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "malleposte"
    return f"{error.format_message().rstrip('.')} (see '{path} --help')"


def block_on_standard_files() -> None:
    """Make reads and writes of standard files wait; ssh may have left them otherwise, and Ansible refuses those."""
    for descriptor in range(3):
        with contextlib.suppress(OSError):
            os.set_blocking(descriptor, True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code. `arguments` default to the process's own."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    block_on_standard_files()

    def failed(
        message: str, code: int, hint: str | None = None, line: str = "", *, reported: bool = False, said: bool = False
    ) -> int:
        complain(line or message, said=said)
        if not reported:
            complain_as_json(words, message, hint, code)
        return code

    try:
        result = cli.main(args=words, prog_name="malleposte", standalone_mode=False)
        return result if isinstance(result, int) else ExitCode.DONE
    except click.UsageError as error:
        # click 8.1, which the hosts have, does not know this class by name.
        if type(error).__name__ == "NoArgsIsHelpError":
            click.echo(error.format_message(), err=True)
            return ExitCode.BAD_INPUT
        return failed(_usage(error), ExitCode.BAD_INPUT)
    except click.ClickException as error:
        return failed(error.format_message(), error.exit_code)
    except MallepostError as error:
        if os.environ.get("MALLEPOSTE_DEBUG"):
            traceback.print_exc()
        return failed(error.message, error.exit_code, error.hint, str(error), reported=error.told, said=error.on_stderr)
    except (KeyboardInterrupt, click.Abort):
        return failed("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILURE
    except Exception as error:  # noqa: BLE001  # the last resort: a defect is told in one line
        if os.environ.get("MALLEPOSTE_DEBUG"):
            traceback.print_exc()
        return failed(
            f"defect: {type(error).__name__}: {' '.join(str(error).split())} "
            "(run again as 'malleposte --debug ...' and report it)",
            ExitCode.FAILURE,
        )
