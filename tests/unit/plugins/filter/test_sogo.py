# SPDX-License-Identifier: GPL-3.0-or-later
"""SOGo's property list: right quoting, right tables, right filters."""

from urllib.parse import unquote

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.sogo import (
    PUBLISHER,
    sogo_address_book,
    sogo_agents,
    sogo_plist,
    sogo_publisher,
    sogo_tables,
)
from malleposte.accounts.agendas import sogo as agendas
from malleposte.core.paths import ROOT
from malleposte.groupware.sogo import schools


def test_each_kind_of_value_is_written_as_a_property_list_has_it() -> None:
    settings = {
        "SOGoSentFolderName": "Envoyés",
        "WOWorkersCount": 4,
        "SOGoXSRFValidationEnabled": True,
        "SOGoHelpURL": None,
        "SOGoDisableSharing": [],
        "SOGoMailLabelsColors": {"$label1": ["À faire", "#FF0000"]},
    }
    assert sogo_plist(settings) == (
        "{\n"
        '  SOGoSentFolderName = "Envoyés";\n'
        "  WOWorkersCount = 4;\n"
        "  SOGoXSRFValidationEnabled = YES;\n"
        "  SOGoDisableSharing = ( );\n"
        "  SOGoMailLabelsColors = {\n"
        '    "$label1" = (\n'
        '      "À faire",\n'
        '      "#FF0000"\n'
        "    );\n"
        "  };\n"
        "}\n"
    )


def test_a_value_cannot_end_its_quotes() -> None:
    assert sogo_plist({"a": 'x"; b = "\\'}) == '{\n  a = "x\\"; b = \\"\\\\";\n}\n'


@pytest.mark.parametrize("value", ["\x00", "\x7f", b"bytes", object()])
def test_what_a_property_list_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(AnsibleFilterError):
        sogo_plist({"a": value})


def test_without_a_host_the_tables_are_reached_by_the_socket() -> None:
    tables = sogo_tables("sogo", "", 5432, "sogo", "secret")
    assert tables["OCSStoreURL"] == "postgresql://sogo@%2Frun%2Fpostgresql:5432/sogo/sogo_store"
    assert not any("secret" in url for url in tables.values())
    assert len(set(tables.values())) == 8


def test_a_password_is_escaped_in_an_address() -> None:
    assert sogo_tables("sogo", "db.test", 5432, "sogo", "a/b:c@d%")["SOGoProfileURL"] == (
        "postgresql://sogo:a%2Fb%3Ac%40d%25@db.test:5432/sogo/sogo_user_profile"
    )


def test_the_publisher_of_calendars_is_a_row_of_its_own_whom_nobody_proves_and_nobody_finds() -> None:
    source = sogo_publisher("sogo", "", 5432, "sogo", "secret", "l'académie/d'Exemple")
    where, _slash, table = source["viewURL"].rpartition("/")
    assert where == "postgresql://sogo@%2Frun%2Fpostgresql:5432/sogo"
    assert "'l''académie/d''Exemple'::text AS c_cn" in unquote(table)
    assert f"'{agendas.PUBLISHER}'::text AS c_uid" in unquote(table)
    assert (source["authenticationFilter"], source["isAddressBook"]) == ("c_uid = ''", False)
    assert source["SearchFieldNames"] == ["c_nothing"]
    assert "''::text AS c_nothing" in unquote(table)
    assert PUBLISHER == agendas.PUBLISHER
    other = sogo_publisher("sogo", "", 5432, "sogo", "secret", "Mon établissement", schools.OWNER, "ecoles")
    assert other["id"] != source["id"], "SOGo drops the second of two sources with one name"
    assert f"'{schools.OWNER}'::text AS c_uid" in unquote(other["viewURL"].rpartition("/")[2])
    assert f"'{schools.OWNER}'" in (ROOT / "roles/sogo/vars/main.yml").read_text("utf-8"), (
        "the role knows another owner"
    )


def test_who_may_log_in() -> None:
    assert sogo_agents(["active"], ["convergence"]) == (
        "(objectClass='mpAgent' AND (mpState='active') AND (mpProfile='convergence') AND NOT (pwdReset='TRUE'))"
    )
    assert "mpProfile" not in sogo_agents(["active"], [])


def test_a_filter_cannot_be_broken_open() -> None:
    with pytest.raises(AnsibleFilterError, match="mpProfile cannot be"):
        sogo_agents(["active"], ["x' OR uid='*"])
    with pytest.raises(AnsibleFilterError, match="nobody could log in"):
        sogo_agents([], [])


def test_the_hidden_are_not_in_the_address_book() -> None:
    assert sogo_address_book(["active", "pending"]).endswith(
        "AND (mpState='active' OR mpState='pending') AND NOT (mpHidden='TRUE'))"
    )
