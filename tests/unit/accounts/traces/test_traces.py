"""Settings that somebody else may have left: found and removed, and nothing beside them."""

import json
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.acts import traces
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox import filters
from malleposte.accounts.mailbox.tools.model import Rule, When
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.accounts.traces import folders, groupware, identities
from malleposte.accounts.traces.model import Kind, Trace
from malleposte.platform import mailstore

from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeHost

VOLEUR = "voleur@lointain.test"
MINE, BOX, ANSWERS = "mdupond@ac-exemple.test", "ce.x@ac-exemple.test", "reponses@lointain.test"
SCRIPT = """require ["fileinto", "reject", "vacation"];
# redirect "remark@lointain.test";
if header :contains "subject" "redirect \\"x@y\\";" { redirect "voleur@lointain.test"; }
if address :is "from" "a@b.test" { fileinto "Perso"; redirect :copy "voleur@lointain.test"; stop; }
if size :over 10M { discard; stop; }
if header :is "x" "y" { redirect "ami@exemple.test"; redirect "VO${hex:4c}EUR@lointain.test"; }
elsif true { reject text:
redirect "not@a.command";
.
; }
vacation :days 3 :addresses ["a@b.test"] "Je suis absent; redirect.";
"""


@pytest.mark.parametrize(
    ("names", "address", "gone", "left"),
    [
        (("redirect",), VOLEUR, ['{ redirect "voleur', ":copy"], ["{ keep; }", 'fileinto "Perso";  stop', "ami@"]),
        (("redirect",), "VOLEUR@lointain.test", ["hex:4c"], ['{ redirect "ami@exemple.test";  }', "voleur@"]),
        (("redirect",), "ami@exemple.test", ['redirect "ami'], ["hex:4c", "remark@"]),
        (("discard", "reject"), None, ["discard;", "{ reject"], ["{ keep; stop; }", "elsif true { keep; }"]),
        (("vacation",), None, ["Je suis absent"], ['require ["fileinto", "reject", "vacation"];']),
        (("redirect",), "nobody@exemple.test", [], [SCRIPT]),
    ],
)  # fmt: skip
def test_a_command_goes_and_its_rule_keeps_the_mail(
    names: tuple[str, ...], address: str | None, gone: list[str], left: list[str]
) -> None:
    assert all(one in SCRIPT for one in gone)
    after = filters.without(SCRIPT, names, address)
    assert [one for one in gone if one in after] == []
    assert [one for one in left if one not in after] == []
    assert address is None or address not in filters.forwards(after)


def box(store: Path, script: str = SCRIPT) -> Path:
    home = mailstore.home_of("mdupond", store)
    (home / "sieve").mkdir(parents=True)
    (home / "sieve" / "roundcube.sieve").write_text(script)
    (home / "sieve" / "asleep.sieve").write_text('redirect "voleur@lointain.test";\n')
    (home / ".dovecot.sieve").symlink_to("sieve/roundcube.sieve")
    (home / "Maildir" / ".Projets.Élèves").mkdir(parents=True)
    return home


def test_every_script_of_a_box_is_rewritten_and_no_link_is_followed(tmp_path: Path) -> None:
    home = box(tmp_path)
    (tmp_path / "outside").write_text('redirect "voleur@lointain.test";')
    (home / "sieve" / "link.sieve").symlink_to(tmp_path / "outside")
    assert filters.remove(home, ("redirect",), "voleur@lointain.test") == 2
    assert "voleur" not in (home / "sieve" / "asleep.sieve").read_text()
    assert "voleur" in (tmp_path / "outside").read_text()
    assert filters.read(home).active == "roundcube"
    assert filters.remove(home, ("redirect",), "voleur@lointain.test") == 0


