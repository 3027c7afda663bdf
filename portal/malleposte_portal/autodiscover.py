"""The servers of mail, for Outlook: Autodiscover, as [MS-OXDSCLI] and [MS-OXDISCO] describe it.

An answer depends on the domain alone, never on whether the address exists: it says nothing about accounts.
"""

from __future__ import annotations

import re

from flask import Flask, Response, current_app, jsonify, render_template, request
from werkzeug.exceptions import BadRequest

from malleposte_portal.core.settings import Settings
from malleposte_portal.core.subject import Subject

ADDRESS = re.compile(
    rb"<(?:\w+:)?EMailAddress>\s*([A-Za-z0-9.!#$%'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255})\s*</", re.IGNORECASE
)
"""The one element that counts, with what an address may hold (RFC 5321, 4.1.2). No parser of XML reads strangers."""
SUBJECT = Subject("autodiscover")
XML = "/autodiscover/autodiscover.xml"
JSON = "/autodiscover/autodiscover.json"
"""Programs write the paths in capitals or not: nginx makes it one."""


def setup_autodiscover(app: Flask) -> None:
    """Take requests of programs, which have no session and change nothing."""
    app.extensions["csrf"].exempt(servers)


@SUBJECT.route(XML, endpoint="autodiscover", methods=["GET", "POST"])
def servers() -> Response:
    """IMAP and submission for the address that the program names; 400 where it names none of this domain."""
    settings: Settings = current_app.extensions["portal"]
    match = ADDRESS.search(request.get_data())
    address = match[1].decode("ascii") if match else ""
    if address.rpartition("@")[2].lower() != settings.domain:
        raise BadRequest
    page = render_template("autodiscover.xml", address=address, academy=settings.academy, mail_host=settings.mail_host)
    return Response(page, content_type="text/xml; charset=utf-8")


@SUBJECT.get(JSON, endpoint="autodiscover_where")
@SUBJECT.get(f"{JSON}/v1.0/<address>", endpoint="autodiscover_where")
def where(**_address: str) -> tuple[Response, int]:
    """The second version asks for the address of a protocol: of ours, only Autodiscover has one."""
    asked = request.args.get("Protocol", "")
    if asked.lower() != "autodiscoverv1":
        return jsonify(ErrorCode="ProtocolNotSupported", ErrorMessage="AutodiscoverV1 is the only protocol here."), 400
    settings: Settings = current_app.extensions["portal"]
    return jsonify(Protocol="AutodiscoverV1", Url=f"https://autodiscover.{settings.domain}{XML}"), 200
