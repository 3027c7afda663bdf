"""The agreement of persons to an act, where one may not decide it alone."""

from __future__ import annotations

import msgspec

from malleposte.core.errors import InputError


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The uids of the persons who agreed. `why` is a word for why two must, empty where one is enough."""

    why: str = ""
    persons: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether as many agreed as must."""
        return len(self.persons) >= (2 if self.why else 1)

    def with_person(self, uid: str) -> Agreement:
        """Return it with another person who agrees. Raises InputError for one who did before."""
        if uid in self.persons:
            raise InputError(f"{uid} has agreed already", "somebody else must agree too")
        return Agreement(self.why, (*self.persons, uid))
