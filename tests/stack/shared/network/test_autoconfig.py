"""A mail program configures itself from an address alone, and the settings are true."""

import imaplib
import json
import smtplib
import ssl
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web

parse = ElementTree.fromstring
PATHS = ("/mail/config-v1.1.xml?emailaddress=a.b%40ac-exemple.test", "/.well-known/autoconfig/mail/config-v1.1.xml")


@pytest.mark.parametrize("plain", [False, True], ids=["https", "http"])
@pytest.mark.parametrize("path", PATHS)
def test_it_is_found_where_programs_look(
    site: Site, web: Web, platform: dict[str, Any], path: str, plain: bool
) -> None:
    answer = web.get(site.address("mail1"), f"autoconfig.{platform['domain']}", path, plain=plain)
    assert answer.status == 200
    assert answer.headers.get_content_type() in ("text/xml", "application/xml")
    assert parse(answer.body).find(f".//domain[.='{platform['domain']}']") is not None


def test_what_it_says_logs_in(site: Site, web: Web, platform: dict[str, Any]) -> None:
    account = next(one for one in site.accounts.values() if one.profile == "roundcube")
    answer = web.get(site.address("mail1"), f"autoconfig.{platform['domain']}", PATHS[0])
    provider = parse(answer.body).find("emailProvider")
    assert provider is not None

    def said(kind: str, key: str) -> str:
        return provider.findtext(f"{kind}/{key}", "").replace("%EMAILADDRESS%", account.mail)

    assert {said(kind, "socketType") for kind in ("incomingServer", "outgoingServer")} == {"SSL"}
    assert {said(kind, "hostname") for kind in ("incomingServer", "outgoingServer")} == {platform["hostnames"]["mail"]}
    context = ssl.create_default_context(cafile=web.authorities)
    context.check_hostname = False  # the controller reaches the host by its address
    address = site.address("mail1")
    with imaplib.IMAP4_SSL(address, int(said("incomingServer", "port")), ssl_context=context, timeout=60) as imap:
        imap.login(said("incomingServer", "username"), account.password)
    with smtplib.SMTP_SSL(address, int(said("outgoingServer", "port")), context=context, timeout=60) as smtp:
        smtp.login(said("outgoingServer", "username"), account.password)


def test_devices_are_sent_to_their_address(site: Site, web: Web, platform: dict[str, Any]) -> None:
    answer = web.get(site.address("mail1"), f"autoconfig.{platform['domain']}", PATHS[0])
    found = {one.text for one in parse(answer.body).iter("serverURL")}
    assert found == {f"https://{platform['hostnames']['dav']}/"}


OUTLOOK = b"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>%s</EMailAddress></Request></Autodiscover>"""


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml"])
def test_outlook_is_told_servers_that_log_in(site: Site, web: Web, platform: dict[str, Any], path: str) -> None:
    account = next(one for one in site.accounts.values() if one.profile == "convergence")
    name = f"autodiscover.{platform['domain']}"

    def ask(address: str) -> Answer:
        body = OUTLOOK % address.encode()
        return web.get(site.address("pia1"), name, path, method="POST", body=body, Content_Type="text/xml")

    told = {kind: parts for kind, *parts in _servers(ask(account.mail))}
    assert {kind: parts[:2] for kind, parts in told.items()} == {
        "IMAP": [platform["hostnames"]["mail"], "993"],
        "SMTP": [platform["hostnames"]["mail"], "465"],
    }
    context = ssl.create_default_context(cafile=web.authorities)
    context.check_hostname = False  # the controller reaches the host by its address
    with imaplib.IMAP4_SSL(site.address("mail1"), 993, ssl_context=context, timeout=60) as imap:
        imap.login(told["IMAP"][2], account.password)
    # The same for an address that nobody has, and nothing for another domain.
    assert _servers(ask(f"personne.dutout@{platform['domain']}"))[0][:3] == ["IMAP", *told["IMAP"][:2]]
    assert ask("anne.martin@ailleurs.test").status == 400


def _servers(answer: Answer) -> list[list[str]]:
    assert answer.status == 200
    return [
        [one.findtext(f"{{*}}{key}", "") for key in ("Type", "Server", "Port", "LoginName")]
        for one in parse(answer.body).iter()
        if one.tag.endswith("}Protocol")
    ]


def test_the_second_version_of_autodiscover_leads_to_the_first(site: Site, web: Web, platform: dict[str, Any]) -> None:
    name = f"autodiscover.{platform['domain']}"
    where = "/autodiscover/autodiscover.json/v1.0/a.b@ac-exemple.test?Protocol=Autodiscoverv1"
    assert (
        json.loads(web.get(site.address("pia1"), name, where).body)["Url"]
        == f"https://{name}/autodiscover/autodiscover.xml"
    )
    assert web.get(site.address("pia1"), name, "/").status == 404
