"""The turn of a loop that fails is named, and the loop goes on."""

import pytest
from malleposte.core import loops
from malleposte.core.errors import MallepostError


def test_every_failure_is_named_and_the_loop_goes_on() -> None:
    faults: dict[str, Exception] = {
        "mend": MallepostError("the host is away", "start it"),
        "disk": OSError(28, "No space left on device"),
        "defect": KeyError("mail"),
    }
    done, failures = list[str](), list[str]()
    for name in ("first", *faults, "last"):
        with loops.named(failures.append, name):
            if name in faults:
                raise faults[name]
            done.append(name)
    assert done == ["first", "last"]
    assert failures[0] == "mend: the host is away; start it"
    assert failures[1] == "disk: No space left on device"
    assert failures[2].startswith("defect: KeyError: 'mail' (test_loops.py:")


def test_a_line_without_a_name_and_without_words() -> None:
    failures = list[str]()
    with loops.named(failures.append):
        raise TimeoutError
    assert failures == ["TimeoutError"]


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_a_person_ends_the_loop(ending: type[BaseException]) -> None:
    failures = list[str]()
    with pytest.raises(ending), loops.named(failures.append, "one"):
        raise ending
    assert failures == []