def test_folders_that_are_open_to_others_are_closed_to_one(tmp_path: Path) -> None:
    home = box(tmp_path)
    acl = home / "Maildir" / ".Projets.Élèves" / "dovecot-acl"
    acl.write_text('owner lrwstipekxa\nuser=pmartin lr\nuser=voleur lrs\n-user=x l\n# anyone l\n"group=a b" l\n')
    (home / "Maildir" / "dovecot-acl").write_text("anyone l\n")
    found = folders.find(home)
    assert [(one.what, one.who) for one in found] == [
        ("INBOX", "anyone"), ("Projets/Élèves", "user=pmartin"), ("Projets/Élèves", "user=voleur"),
        ("Projets/Élèves", "group=a b"),
    ]  # fmt: skip
    folders.remove(home, found[2])
    assert folders.find(home) == [found[0], found[1], found[3]]
    assert acl.read_text().startswith("owner lrwstipekxa\nuser=pmartin lr\n-user=x l\n")
    folders.remove(home, found[2])


def test_folders_of_others_are_found_by_the_map_and_their_own_lists(tmp_path: Path) -> None:
    home = box(tmp_path)
    (home / "Maildir" / ".Projets.Élèves" / "dovecot-acl").write_text("user=pmartin lr\nuser=jlegrand l\n")
    (home / "Maildir" / "dovecot-acl").write_text("user=jlegrand l\n")
    shares = tmp_path / mailstore.SHARED
    assert folders.theirs("pmartin", tmp_path) == []
    shares.parent.mkdir()
    user = "shared/shared-boxes/user"
    shares.write_text(
        f"{user}/pmartin/mdupond\n1\n{user}/pmartin/parti\n1\n{user}/pmartin/../x\n1\n"
        f"{user}/mdupond/jlegrand\n1\nshared/shared-boxes/group/ce.x/ce.x\n1\n"
    )
    assert folders.theirs("pmartin", tmp_path) == [Trace(Kind.THEIR_FOLDER, "Projets/Élèves", "mdupond")]
    assert folders.theirs("mdupond", tmp_path) == []
    shares.unlink()
    shares.symlink_to("/etc/passwd")
    assert folders.theirs("pmartin", tmp_path) == []


class Database:
    """SOGo's, as far as it is asked."""

    theirs = (("Calendar/personal", "jlegrand"), ("Contacts/3A", "pmartin"))

    def __init__(self, defaults: Any, settings: Any, shares: list[tuple[str, str]]) -> None:
        self.profile, self.shares = {"defaults": json.dumps(defaults), "settings": json.dumps(settings)}, shares
        self.written: list[str] = []

    def __call__(self, text: str) -> str:
        assert "'mdupond'" in text
        if "row_to_json" in text and "sogo_user_profile" in text:
            return json.dumps(self.profile) + "\n"
        if "a.c_uid = 'mdupond'" in text:
            return "".join(json.dumps({"what": what, "who": who}) + "\n" for what, who in self.theirs)
        if "row_to_json" in text:
            return "".join(json.dumps({"what": what, "who": who}) + "\n" for what, who in self.shares)
        self.written.append(text)
        return ""


DEFAULTS = {
    "SOGoLanguage": "French",
    "Forward": {"enabled": 1, "forwardAddress": ["voleur@lointain.test", "ami@exemple.test"], "keepCopy": 1},
    "SOGoSieveFilters": [
        {"name": "Tri", "active": 1, "actions": [{"method": "fileinto", "argument": "Tri"}]},
        {"name": "x", "actions": [{"method": "redirect", "argument": "voleur@lointain.test"}, {"method": "stop"}]},
        {"name": "y", "actions": [{"method": "discard"}]},
    ],
    "Vacation": {"enabled": 1, "autoReplyText": "L'absence"},
    "SOGoMailIdentities": [
        {"email": MINE, "fullName": "Marie Dupond", "isDefault": 1, "signature": "<p>Payez <b>ici</b>&nbsp;!</p>"},
        {"email": BOX, "fullName": "Le rectorat", "replyTo": ANSWERS},
    ],
}
SETTINGS = {"Mail": {"DelegateTo": ["voleur", "pmartin"], "SortingState": ["date", 0]}}


