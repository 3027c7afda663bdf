"""DANE before MTA-STS: the decision of the policy server, over answers written here."""

import asyncio
from collections.abc import Mapping

import pytest
from malleposte.daemons import tls_policy

STS = "OK secure match=mx.d.test servername=hostname"
GOOD = "3 1 1 00"
Records = dict[tuple[str, str], tuple[bool, list[str]]]
Zone = Mapping[tuple[str, str], tuple[bool, list[str]]]


def decide(zone: Zone, sts: str = STS) -> str:
    async def lookup(name: str, kind: str) -> object:
        secure, records = zone.get((name, kind), (True, []))
        if records == ["SERVFAIL"]:
            raise tls_policy.Unsure(f"{name}/{kind}")
        return tls_policy.Answer(secure, tuple(records))

    async def mta_sts(_domain: str) -> str:
        return sts

    answer: str = asyncio.run(tls_policy.Server(lookup, mta_sts).reply("tls d.test"))
    return answer


def zone(mx_secure: bool = True, tlsa: str = "", second: str | None = None) -> Records:
    found: Records = {
        ("d.test", "MX"): (mx_secure, ["10 mx.d.test."] + (["20 mx2.d.test."] if second is not None else [])),
        ("mx.d.test", "A"): (True, ["192.0.2.1"]),
        ("mx2.d.test", "A"): (True, ["192.0.2.2"]),
    }
    if tlsa:
        found["_25._tcp.mx.d.test", "TLSA"] = (True, [tlsa])
    if second:
        found["_25._tcp.mx2.d.test", "TLSA"] = (True, [second])
    return found


def test_dane_wins_over_an_enforced_policy() -> None:
    assert decide(zone(tlsa=GOOD)) == "OK dane-only"


def test_without_tlsa_the_policy_of_mta_sts_counts() -> None:
    assert decide(zone()) == STS
    assert decide(zone(), "NOTFOUND ") == "NOTFOUND "


def test_an_unvalidated_mx_is_left_to_mta_sts() -> None:
    assert decide(zone(mx_secure=False, tlsa=GOOD)) == STS


def test_records_that_smtp_does_not_check_are_no_dane() -> None:
    assert decide(zone(tlsa="1 1 1 00")) == STS


def test_an_unvalidated_address_leads_to_no_tlsa() -> None:
    insecure = zone(tlsa=GOOD)
    insecure["mx.d.test", "A"] = (False, ["192.0.2.1"])
    assert decide(insecure) == STS


def test_some_hosts_with_dane_and_an_enforced_policy_go_by_dane_alone() -> None:
    assert decide(zone(tlsa=GOOD, second="")) == "OK dane-only"
    assert decide(zone(tlsa=GOOD, second=""), "NOTFOUND ") == "NOTFOUND "


def test_an_answer_that_cannot_be_validated_makes_mail_wait() -> None:
    broken = zone()
    broken["_25._tcp.mx.d.test", "TLSA"] = (True, ["SERVFAIL"])
    assert decide(broken).startswith("TEMP ")
    assert decide({("d.test", "MX"): (True, ["SERVFAIL"])}).startswith("TEMP ")


def test_a_domain_without_mx_is_its_own_host() -> None:
    own: Zone = {("d.test", "A"): (True, ["192.0.2.1"]), ("_25._tcp.d.test", "TLSA"): (True, [GOOD])}
    assert decide(own) == "OK dane-only"


@pytest.mark.parametrize("key", [".d.test", "[mx.d.test]:25", "", "d.test:25"])
def test_keys_that_are_no_domain_have_no_policy(key: str) -> None:
    assert asyncio.run(tls_policy.Server(None, None).reply(f"tls {key}")) == "NOTFOUND "


@pytest.mark.parametrize("data", [b"x:", b"99999999:a,", b"1:ab"])
def test_a_malformed_request_is_refused(data: bytes) -> None:
    async def read() -> str | None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        answer: str | None = await tls_policy.read_netstring(reader)
        return answer

    with pytest.raises(ValueError, match=r"netstring|invalid literal"):
        asyncio.run(read())


def test_netstrings_go_both_ways() -> None:
    async def read() -> str | None:
        reader = asyncio.StreamReader()
        reader.feed_data(tls_policy.netstring("OK é"))
        answer: str | None = await tls_policy.read_netstring(reader)
        return answer

    assert asyncio.run(read()) == "OK é"


class Asked:
    """A server whose answers of MTA-STS are counted, with a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.answer, self.passed = 0, STS, 0.0
        self.server = tls_policy.Server(self.lookup, self.mta_sts)  # type: ignore[arg-type]
        plain = asyncio.BaseEventLoop.time
        monkeypatch.setattr(asyncio.BaseEventLoop, "time", lambda loop: plain(loop) + self.passed)

    async def lookup(self, _name: str, _kind: str) -> tls_policy.Answer:
        await asyncio.sleep(0)
        return tls_policy.Answer(False)

    async def mta_sts(self, _domain: str) -> str:
        self.count += 1
        return self.answer

    async def reply(self, domain: str = "d.test") -> str:
        return await self.server.reply(f"tls {domain}")


def test_an_answer_holds_for_a_while_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)

    async def turns() -> None:
        assert await asyncio.gather(*(asked.reply() for _ in range(5))) == [STS] * 5
        assert await asked.reply("D.test.") == STS and asked.count == 1
        asked.answer = "NOTFOUND "
        assert await asked.reply() == STS
        assert await asked.reply("other.test") == "NOTFOUND "
        asked.passed = tls_policy.SECONDS
        assert await asked.reply() == "NOTFOUND " and asked.count == 3

    asyncio.run(turns())


def test_an_answer_that_makes_mail_wait_is_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)

    async def turns() -> None:
        asked.answer = "TEMP MTA-STS server: no answer"
        assert await asyncio.gather(asked.reply(), asked.reply()) == [asked.answer] * 2
        asked.answer = STS
        assert await asked.reply() == STS and asked.count == 2

    asyncio.run(turns())


def test_no_more_than_so_many_domains_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    monkeypatch.setattr(tls_policy, "REMEMBERED", 2)

    async def turns() -> None:
        for domain in ("a.test", "b.test", "c.test", "c.test", "b.test", "a.test"):
            await asked.reply(domain)
        assert asked.count == 4

    asyncio.run(turns())
