"""The settings that the role writes: one JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from malleposte.policy.model import Policy, PolicyError

LANGUAGES = ("fr", "en")
"""The first is the default."""


class SettingsError(ValueError):
    """A file of settings that cannot be used; the message names the file, the key and what is wrong."""


@dataclass(frozen=True)
class Settings:
    """`academy` is the academy's name; `support` has `phone`, `mail`, `hours`, `hours_en`, `opening`, `closed`.

    A tile has `title` and `text`, both by language, `url` and, if wanted, `picture`. `policy` is the password policy.
    `services` are those whose state is told: each has `service` and, by language, `title`. `states` and `notices` are
    the files of malleposte.front. `school_networks` are the networks (CIDR) of schools and offices. `legal` has
    `address`, `director`, `host`, `data_protection`, each optional. `assets` is the archive of assets.py. `charter` has
    `text` and `text_en` (paragraphs, with an empty line between them) and `url`, each optional. `sms`: whether codes
    may go by text message. `forward_outside`: whether filters may send mail outside `domain` ("allowed", "discouraged",
    "refused").
    `domain` is that of the agents' addresses, `mail_host` the host of IMAP and submission, `dav_host` that of agendas.
    `classes` are the classes of service as the fact has them. `signer` is the socket of the signer of profiles.
    Log-ins and refused mail are on record for `days_on_record`; `kept` says for how long other data are kept, 0 for
    what is not kept. `state` is where the state of the platform is told: the pager's socket, or a file.
    """

    academy: str
    support: Mapping[str, Any] = field(default_factory=dict)
    tiles: Sequence[Mapping[str, Any]] = ()
    policy: Policy = field(default_factory=Policy)
    legal: Mapping[str, str] = field(default_factory=dict)
    assets: str = ""
    services: Sequence[Mapping[str, Any]] = ()
    states: str = ""
    notices: str = ""
    school_networks: Sequence[str] = ()
    domain: str = ""
    mail_host: str = ""
    dav_host: str = ""
    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    charter: Mapping[str, str] = field(default_factory=dict)
    sms: bool = False
    forward_outside: str = "allowed"
    signer: str = ""
    days_on_record: int = 30
    kept: Mapping[str, int] = field(default_factory=dict)
    state: str = ""

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Raises SettingsError."""
        try:
            document = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{path}: {error}") from error
        if not isinstance(document, dict):
            raise SettingsError(f"{path}: not a JSON object")
        unknown = sorted(set(document) - {one.name for one in fields(cls)})
        if unknown or "academy" not in document:
            raise SettingsError(f"{path}: unknown key {unknown[0]}" if unknown else f"{path}: academy is missing")
        try:
            policy = Policy.from_mapping(document.pop("policy", {}))
        except PolicyError as error:
            raise SettingsError(f"{path}: policy: {error}") from error
        return cls(**document, policy=policy)
