"""A directory that cannot be reached leaves no connection open."""

import gc
import socket
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest
from malleposte.directory.errors import DirectoryError
from malleposte.directory.ldap import LdapDirectory


def test_a_directory_that_takes_no_connection_leaves_no_socket(tmp_path: Path) -> None:
    place = tmp_path / "ldapi"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))  # nobody listens: a tunnel whose end is gone
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with pytest.raises(DirectoryError, match="cannot be reached"):
                LdapDirectory(f"ldapi://{place}", "dc=ac-exemple,dc=test", "cn=a", "secret")
            gc.collect()
    assert [str(one.message) for one in seen if issubclass(one.category, ResourceWarning)] == []


def test_the_place_is_named_and_what_to_look_at(tmp_path: Path) -> None:
    uri = f"ldapi://{quote(str(tmp_path / 'ldapi'), safe='')}"
    with pytest.raises(DirectoryError) as refused:
        LdapDirectory(uri, "dc=ac-exemple,dc=test", "cn=a", "secret")
    assert refused.value.message.startswith(f"the directory at ldapi://{tmp_path}/ldapi cannot be reached: ")
    assert refused.value.hint == "look at `systemctl status slapd` on its host"
