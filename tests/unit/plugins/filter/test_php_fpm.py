"""PHP: the file of a pool, and settings written as PHP."""

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.php_fpm import php_fpm_pool
from ansible_collections.academie.malleposte.plugins.filter.roundcube import (
    php_config,
    php_value,
    roundcube_plugin_files,
)

POOL: dict[str, Any] = {
    "name": "mail",
    "user": "mail-app",
    "socket": "/run/php/mail.sock",
    "open": ["/usr/share/mail"],
    "writable": ["/var/cache/mail"],
}


def test_a_pool_is_closed_in() -> None:
    lines = php_fpm_pool(POOL).splitlines()
    assert lines[0] == "[mail]"
    assert "user = mail-app" in lines
    assert 'php_admin_value[open_basedir] = "/usr/share/mail:/var/cache/mail"' in lines
    assert 'php_admin_value[upload_tmp_dir] = "/var/cache/mail"' in lines
    assert "tmp_dir" not in php_fpm_pool({**POOL, "writable": []})
    assert {"pm = dynamic", "pm.min_spare_servers = 3", "pm.max_spare_servers = 6"} <= set(lines)
    assert "request_terminate_timeout = 120s" in lines
    assert "request_terminate_timeout = 60s" in php_fpm_pool({**POOL, "timeout_seconds": 60}).splitlines()
    assert "pm.max_spare_servers = 4" in php_fpm_pool({**POOL, "children": 4})
    assert any(line.startswith("php_admin_value[disable_functions]") and "proc_open" in line for line in lines)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": "root"}, "other than root"),
        ({"name": "x]"}, "needs a name"),
        ({"socket": "run/x"}, "not a path"),
        ({"open": ["/usr:/"]}, "not a path"),
        ({"memory": "much"}, "memory cannot be"),
        ({"size": 3}, "unknown key size"),
        ({"timeout_seconds": 0}, "timeout_seconds cannot be 0"),
        ({"spare": 0}, "spare cannot be 0"),
        ({"spare": 21}, "spare cannot be 21; write 1 to 20"),
        ({"env": {"A": 'x"\nuser = root'}}, "quote"),
    ],
)
def test_what_cannot_stand_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        php_fpm_pool({**POOL, **change})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        ("l'été \\ $x", "'l\\'été \\\\ $x'"),
        (["a", 1], "['a', 1]"),
        ({"a": {"b": False}}, "['a' => ['b' => false]]"),
    ],
)
def test_values_as_php(value: Any, written: str) -> None:
    assert php_value(value) == written


def test_a_configuration_is_a_table_even_when_empty() -> None:
    assert php_config({}) == "$config = [];"
    assert php_config({"x": "y"}) == "$config = [];\n$config['x'] = 'y';"


def test_only_plugins_with_options_get_a_file() -> None:
    files = roundcube_plugin_files({"archive": {}, "acl": {"acl_specials": []}})
    assert [entry["dest"] for entry in files] == ["/etc/roundcube/plugins/acl/config.inc.php"]
    with pytest.raises(AnsibleFilterError, match="not a plugin"):
        roundcube_plugin_files({"../x": {"a": 1}})
