"""The page on personal data says for how long data are kept: as the roles do where nobody overrides them."""

from __future__ import annotations

import re

import yaml
from malleposte.accounts.disclosure.spool import KEPT

from .conftest import ROOT

_NAMED = re.compile(r"(\w+) \| default\((.+?)\)(?:\)| )")


def test_the_page_says_what_the_roles_do() -> None:
    wiring = yaml.safe_load((ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8"))
    found = {}
    for text in wiring["portal_kept"].values():
        for name, value in _NAMED.findall(text):
            found[name] = yaml.safe_load(value)
    assert set(found) == {
        "dovecot_trash_days", "dovecot_junk_days", "accounts_archive_days", "accounts_purge_days",
        "accounts_archive_kept_days", "borg_vault_keep",
    }  # fmt: skip
    for name, value in found.items():
        role = next(one for one in ("borg_vault", "dovecot", "accounts") if name.startswith(f"{one}_"))
        held = yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text("utf-8"))[name]
        assert value == ({"monthly": held["monthly"]} if isinstance(held, dict) else held), name


def test_the_page_and_the_guide_say_how_long_a_copy_lies() -> None:
    page = (ROOT / "portal/malleposte_portal/templates/privacy.html").read_text("utf-8")
    assert f"{KEPT.days} jours, ou jusqu’à ce que vous l’effaciez" in page
    assert "sept jours" in (ROOT / "docs/fr/guide/mes-donnees.md").read_text("utf-8") and KEPT.days == 7
