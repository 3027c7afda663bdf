"""Differences of cn=config and of entries, and the LDIF that makes them good."""

import pytest

from plugins.module_utils.policy import salted
from plugins.module_utils.slapd import config, digest, entries, ldif
from plugins.module_utils.slapd.ldif import Entry, Mod

MDB = "olcDatabase={1}mdb,cn=config"


def state(*given: Entry) -> dict[str, Entry]:
    return config.settled(list(given))


def database(**attributes: list[bytes]) -> Entry:
    return Entry(MDB, {"objectClass": [b"olcMdbConfig"], **attributes})


def test_ldif_comes_back_as_it_went() -> None:
    entry = Entry("cn=é,dc=x", {"cn": ["é".encode()], "a": [b" begins", b":x", b"", b"ends ", b"a\nb", b"\xff\x00"]})
    assert ldif.parse(ldif.render([entry]).encode()) == [entry]


def test_ldif_is_unfolded_and_comments_go() -> None:
    text = b"# a\n#  comment\ndn: cn=a,\n dc=x\ndescription: one\n  two\n\ndn:: Y249Yg==\nb: 2\n"
    assert ldif.parse(text) == [
        Entry("cn=a,dc=x", {"description": [b"one two"]}),
        Entry("cn=b", {"b": [b"2"]}),
    ]


def test_what_is_no_ldif_is_refused() -> None:
    with pytest.raises(ldif.LdifError, match="not an LDIF line: nonsense"):
        ldif.parse(b"dn: cn=a\nnonsense\n")


def test_nothing_to_do() -> None:
    old = state(database(olcDbIndex=[b"uid eq", b"mail eq"], entryUUID=[b"1"]))
    new = state(database(olcDbIndex=[b"mail eq", b"uid eq"], entryUUID=[b"2"]))
    assert not config.plan(old, new).changed


def test_only_what_differs_of_a_set() -> None:
    plan = config.plan(
        state(database(olcDbIndex=[b"uid eq", b"cn sub"])), state(database(olcDbIndex=[b"uid eq", b"mail eq"]))
    )
    assert plan.changes == [
        f"dn: {MDB}\nchangetype: modify\n"
        "delete: olcDbIndex\nolcDbIndex: cn sub\n-\nadd: olcDbIndex\nolcDbIndex: mail eq\n-\n"
    ]
    assert (plan.offline, plan.reindex) == ([], [MDB])


def test_access_rules_are_replaced_in_one_modify() -> None:
    old, new = [b"{0}to * by * read"], [b"{0}to a by * none", b"{1}to * by * read"]
    plan = config.plan(state(database(olcAccess=old)), state(database(olcAccess=new)))
    assert len(plan.changes) == 1
    assert plan.changes[0].count("replace: olcAccess") == 1
    assert plan.changes[0].index("{0}to a") < plan.changes[0].index("{1}to *")


def test_the_order_of_access_rules_counts() -> None:
    old, new = [b"{0}to a", b"{1}to b"], [b"{0}to b", b"{1}to a"]
    assert config.plan(state(database(olcAccess=old)), state(database(olcAccess=new))).changed


def test_an_attribute_goes_and_another_comes() -> None:
    plan = config.plan(state(database(olcLimits=[b"{0}x"])), state(database(olcLastBind=[b"TRUE"])))
    assert "delete: olcLimits\n-" in plan.changes[0]
    assert "add: olcLastBind\nolcLastBind: TRUE\n-" in plan.changes[0]


def test_a_new_overlay_is_added_online() -> None:
    overlay = Entry(f"olcOverlay={{0}}unique,{MDB}", {"olcOverlay": [b"{0}unique"]})
    plan = config.plan(state(database()), state(database(), overlay))
    assert plan.offline == []
    assert plan.changes == [f"dn: {overlay.dn}\nchangetype: add\nolcOverlay: {{0}}unique\n"]


def test_an_overlay_goes_by_a_restart() -> None:
    overlay = Entry(f"olcOverlay={{0}}unique,{MDB}", {"olcOverlay": [b"{0}unique"]})
    assert config.plan(state(database(), overlay), state(database())).offline == [f"{overlay.dn} is no longer wanted"]


@pytest.mark.parametrize("name", ["olcDbDirectory", "olcSuffix"])
def test_what_a_database_is_changes_by_a_restart(name: str) -> None:
    plan = config.plan(state(database(**{name: [b"a"]})), state(database(**{name: [b"b"]})))
    assert plan.offline == [f"{name} of {MDB}"]


