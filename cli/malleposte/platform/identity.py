"""The form of a uid: the name of an account or box, for life. slapd holds entries to the same form (role openldap)."""

from __future__ import annotations

import re

LONGEST = 64  # characters
FORM = r"[a-z0-9][a-z0-9._-]{0,63}"
_UID = re.compile(FORM)


def is_uid(text: str) -> bool:
    """Whether a text may be a uid. It then holds nothing that a shell, SQL, LDAP or a path would read otherwise."""
    return _UID.fullmatch(text) is not None
