# SPDX-License-Identifier: GPL-3.0-or-later
"""The records that the academy publishes, from manifest and facts: the input of `dnsrecords.records`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import manifest
from .dnsrecords import mta_sts


def published(
    services: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, Any],
    groups: Mapping[str, Sequence[str]],
    addresses: Mapping[str, str | Sequence[str]],
    digests: Sequence[str],
    dkim: Mapping[str, str],
) -> dict[str, Any]:
    """The facts of one mail domain. Raises ManifestError and RecordError.

    ``facts``      ``{domain, hostnames, dmarc, tls, mta_sts, ttl}``
    ``addresses``  public addresses of each host
    ``digests``    SHA-256 of the mail hosts' keys
    ``dkim``       selectors and public keys
    """
    hostnames, dmarc, tls = facts["hostnames"], facts["dmarc"], facts["tls"]
    mail = hostnames["mail"]
    return {
        "domain": facts["domain"],
        "addresses": manifest.public_addresses(services, hostnames, groups, addresses, facts["domain"]),
        "mx": [mail],
        "spf": [],
        "dkim": dict(dkim),
        "dmarc": {
            "policy": dmarc["policy"],
            "subdomain_policy": dmarc["subdomain_policy"],
            "rua": dmarc["reports"],
        },
        "tlsa": {mail: list(digests)},
        "caa": tls["caa"],
        "caa_iodef": tls["contact"],
        "mta_sts": {"id": mta_sts.policy_id(mta_sts.policy(facts["mta_sts"]["mode"], [mail]))},
        "tls_rpt": facts["mta_sts"]["reports"],
        "srv": manifest.srv_records(services, hostnames),
        "ttl": facts["ttl"],
    }