def test_modules_follow_and_never_leave() -> None:
    old = [b"{0}back_mdb", b"{1}ppolicy"]
    assert config.attribute_mods("olcModuleLoad", old, [*old, b"{2}unique"]) == [
        Mod("add", "olcModuleLoad", (b"{2}unique",))
    ]
    assert config.attribute_mods("olcModuleLoad", old, old[:1]) is None
    assert config.attribute_mods("olcModuleLoad", old, [b"{0}back_mdb", b"{1}unique", b"{2}ppolicy"]) is None


def test_definitions_of_the_schema() -> None:
    old = [b"{0}( x:1 NAME 'a' )", b"{1}( x:2 NAME 'b' )"]
    changed = [b"{0}( x:1 NAME 'a' )", b"{1}( x:2 NAME 'b' DESC 'c' )", b"{2}( x:3 NAME 'd' )"]
    assert config.attribute_mods("olcAttributeTypes", old, changed) == [
        Mod("delete", "olcAttributeTypes", (old[1],)),
        Mod("add", "olcAttributeTypes", (changed[1],)),
        Mod("add", "olcAttributeTypes", (changed[2],)),
    ]
    assert config.attribute_mods("olcAttributeTypes", old, old[:1]) is None
    assert config.attribute_mods("olcAttributeTypes", old, [b"{0}( x:9 NAME 'z' )", old[1]]) is None


def test_a_password_s_digest() -> None:
    stored = salted.make("ouvre-toi").encode()
    assert salted.verify("ouvre-toi", stored)
    assert not salted.verify("Ouvre-toi", stored)
    assert not salted.verify("ouvre-toi", b"{SSHA512}!!!")
    assert not salted.verify("ouvre-toi", b"{ARGON2}$argon2id$")
    assert salted.make("ouvre-toi").encode() != stored


def test_the_cost_of_argon2_is_never_lowered() -> None:
    assert digest.argon2_options("t=3 m=65536 p=1") == "m=65536 t=3 p=1"
    for weak in ("m=7168 t=5 p=1", "m=19456 t=1 p=1", "m=1 t=0", "fast"):
        with pytest.raises(digest.WeakDigest):
            digest.argon2_options(weak)


def test_entries_that_are_as_wanted_are_left_alone() -> None:
    have = Entry("cn=a,dc=x", {"objectClass": [b"top", b"Person"], "cn": [b"a"], "description": [b"by hand"]})
    want = Entry("cn=a,dc=x", {"objectClass": [b"person"], "cn": [b"a"]})
    have.attributes["userPassword"] = [salted.make("p").encode()]
    assert entries.plan({"cn=a,dc=x": have}, [want], {"cn=a,dc=x": "p"}) == []


def test_a_missing_entry_is_added_with_its_password() -> None:
    [(dn, change)] = entries.plan({}, [Entry("cn=a,dc=x", {"cn": [b"a"]})], {"cn=a,dc=x": "p"})
    assert dn == "cn=a,dc=x"
    assert "changetype: add" in change
    assert "userPassword: {SSHA512}" in change


def test_a_password_is_written_only_when_it_differs() -> None:
    have = Entry("cn=a,dc=x", {"userPassword": [salted.make("old").encode()]})
    [(_dn, change)] = entries.plan({"cn=a,dc=x": have}, [Entry("cn=a,dc=x")], {"cn=a,dc=x": "new"})
    assert change.count("replace: userPassword") == 1


def test_an_earlier_password_stays_beside_the_new_one_and_goes_when_it_is_no_longer_named() -> None:
    def change(stored: list[str], earlier: dict[str, str]) -> str:
        have = Entry("cn=a,dc=x", {"userPassword": [one.encode() for one in stored]})
        found = entries.plan({"cn=a,dc=x": have}, [Entry("cn=a,dc=x")], {"cn=a,dc=x": "new"}, earlier)
        return found[0][1] if found else ""

    old, new, strange = salted.make("old"), salted.make("new"), salted.make("strange")
    both = {"cn=a,dc=x": "old"}
    # slapd's policy refuses two values at once: the new one is added to what is there.
    assert change([old], both).count("add: userPassword") == 1 and old not in change([old], both)
    assert change([old, new], both) == ""
    assert change([old, new], {}).endswith(f"delete: userPassword\nuserPassword: {old}\n-\n")
    assert change([new], {}) == "" == change([new], both)
    assert "replace: userPassword" in change([strange], both)
    assert f"userPassword: {strange}\n" in change([new, strange], both)


def test_what_a_playbook_gives_becomes_values() -> None:
    given = ldif.from_mapping("cn=a", {"a": True, "b": ["x", 2], "c": None, "d": [], "e": {"base64": "/w=="}})
    assert given.attributes == {"a": [b"TRUE"], "b": [b"x", b"2"], "e": [b"\xff"]}
