"""The measures of hosts: each is written and moves, and the vaults alone read them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator

import pytest
import yaml
from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from cryptography.hazmat.primitives.asymmetric import ec
from malleposte.core.paths import ROOT
from malleposte.watch import textfile
from malleposte.watch.registry import MEASURES

from tests.stack.support.mail import token, wait_for
from tests.stack.support.site import Site
from tests.support.certificates import private_pem

PORT = yaml.safe_load((ROOT / "roles/watch/defaults/main.yml").read_text("utf-8"))["watch_port"]
VAULT, HOSTS = "vault1", ("mail1", "pia1", "vault1")
NOTHING = 0
"""The code of curl(1) for a request without an answer."""
pytestmark = pytest.mark.together("measures")
Ask = Callable[..., tuple[int, str]]


def measured(site: Site, host: str) -> dict[str, list[textfile.Sample]]:
    """The values of a host's files; those of the minute are written anew where they are due."""
    site.run(host, "systemctl start malleposte-measures.service")
    values: dict[str, list[textfile.Sample]] = {}
    for name, sample in textfile.parse(site.run(host, f"cat {textfile.FOLDER}/malleposte-*.prom")):
        values.setdefault(name, []).append(sample)
    return values


@pytest.fixture(scope="module")
def ask(site: Site) -> Iterator[Ask]:
    """Ask a host's port from another: the status and the page. `common` is the name in the client's certificate."""
    authority = site.secret("watch-ca")
    certificate = tls_authority.ca_certificate(authority, "Malleposte watch")
    key = private_pem(ec.generate_private_key(ec.SECP256R1()))
    foreign = private_pem(ec.generate_private_key(ec.SECP256R1()))
    pairs = {
        "watcher": tls_authority.client_certificate(key, authority, certificate, "watcher"),
        "other": tls_authority.client_certificate(key, authority, certificate, "other"),
        "foreign": tls_authority.client_certificate(
            key, foreign, tls_authority.ca_certificate(foreign, "Malleposte watch"), "watcher"
        ),
    }
    folders: dict[str, str] = {}

    def asked(origin: str, host: str, path: str, common: str = "watcher", more: str = "") -> tuple[int, str]:
        folder = folders.get(origin) or folders.setdefault(origin, site.run(origin, "mktemp -d").strip())
        words = ""
        if common:
            site.run(origin, f"cat > {folder}/pair", given=pairs[common] + key)
            words = f"--cert {folder}/pair"
        name = f"{host}.{site.platform['domain']}"
        url = shlex.quote(f"https://{name}:{PORT}/{path}")
        way = f"--resolve {name}:{PORT}:{site.address(host)} --connect-timeout 8 --max-time 60"
        said = site.run(origin, f"curl -s {way} {words} {more} -w '\\n%{{http_code}}' {url}", check=False)
        page, _line, code = said.rstrip().rpartition("\n")
        return int(code), page

    yield asked
    for origin, folder in folders.items():
        site.run(origin, f"rm -rf {folder}")


@pytest.mark.parametrize("host", HOSTS)
def test_every_measure_of_the_manifest_is_written(site: Site, host: str) -> None:
    values = measured(site, host)
    wanted = json.loads(site.run(host, "cat /etc/malleposte/watch.json"))["measures"]
    assert {"units", "timers", "silence", "updates", "certificates"} <= set(wanted) <= set(MEASURES)
    made = {sample.labels["program"] for sample in values[textfile.LAST]}
    assert set(wanted) <= made
    units = {sample.labels["name"]: sample.value for sample in values["malleposte_unit_active"]}
    assert {name for name, value in units.items() if not value} == set()
    assert "malleposte-watch.service" in units
    assert values["malleposte_certificate_end_seconds"][0].value > values[textfile.LAST][0].value


def test_measures_of_services_are_there(site: Site) -> None:
    values = measured(site, "mail1")
    (used,) = values["malleposte_slapd_map_used_ratio"]
    assert 0 < used.value < 1
    assert {sample.labels["state"] for sample in values["malleposte_nginx_connections"]} >= {"active", "waiting"}
    assert values["malleposte_timer_last_seconds"]
    assert {one.labels["store"] for one in values["malleposte_store_up"] if one.value} == {"valkey", "valkey-throttle"}
    operations = values["malleposte_slapd_operations_total"]
    assert {sample.labels["operation"] for sample in operations if sample.value} >= {"bind", "search"}


