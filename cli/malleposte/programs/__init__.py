"""Entry points of the package on a host: one module a program, named after it, with a function `main`.

`main` takes the words after the program's name and gives the exit code. The role toolkit installs the package as one
file; a unit or a daemon starts a program of it by `python3 -I -B malleposte.pyz run NAME WORD...`.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence


def run(words: Sequence[str], package: str = __name__) -> int:
    """Run the program of a package that the first word names, and give its exit code; 2 where there is none."""
    name = words[0] if words else ""
    module = f"{package}.{name.replace('-', '_')}"
    if re.fullmatch("[a-z]+(-[a-z]+)*", name) and importlib.util.find_spec(module):
        code = importlib.import_module(module).main(words[1:])
        assert isinstance(code, int)
        return code
    print(f"malleposte: no program is called {name!r}; see the package {package}", file=sys.stderr)
    return 2
