"""Policies of TLS for senders: the policy, the record that announces it, and a sender that honours it."""

from typing import Any

import pytest
from testinfra.host import Host

from tests.stack.support.site import Site
from tests.stack.support.web import Web

PATH = "/.well-known/mta-sts.txt"


@pytest.fixture
def policy(site: Site, web: Web, platform: dict[str, Any]) -> dict[str, str]:
    answer = web.get(site.address("mail1"), f"mta-sts.{platform['domain']}", PATH)
    assert answer.status == 200
    assert answer.headers.get_content_type() == "text/plain"
    return dict(line.split(": ", 1) for line in answer.text.split("\r\n") if line)


def txt(world: Host, name: str) -> str:
    return str(world.check_output(f"kdig +short @127.0.0.1 TXT {name}")).strip().strip('"')


def test_the_policy_names_the_mail_host(policy: dict[str, str], platform: dict[str, Any]) -> None:
    assert policy["version"] == "STSv1"
    assert policy["mode"] == platform["mta_sts"]["mode"]
    assert policy["mx"] == platform["hostnames"]["mail"]
    assert int(policy["max_age"]) >= 86400


def test_nothing_else_is_there_and_plain_http_has_no_policy(site: Site, web: Web, platform: dict[str, Any]) -> None:
    name = f"mta-sts.{platform['domain']}"
    assert web.get(site.address("mail1"), name, "/").status == 404
    # A sender must not follow a redirect (RFC 8461, 3.3), but must not find a policy here either.
    assert web.get(site.address("mail1"), name, PATH, plain=True).status == 301


def test_the_records_are_published(world: Host, platform: dict[str, Any]) -> None:
    domain = platform["domain"]
    assert txt(world, f"_mta-sts.{domain}").startswith("v=STSv1; id=")
    assert txt(world, f"_smtp._tls.{domain}") == f"v=TLSRPTv1; rua=mailto:{platform['mta_sts']['reports']}"
    assert world.check_output(f"kdig +short @127.0.0.1 A mta-sts.{domain}")


def test_a_sender_that_knows_mta_sts_demands_our_certificate(mail1: Host, platform: dict[str, Any]) -> None:
    """The program by which our own Postfix honours others' policies, asked about ours."""
    asked = mail1.check_output(f"postmap -q {platform['domain']} socketmap:inet:127.0.0.1:8461:postfix")
    assert asked.split()[0] == "secure"
    assert f"match={platform['hostnames']['mail']}" in asked
