"""Reports of other mail servers as tests write them, and the mails that bring them."""

from __future__ import annotations

import email.message
import email.policy
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

DOMAIN = "ac-exemple.test"
NOW = 1_796_000_000.0
"""A time at which tests read: 2026-11-30, seconds since 1970."""
DAY = 86_400
BEGIN = (int(NOW) // DAY - 1) * DAY
"""The day before."""
ROW = """<record><row><source_ip>{source}</source_ip><count>{count}</count><policy_evaluated>
<disposition>{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row>
<identifiers><header_from>{header_from}</header_from></identifiers>
<auth_results><spf><domain>{header_from}</domain><result>{spf}</result></spf></auth_results></record>"""


def row(source: str = "192.0.2.10", count: Any = 3, **more: str) -> str:
    """A record of an aggregate report."""
    words = {"disposition": "none", "dkim": "pass", "spf": "fail", "header_from": DOMAIN, **more}
    return ROW.format(source=source, count=count, **words)


def dmarc(
    rows: str = row(),
    *,
    organisation: str = "recepteur.test",
    report: str = "r1",
    begin: Any = BEGIN,
    end: Any = BEGIN + DAY - 1,
    domain: str = DOMAIN,
    namespace: str = "",
    before: str = "",
) -> bytes:
    """An aggregate report (RFC 7489, appendix C)."""
    xmlns = f' xmlns="{namespace}"' if namespace else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<feedback{xmlns}><version>1.0</version><report_metadata>'
        f"<org_name>{organisation}</org_name><email>dmarc@{organisation}</email><report_id>{report}</report_id>"
        f"<date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata>"
        f"<policy_published><domain>{domain}</domain><adkim>r</adkim><p>reject</p><pct>100</pct></policy_published>"
        f"{rows}</feedback>"
    ).encode()


def tls(
    *,
    organisation: str = "Recepteur",
    report: str = "t1",
    succeeded: Any = 120,
    failed: Any = 5,
    failures: Iterable[Mapping[str, Any]] | None = None,
    domain: str = DOMAIN,
    end: str = "2026-11-28T23:59:59Z",
    **more: Any,
) -> bytes:
    """A TLS report (RFC 8460)."""
    details = [{"result-type": "certificate-expired", "failed-session-count": 3, "receiving-mx-hostname": "mx.test"}]
    document = {
        "organization-name": organisation,
        "date-range": {"start-datetime": "2026-11-28T00:00:00Z", "end-datetime": end},
        "contact-info": "tls@recepteur.test",
        "report-id": report,
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": domain},
                "summary": {"total-successful-session-count": succeeded, "total-failure-session-count": failed},
                "failure-details": details if failures is None else list(failures),
            }
        ],
        **more,
    }
    return json.dumps(document).encode()


def zipped(*files: bytes, names: str = "r{}.xml", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for number, content in enumerate(files):
            archive.writestr(names.format(number), content)
    return made.getvalue()


def mail(
    *parts: bytes, name: str = "rapport.bin", kind: str = "application/octet-stream", text: str = "Rapport."
) -> bytes:
    """A mail with files."""
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"] = "noreply@recepteur.test", f"dmarc@{DOMAIN}"
    made["Subject"] = f"Report domain: {DOMAIN}"
    made.set_content(text)
    major, minor = kind.split("/")
    for part in parts:
        made.add_attachment(part, maintype=major, subtype=minor, filename=name)
    return made.as_bytes()


def packed(content: bytes) -> bytes:
    """A gzip."""
    return gzip.compress(content, mtime=0)
