"""``python -m malleposte.lab``: the command group ``lab`` alone, for molecule and for a tree without launcher."""

from importlib import import_module

# By name: the library does not depend on the command line that is made of it.
import_module("malleposte.commands.lab").command(prog_name="malleposte lab")
