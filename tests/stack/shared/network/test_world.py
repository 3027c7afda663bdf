"""The lab's simulated internet: its signed zone, its authority, and a change of the authority's root."""

from testinfra.host import Host

from tests.stack.support.site import Site


def test_the_zone_is_signed(world: Host, site: Site) -> None:
    address = site.variables("world")["ansible_host"]
    answer = world.check_output(f"kdig +dnssec @{address} SOA test")
    assert "RRSIG\tSOA 13" in answer


def test_its_key_is_the_anchor_every_host_trusts(world: Host, mail1: Host, site: Site) -> None:
    address = site.variables("world")["ansible_host"]
    tag = world.check_output(f"kdig +short +dnssec @{address} SOA test").splitlines()[-1].split()[6]
    assert f"test. IN DS {tag} 13 2 " in mail1.file("/etc/unbound/unbound.conf").content_string


def test_a_broken_delegation_is_served_unsigned(world: Host, site: Site) -> None:
    address = site.variables("world")["ansible_host"]
    assert world.check_output(f"kdig +short @{address} A bogus.test")
    assert world.check_output(f"kdig +short @{address} DS bogus.test")
    assert "RRSIG" not in world.check_output(f"kdig +dnssec @{address} A bogus.test")
