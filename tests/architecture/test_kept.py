"""The page on personal data says for how long data are kept: as the roles do where nobody overrides them."""

import re

import yaml
from malleposte.accounts.disclosure.spool import KEPT

from .conftest import ROOT

_NAMED = re.compile(r"lookup\('academie\.malleposte\.role', '(\w+)'\)")


def test_the_page_says_what_the_roles_do() -> None:
    wiring = yaml.safe_load((ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8"))
    assert {name for text in wiring["portal_kept"].values() for name in _NAMED.findall(text)} == {
        "dovecot_trash_days", "dovecot_junk_days", "accounts_archive_days", "accounts_purge_days",
        "accounts_archive_kept_days", "borg_vault_keep",
    }  # fmt: skip


def test_the_page_and_the_guide_say_how_long_a_copy_lies() -> None:
    page = (ROOT / "portal/malleposte_portal/templates/info/privacy.html").read_text("utf-8")
    assert f"{KEPT.days} jours, ou jusqu’à ce que vous l’effaciez" in page
    assert "sept jours" in (ROOT / "docs/fr/guide/mes-donnees.md").read_text("utf-8") and KEPT.days == 7