@pytest.mark.full
def test_a_held_message_appears_and_goes(site: Site) -> None:
    # An address that nobody has: its mail waits.
    name = f"tenu-{token()}@[192.0.2.1]"
    site.run("mail1", f"sendmail -oi {shlex.quote(name)}", given="Subject: tenu\n\nx\n")

    def queued(field: str) -> str:
        lines = [line for line in site.run("mail1", "postqueue -j").splitlines() if name in line]
        return str(json.loads(lines[0])[field]) if lines else ""

    def held() -> bool:
        """Hold it: a filter may hand it back under another id, and one that Postfix is moving is passed over."""
        site.run("mail1", f"postsuper -h {queued('queue_id')}")
        return queued("queue_name") == "hold"

    wait_for(lambda: queued("queue_id"))
    try:
        wait_for(held)
        wait_for(lambda: measured(site, "mail1")["malleposte_held_messages"][0].value >= 1, timeout=180)
        values = {one.labels["queue"]: one.value for one in measured(site, "mail1")["malleposte_queue_messages"]}
        assert values["hold"] >= 1
    finally:
        site.run("mail1", f"postsuper -d {queued('queue_id')}")


PAGES = {
    "mail1": {"node", "dovecot", "rspamd", "postgresql", "valkey", "valkey-throttle"},
    "pia1": {"node", "valkey-portal", "valkey-sso", "valkey-sso-forms"},
    "vault1": {"node"},
}
"""The pages of each host, as the manifest names them."""
TEXTS = {"node": "malleposte_unit_active{", "dovecot": "dovecot_auth_success", "rspamd": "rspamd_scanned_total",
         "postgresql": "pg_up 1", "valkey": "redis_up 1"}  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_the_vault_reads_every_page_that_the_manifest_names(site: Site, ask: Ask, host: str) -> None:
    conf = site.run(host, "cat /etc/malleposte/watch/nginx.conf")
    assert set(re.findall(r"location = /(\S+)", conf)) == PAGES[host]
    for path in sorted(PAGES[host]):
        status, page = ask(VAULT, host, path)
        assert (status, TEXTS[path.split("-")[0]] in page) == (200, True), (host, path, page[:300])


def test_nobody_else_reads_a_measure(site: Site, ask: Ask) -> None:
    assert ask(VAULT, "mail1", "node")[0] == 200
    assert ask(VAULT, "mail1", "node", common="")[0] == 400
    assert ask(VAULT, "mail1", "node", common="foreign")[0] == 400
    assert ask(VAULT, "mail1", "node", common="other")[0] == 403
    assert ask(VAULT, "mail1", "nothing")[0] == 404
    assert ask(VAULT, "mail1", "node", more="-X POST")[0] == 405
    assert ask("pia1", "mail1", "node")[0] == NOTHING, "another host of the platform"
    assert ask("world", "mail1", "node")[0] == NOTHING


def test_a_user_of_the_host_reads_no_measure(site: Site) -> None:
    """Neither the files nor the sockets of exporters; root reads both."""
    socket = "/run/malleposte-watch/node.sock"
    page = f"curl -s --max-time 20 --unix-socket {socket} http://localhost/metrics"
    assert "node_cpu_seconds_total" in site.run("mail1", page)
    for command in (f"cat {textfile.FOLDER}/malleposte-units.prom", page, "cat /etc/malleposte/watch/nginx.conf"):
        refused = site.run("mail1", f"runuser -u nobody -- {command}; echo code=$?", check=False)
        assert "code=0" not in refused, command
    listening = site.run("mail1", "ss -Hlntp")
    assert "prometheus" not in listening
    assert f":{PORT} " in listening


@pytest.mark.parametrize("host", HOSTS)
def test_new_units_are_hardened(site: Site, host: str) -> None:
    """The exposure that systemd-analyze(1) reckons, from 0 to 10: below 3."""
    for unit in ("malleposte-watch.service", "malleposte-measures.service", "prometheus-node-exporter.service"):
        said = site.run(host, f"systemd-analyze security --no-pager {unit} | tail -n1")
        assert float(said.split(":")[1].split()[0]) < 3, said


def test_status_says_what_is_wrong_and_speaks_as_a_plugin(site: Site) -> None:
    told = json.loads(site.run("mail1", "malleposte status --json", check=False))
    assert told["not_looked_at"] == []
    assert [fault for fault in told["faults"] if fault["rings"] == "page"] == []
    line = site.run("mail1", "malleposte status --nagios; echo code=$?", check=False)
    assert line.startswith("MALLEPOSTE ")
    assert line.strip().endswith(("code=0", "code=1"))
    blind = site.run("mail1", "runuser -u nobody -- malleposte status --nagios; echo code=$?", check=False)
    assert "UNKNOWN" in blind
    assert blind.strip().endswith("code=3")