def test_sogo_holds_forwards_filters_delegates_and_shares() -> None:
    found = groupware.find(Database(DEFAULTS, SETTINGS, [("Calendar/personal", "voleur")]), "mdupond")
    assert found == [
        Trace(Kind.FORWARD, who="voleur@lointain.test"), Trace(Kind.FORWARD, who="ami@exemple.test"),
        Trace(Kind.DISCARD), Trace(Kind.ANSWER), Trace(Kind.SENDER, MINE, "Marie Dupond"),
        Trace(Kind.SIGNATURE, MINE, "Payez ici !"), Trace(Kind.SENDER, BOX, "Le rectorat"),
        Trace(Kind.REPLY, BOX, ANSWERS), Trace(Kind.DELEGATE, who="voleur"),
        Trace(Kind.DELEGATE, who="pmartin"), Trace(Kind.AGENDA, "Calendar/personal", "voleur"),
    ]  # fmt: skip
    off = DEFAULTS | {"Forward": {"enabled": 0, "forwardAddress": "x@y"}, "Vacation": {"enabled": False}}
    off |= {"SOGoSieveFilters": "broken", "SOGoMailIdentities": {"email": 1}}
    assert groupware.find(Database(off, [], []), "mdupond") == []


def test_sogo_says_what_others_opened_to_an_agent() -> None:
    settings = {"Mail": {"DelegateFrom": ["jlegrand"], "DelegateTo": ["voleur"]}}
    assert groupware.theirs(Database(DEFAULTS, settings, []), "mdupond") == [
        Trace(Kind.THEIR_MAIL, who="jlegrand"), Trace(Kind.THEIR_AGENDA, "Calendar/personal", "jlegrand"),
        Trace(Kind.THEIR_AGENDA, "Contacts/3A", "pmartin"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("trace", "told", "kept"),
    [
        (Trace(Kind.FORWARD, who=VOLEUR), ["c_defaults"], ["ami@exemple.test", '{"method": "stop"}', "Tri"]),
        (Trace(Kind.DISCARD), ['{"method": "keep"}'], ["voleur@lointain.test", "Tri"]),
        (Trace(Kind.ANSWER), ['"enabled": 0'], ["voleur@lointain.test", "L''absence"]),
        (Trace(Kind.DELEGATE, who="voleur"), ["c_settings"], ["pmartin", "SortingState"]),
        (Trace(Kind.AGENDA, "Calendar/personal", "o'neil"), ["DELETE FROM sogo_acl", "'o''neil'"], []),
    ],
)  # fmt: skip
def test_one_goes_from_sogo_and_the_rest_stays(trace: Trace, told: list[str], kept: list[str]) -> None:
    database = Database(DEFAULTS, SETTINGS, [])
    groupware.remove(database, "mdupond", trace)
    (written,) = database.written
    assert [one for one in [*told, *kept] if one not in written] == []
    assert not trace.who or trace.kind == Kind.AGENDA or trace.who not in written


def written(trace: Trace) -> list[dict[str, Any]]:
    """SOGo's identities after one has gone."""
    database = Database(DEFAULTS, SETTINGS, [])
    groupware.remove(database, "mdupond", trace)
    (text,) = database.written
    return json.loads(text.split("c_defaults = '")[1].split("' WHERE")[0].replace("''", "'"))["SOGoMailIdentities"]  # type: ignore[no-any-return]


def test_an_identity_of_sogo_loses_what_is_named_alone() -> None:
    mine, box = DEFAULTS["SOGoMailIdentities"]
    assert written(Trace(Kind.SIGNATURE, MINE, "x")) == [
        {"email": MINE, "fullName": "Marie Dupond", "isDefault": 1}, box,
    ]  # fmt: skip
    assert written(Trace(Kind.REPLY, BOX, ANSWERS)) == [mine, {"email": BOX, "fullName": "Le rectorat"}]
    assert written(Trace(Kind.SENDER, BOX, "Collège")) == [mine, {**box, "fullName": "Collège"}]


def test_identities_of_roundcube_are_found_and_emptied() -> None:
    row = {"email": MINE, "name": "Marie", "reply": VOLEUR, "bcc": None, "signature": "Merci d'avance"}
    told: list[str] = []

    def sql(text: str) -> str:
        told.append(text)
        return json.dumps(row) + "\n" + json.dumps(row | {"email": BOX, "reply": "", "bcc": VOLEUR, "signature": ""})

    assert identities.find(sql, "mdupond") == [
        Trace(Kind.SENDER, MINE, "Marie"), Trace(Kind.REPLY, MINE, VOLEUR),
        Trace(Kind.SIGNATURE, MINE, "Merci d'avance"), Trace(Kind.SENDER, BOX, "Marie"), Trace(Kind.COPY, BOX, VOLEUR),
    ]  # fmt: skip
    for trace, words in (
        (Trace(Kind.SIGNATURE, MINE, "Merci"), "SET signature = ''"),
        (Trace(Kind.REPLY, MINE, VOLEUR), "SET \"reply-to\" = ''"),
        (Trace(Kind.COPY, BOX, VOLEUR), "SET bcc = ''"),
        (Trace(Kind.SENDER, MINE, "Zoé d'Arc"), "SET name = 'Zoé d''Arc'"),
    ):
        identities.remove(sql, "o'neil", trace)
        assert words in told[-1] and "username = 'o''neil'" in told[-1] and f"email = '{trace.what}'" in told[-1]


def test_what_is_not_there_is_not_written() -> None:
    database = Database(DEFAULTS, SETTINGS, [])
    groupware.remove(database, "mdupond", Trace(Kind.FORWARD, who="nobody@exemple.test"))
    groupware.remove(Database({}, {}, []), "mdupond", Trace(Kind.ANSWER))
    assert database.written == []


def test_a_host_finds_and_removes_what_it_holds(tmp_path: Path) -> None:
    home = box(tmp_path)
    (home / "Maildir" / "dovecot-acl").write_text("anyone l\n")
    host = LocalHost(LifeRules(store=tmp_path, channels=("dovecot",), radicale=tmp_path / "none" / "x"))
    found = traces.traces(host, "mdupond")
    assert Trace(Kind.FOLDER, "INBOX", "anyone") in found
    assert {Trace(Kind.DISCARD), Trace(Kind.ANSWER), Trace(Kind.FORWARD, who="ami@exemple.test")} <= set(found)
    assert traces.traces(host, "autre") == []
    for one in found:
        traces.untrace(host, "mdupond", one)
        assert one not in traces.traces(host, "mdupond")
    assert traces.traces(host, "mdupond") == []


def test_a_rule_of_a_tool_is_found_and_removed_with_its_scripts(tmp_path: Path) -> None:
    host = LocalHost(LifeRules(store=tmp_path, channels=("dovecot",), radicale=tmp_path / "none" / "x"))
    url = "https://hooks.lointain.test/x"
    rules = [
        Rule(f"{number:016x}", "webhook", When.COMES, {"url": url}, "sealed", subject="code") for number in range(2)
    ]
    store = Store(tmp_path)
    store.change("mdupond", lambda _rules: rules)
    found = traces.traces(host, "mdupond")
    assert found == [Trace(Kind.TOOL, "webhook hooks.lointain.test", one.id) for one in rules]
    assert traces.traces(host, "autre") == []
    traces.untrace(host, "autre", found[0])
    traces.untrace(host, "mdupond", found[0])
    assert traces.traces(host, "mdupond") == [found[1]]
    traces.untrace(host, "mdupond", found[0])
    traces.untrace(host, "mdupond", found[1])
    assert store.read("mdupond") == () and not list(store.folder.glob("*.sieve"))


def test_all_hosts_are_asked_and_one_that_is_down_is_named() -> None:
    hosts = [FakeHost("mail1", frozenset(("store", "dovecot"))), FakeHost("web1", frozenset(("sogo",)))]
    trace = Trace(Kind.FORWARD, who="voleur@lointain.test")
    for host in hosts:
        host.left = [trace]
    asked = Hosts(MemoryDirectory(), [*hosts, FakeHost("vault1", frozenset())])
    assert asked.traces("mdupond") == ([trace], [])
    hosts[1].down = True
    away = [Failure("traces", "on web1: no route to host")]
    assert asked.untrace("mdupond", trace) == away
    assert asked.traces("mdupond") == ([], away)
    hosts[1].down = False
    assert asked.untrace("mdupond", trace) == [] and asked.traces("mdupond") == ([], [])


def test_an_identifier_tells_nothing_and_is_each_one_s_own() -> None:
    made = {Trace(kind, what, who).ident for kind in Kind for what in ("", "a") for who in ("", "a")}
    assert len(made) == 4 * len(Kind)
