"""Runs the command line: `python -m malleposte`."""

import sys

from malleposte.cli import main

if __name__ == "__main__":
    sys.exit(main())
