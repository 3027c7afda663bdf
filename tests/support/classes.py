"""The classes of service of a platform that says none of its own, and a table with a third."""

import functools
from collections.abc import Mapping
from typing import Any

from malleposte.accounts import feed
from malleposte.platform import facts
from malleposte.platform.classes import Classes

CLASSES = facts.classes({}, "test")
THIRD: Mapping[str, Any] = {
    "convergence": {},
    "roundcube": {},
    "mixte": {
        "label": {"fr": "Messagerie légère et agenda partagé", "en": "Light mail and shared agenda"},
        "mail": "roundcube",
        "agenda": "sogo",
        "quota_mb": 8000,
        "outbound": {"hour": 300},
        "synonyms": ["direction"],
    },
}
"""The fact `malleposte_profiles` as an inventory says it."""
THREE: Classes = facts.classes({"malleposte_profiles": THIRD}, "test")
read_feed = functools.partial(feed.read, classes=CLASSES)
