"""The lab's outside mail domains."""

from ansible_collections.academie.malleposte.plugins.filter import postfix_world


def records() -> list[tuple[str, str, str]]:
    found = postfix_world.postfix_world_records(["192.0.2.1", "2001:db8::1"], "ab" * 32, "v=DKIM1; p=x")
    return [(record["name"], record["type"], record["data"]) for record in found]


def test_every_domain_has_an_mx_with_both_addresses() -> None:
    for domain in postfix_world.postfix_world_domains([]):
        name = domain["name"]
        assert (f"{name}.", "MX", f"10 mx.{name}.") in records()
        assert (f"mx.{name}.", "A", "192.0.2.1") in records()
        assert (f"mx.{name}.", "AAAA", "2001:db8::1") in records()


def test_the_traps_are_what_their_names_say() -> None:
    assert ("_25._tcp.mx.dane.test.", "TLSA", f"3 1 1 {'ab' * 32}") in records()
    assert ("_25._tcp.mx.dane-bad.test.", "TLSA", f"3 1 1 {'0' * 64}") in records()
    assert ("_mta-sts.dane-bad.test.", "TXT", "v=STSv1; id=1") in records()
    domains = {domain["name"]: domain for domain in postfix_world.postfix_world_domains([])}
    assert domains["sts.test"]["sts_mx"] == ["mx.sts.test"]
    assert "mx.sts-bad.test" not in domains["sts-bad.test"]["sts_mx"]


def test_only_the_signing_domain_publishes_the_key() -> None:
    assert [name for name, kind, data in records() if data.startswith("v=DKIM1")] == ["monde._domainkey.lointain.test."]


def test_certificate_names_hold_every_policy_host() -> None:
    names = postfix_world.postfix_world_names([])
    assert {"mx.lointain.test", "mta-sts.sts.test", "mta-sts.sts-bad.test", "mta-sts.dane-bad.test"} <= set(names)
    assert "mta-sts.lointain.test" not in names


def test_a_policy_is_one_line_for_nginx() -> None:
    assert postfix_world.postfix_world_policy(["mx.a"]) == (
        r"version: STSv1\r\nmode: enforce\r\nmx: mx.a\r\nmax_age: 86400\r\n"
    )
