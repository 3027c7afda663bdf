"""Outlook is told the servers of an address of the domain, whatever it may write around it."""

from typing import Any
from xml.etree import ElementTree

import pytest
from malleposte_portal.autodiscover import JSON, XML

parse = ElementTree.fromstring
HERE = "https://autodiscover.ac-exemple.test"
NAMES = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
OUTLOOK = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
<Request><EMailAddress>{}</EMailAddress><AcceptableResponseSchema>
http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>"""
EAS = "<a:Autodiscover xmlns:a='urn:x'><a:Request><a:EMailAddress> {} </a:EMailAddress></a:Request></a:Autodiscover>"


def ask(app: Any, body: str | bytes) -> Any:
    return app.test_client().post(XML, data=body, base_url=HERE, content_type="text/xml")


@pytest.mark.parametrize("body", [OUTLOOK, EAS], ids=["outlook", "prefixed"])
@pytest.mark.parametrize(
    "address", ["anne.martin@ac-exemple.test", "ce.0210001m@AC-EXEMPLE.test", "o'hara@ac-exemple.test"]
)
def test_servers_are_named_with_the_address_as_login(app: Any, body: str, address: str) -> None:
    answer = ask(app, body.format(address))
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    protocols = {one.findtext(f"{NAMES}Type"): one for one in parse(answer.text).iter(f"{NAMES}Protocol")}
    told = {
        kind: [one.findtext(f"{NAMES}{key}") for key in ("Server", "Port", "LoginName", "SSL")]
        for kind, one in protocols.items()
    }
    assert told == {
        "IMAP": ["mail.ac-exemple.test", "993", address, "on"],
        "SMTP": ["mail.ac-exemple.test", "465", address, "on"],
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        OUTLOOK.format(""),
        OUTLOOK.format("anne.martin@ailleurs.test"),
        OUTLOOK.format("<script>@ac-exemple.test"),
        OUTLOOK.format("a&amp;b@ac-exemple.test"),
        b"\xff\xfe<EMailAddress>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><EMailAddress>&b;</EMailAddress>",
    ],
)
def test_what_names_no_address_of_the_domain_is_refused(app: Any, body: str | bytes) -> None:
    assert ask(app, body).status_code == 400


def test_a_name_that_xml_must_escape_goes_back_escaped(app: Any) -> None:
    answer = ask(app, OUTLOOK.format("d'arc@ac-exemple.test"))
    assert parse(answer.text).findtext(f".//{NAMES}LoginName") == "d'arc@ac-exemple.test"


@pytest.mark.parametrize("path", [JSON, f"{JSON}/v1.0/anne.martin@ac-exemple.test"])
def test_the_second_version_leads_to_the_first(app: Any, path: str) -> None:
    browser = app.test_client()
    answer = browser.get(path, query_string={"Protocol": "Autodiscoverv1"}, base_url=HERE)
    assert answer.json == {"Protocol": "AutodiscoverV1", "Url": f"{HERE}{XML}"}
    refused = browser.get(path, query_string={"Protocol": "ActiveSync"}, base_url=HERE)
    assert (refused.status_code, refused.json["ErrorCode"]) == (400, "ProtocolNotSupported")
