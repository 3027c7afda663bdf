"""The region's supervision reads a few measures at a port of its own, and opens nothing else by it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from cryptography.hazmat.primitives.asymmetric import ec
from malleposte.watch import region, textfile

from tests.stack.support.deployed import with_facts
from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site
from tests.support.certificates import private_pem

pytestmark = pytest.mark.full
PORT, VAULTS = 9444, 9443
NOTHING = 0
"""The code of curl(1) for a request without an answer."""
Ask = Callable[..., tuple[int, str]]


def key() -> str:
    return private_pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
def ask(site: Site) -> Iterator[Ask]:
    """Ask mail1 from another host: the status and the page. `pair` is a certificate with its key, empty for none."""
    authority, foreign, mine = key(), key(), key()
    certificate = tls_authority.ca_certificate(authority, "Region")
    # By the vaults' own name: it opens no more.
    pairs = {
        "region": tls_authority.client_certificate(mine, authority, certificate, "watcher") + mine,
        "foreign": tls_authority.client_certificate(
            mine, foreign, tls_authority.ca_certificate(foreign, "Region"), "watcher"
        ) + mine,
        "": "",
    }  # fmt: skip
    fact = {"networks": [f"{site.address('world')}/32"], "ca": certificate}

    def asked(origin: str, path: str, pair: str = "region", port: int = PORT, more: str = "") -> tuple[int, str]:
        name, file = f"mail1.{site.platform['domain']}", site.run(origin, "mktemp").strip()
        site.run(origin, f"cat > {file}", given=pairs[pair])
        words = f"--cert {file}" if pair else ""
        way = f"--resolve {name}:{port}:{site.address('mail1')} --connect-timeout 8 --max-time 60"
        url = shlex.quote(f"https://{name}:{port}{path}")
        said = site.run(origin, f"curl -s {way} {words} {more} -w '\\n%{{http_code}}' {url}; rm -f {file}", check=False)
        page, _line, code = said.rstrip().rpartition("\n")
        return int(code), page

    with with_facts(site, "mail1", "watch,nftables", malleposte_region_metrics=fact):
        yield asked
    wait_for(lambda: asked("world", "/metrics")[0] == NOTHING, 60, "the port is closed again")


def test_it_reads_the_measures_of_the_table_alone(ask: Ask) -> None:
    status, page = wait_for(lambda: found if (found := ask("world", "/metrics"))[0] == 200 else None, 180, "a page")
    assert status == 200
    values = dict(textfile.parse(page))
    assert {"malleposte_unit_active", "malleposte_queue_oldest_seconds", "malleposte_certificate_end_seconds"} <= (
        values.keys()
    )
    assert values.keys() <= region.METRICS.keys()
    for name, sample in textfile.parse(page):
        assert set(sample.labels) <= set(region.METRICS[name][1])


def test_whoever_is_not_certified_or_elsewhere_reads_nothing(ask: Ask) -> None:
    assert ask("world", "/metrics")[0] == 200
    assert [ask("world", "/metrics", pair)[0] for pair in ("foreign", "")] == [400, 400]
    assert ask("vault1", "/metrics")[0] == NOTHING, "the firewall knows the region's networks alone"
    assert [ask("world", path)[0] for path in ("/", "/node", "/metrics/x")] == [404, 404, 404]
    assert ask("world", "/metrics", more="-X POST -d x=1")[0] == 405


def test_its_certificate_does_not_open_the_vaults_port(ask: Ask) -> None:
    assert ask("vault1", "/node", port=VAULTS)[0] == 400
    assert ask("world", "/node", port=VAULTS)[0] == NOTHING
