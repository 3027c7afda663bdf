"""`malleposte completion`."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from malleposte.core.errors import InputError

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def command(shell: str | None) -> None:
    """Print the completion script of a shell.

    Without a name it is the shell that $SHELL tells.

    \b
    Example:
      ./malleposte completion bash > /etc/bash_completion.d/malleposte
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise InputError(f"no completion for the shell {name or '(none known)'!r}", f"give one of {', '.join(SHELLS)}")
    root = click.get_current_context().find_root().command
    maker = kind(root, {}, "malleposte", "_MALLEPOSTE_COMPLETE")
    click.echo(maker.source_template % maker.source_vars())
