"""The lookup `role`: a variable as the inventory says it, else the default of its role."""

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from plugins.lookup import role


def value(name: str, **variables: object) -> object:
    templar = Templar(loader=DataLoader(), variables=variables)
    return role.LookupModule(templar=templar).run([name], variables)[0]


def test_the_inventory_comes_first_and_is_templated() -> None:
    assert value("sogo_port", sogo_port=trust_as_template("{{ base + 1 }}"), base=20000) == 20001
    assert value("sogo_port") == 20000


def test_the_longest_name_of_a_role_counts() -> None:
    assert value("borg_vault_keep") == role.defaults("borg_vault")["borg_vault_keep"]


def test_a_name_of_no_role_is_an_error() -> None:
    with pytest.raises(AnsibleError, match="no role has a default for sogo_no_such_thing"):
        value("sogo_no_such_thing")
