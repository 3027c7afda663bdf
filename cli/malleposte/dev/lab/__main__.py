"""``python -m malleposte.dev.lab``: the commands of the lab without the launcher, as molecule calls them."""

import sys
from importlib import import_module

# By name: the library does not depend on the command line, which is made of it.
sys.exit(import_module("malleposte.cli").main(["lab", *sys.argv[1:]]))
