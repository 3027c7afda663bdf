"""Tables that Postfix reads through its proxy: one that is not named as such stops every smtpd."""

import re

from malleposte.core.paths import ROOT


def test_each_table_behind_the_proxy_may_be_read_through_it() -> None:
    text = (ROOT / "roles/postfix/templates/etc/postfix/main.cf.mx.j2").read_text("utf-8")
    tables = re.compile(r"proxy:ldap:\$config_directory/ldap/[a-z_]+[.]cf|\$box_sent_maps")
    (named,) = re.findall(r"^proxy_read_maps = (.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    used = set(tables.findall(text.replace(named, "")))
    box_sent = "proxy:ldap:$config_directory/ldap/box_sent.cf"
    assert used - {box_sent} <= set(tables.findall(named))
    assert "$box_sent_maps" in named and box_sent in used
