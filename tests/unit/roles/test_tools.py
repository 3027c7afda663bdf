"""The program that Dovecot starts for a labelled message, and the rule of the firewall that holds who calls tools."""

import subprocess
from pathlib import Path

import jinja2
import pytest

ROLES = Path(__file__).parents[3] / "roles"


def rendered(path: str, **values: object) -> str:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    environment.filters |= {
        "comment": lambda text: f"# {text}", "quote": str, "academie.malleposte.program": lambda _name: "echo started",
    }  # fmt: skip
    return environment.from_string((ROLES / path).read_text("utf-8")).render(ansible_managed="managed", **values)


@pytest.fixture
def order(tmp_path: Path) -> Path:
    (tmp_path / "spool" / "full").mkdir(parents=True)
    text = rendered(
        "dovecot/templates/etc/dovecot/sieve/bin/tool-order.j2", dovecot_store="/srv/mail",
        __dovecot_tools_spool=str(tmp_path / "spool"),
    )  # fmt: skip
    (tmp_path / "tool-order").write_text(text)
    return tmp_path / "tool-order"


def run(order: Path, *words: str) -> str:
    done = subprocess.run(
        ["/bin/sh", str(order), *words], input="x" * 200_000, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_program_starts_until_the_account_gave_too_many_orders(order: Path) -> None:
    assert run(order, "mdupond", "1" * 16).startswith("started /srv/mail ")
    (order.parent / "spool" / "full" / "mdupond").touch()
    assert run(order, "mdupond", "1" * 16) == ""
    assert run(order, "alebrun", "1" * 16).endswith(f" alebrun {'1' * 16}\n")


def test_who_calls_tools_reaches_nothing_inside_but_the_networks_of_the_facts() -> None:
    inner = {"ip": ["10.0.0.0/8"], "ip6": ["fc00::/7"]}
    users = [{"name": "tools", "user": "t", "ports": [53], "networks": ["10.20.0.0/16", "fd00:1::/32"]}]
    text = rendered(
        "nftables/templates/etc/nftables-local.conf.j2", nftables_local_ports=[], nftables_local_users=users,
        ansible_facts={"getent_passwd": {"t": ["x", "990"]}}, __nftables_inner=inner,
    )  # fmt: skip
    lines = [line.strip() for line in text.splitlines()]
    chain = lines[lines.index("chain tools {") :]
    places = [
        chain.index(line)
        for line in (
            "oif lo reject with tcp reset", "ip daddr 10.20.0.0/16 tcp dport 443 return",
            "ip6 daddr fd00:1::/32 tcp dport 443 return", "ip daddr { 10.0.0.0/8 } reject with tcp reset",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    assert "meta skuid 990 ct state new jump tools" in lines
