# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over DNS records; the logic is in module_utils/dnsrecords/."""

from __future__ import annotations

from ansible_collections.academie.malleposte.plugins.module_utils import published
from ansible_collections.academie.malleposte.plugins.module_utils.dnsrecords import keys, mta_sts, records, zone
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

FilterModule = filters(
    errors=(ValueError,),
    dns_records=records.expected,
    dns_zone_lines=zone.zone_lines,
    dns_anchor=keys.ds_record,
    dns_dkim=keys.dkim_value,
    mta_sts_policy=mta_sts.policy,
    dns_published=published.published,
)
