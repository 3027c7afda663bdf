"""Secrets of SOGo's configuration: each has one purpose."""

from __future__ import annotations

import yaml
from malleposte.paths import ROOT

PURPOSES = ("SOGoEncryptionKey", "SOGoJWTSecret")


def test_the_key_of_encryption_signs_no_token() -> None:
    text = (ROOT / "roles/sogo/vars/main.yml").read_text("utf-8")
    variables = [
        line.partition("{{")[2].strip(' }"') for name in PURPOSES for line in text.splitlines() if name in line
    ]
    wiring = yaml.safe_load((ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8"))
    secrets = [wiring[name] for name in variables]
    assert len(secrets) == len(PURPOSES) and all("secret" in one for one in secrets)
    assert len(set(secrets)) == len(PURPOSES)
