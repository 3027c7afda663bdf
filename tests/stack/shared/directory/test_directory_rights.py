"""Rights in the deployed directory: every account of a daemon, the writer, an agent, another agent, nobody.

What may be read comes from the service manifest and the role (`openldap_self_read`), so that an account added there is
tried here; whatever else an entry holds must stay unseen, by reading, comparing and searching alike.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ldap3
import pytest
import yaml
from malleposte.core.paths import ROOT
from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes
from malleposte.fleet import reach
from malleposte.policy import rules

# Its agent bears the digest of a feed, so an import beside it would take the agent for departed.
pytestmark = pytest.mark.together("feed")

DEFAULTS: dict[str, Any] = yaml.safe_load((ROOT / "roles/openldap/defaults/main.yml").read_text("utf-8"))
WRITER = str(DEFAULTS["openldap_writer"])
MANIFEST = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))["malleposte_services"]
SERVICES: dict[str, Any] = {
    account: rights for service in MANIFEST.values() for account, rights in service.get("directory", {}).items()
}
BRANCHES = ("people", "functional", "lists", "establishments", "tombstones")
CLOSED = ("services", "policies")
# Whoever sees an entry sees these of it.
ALWAYS = {"objectclass"}
# Attributes that no daemon and no agent reads, whatever the table says.
SECRET = {
    *("userpassword", "pwdhistory", "pwdpolicysubentry", "mpnumendigest", "mpinadigest", "mpinaexpiry"),
    *("mpsourcedigest", "mprecoverymail", "mprecoveryphone", "mprecoverychanged"),
}
PASSWORD = {"userpassword", "pwdhistory", "pwdpolicysubentry"}
SUCCESS, SIZE, FALSE, TRUE, VIOLATION, NO_OBJECT, INSUFFICIENT, UNWILLING = 0, 4, 5, 6, 19, 32, 50, 53
DENIED = (INSUFFICIENT, NO_OBJECT, UNWILLING)
SSHA = "{SSHA512}" + "A" * 88


@dataclass
class Stage:
    """A full entry in each branch; an agent with a password, a history and every secret; another agent."""

    suffix: str
    socket: Path
    secret: Any
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    entries: dict[str, str] = field(default_factory=dict)
    password: str = ""
    other: str = ""
    values: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)

    @property
    def agent(self) -> str:
        return self.entries["people"]

    def service(self, name: str) -> str:
        return f"cn={name},ou=services,{self.suffix}"

    @contextmanager
    def bound(self, dn: str, password: str) -> Iterator[Any]:
        connection = ldap3.Connection(
            ldap3.Server(f"ldapi://{self.socket}", get_info=ldap3.NONE), dn, password, check_names=False
        )
        try:
            assert connection.bind(), connection.result
            yield connection
        finally:
            connection.unbind()

    @contextmanager
    def reader(self, name: str) -> Iterator[Any]:
        """A daemon's own account, or the agent (`self`), or another agent (`another`)."""
        if name in ("self", "another"):
            dn, password = self.agent if name == "self" else self.other, self.password
        else:
            dn, password = self.service(name), self.secret(f"ldap-{name}")
        with self.bound(dn, password) as found:
            yield found


def root(site: Any, *words: str, given: str = "") -> str:
    """Something over the Unix socket, as root of the directory's host."""
    host = str(site.host_of("directory"))
    return str(site.run(host, *words, given=given))


@pytest.fixture(scope="module")
def stage(site: Any) -> Iterator[Stage]:
    place = site.place
    with reach.forwarded(place.ssh) as socket:
        made = Stage(place.suffix, socket, site.secret)
        try:
            _fill(made, site)
            yield made
        finally:
            with made.reader(WRITER) as writer:
                for dn in filter(None, [*made.entries.values(), made.other]):
                    writer.delete(dn)


def _fill(stage: Stage, site: Any) -> None:
    tag, suffix, domain = stage.tag, stage.suffix, site.place.domain
    first, second = (rules.generate() for _ in range(2))
    persons = [
        Agent(
            f"essai-{tag}-{number}", "Essai", f"Droits{tag}", f"essai-{tag}-{number}@{domain}", "convergence",
            State.ACTIVE, login_aliases=(f"alias-{tag}-{number}",), delegates=(f"delegue-{tag}",),
            establishments=("9990001H",), corps="SAENES", discipline="Anglais", function="Secrétaire", quota_mb=1234,
            mail_host="magasin.test", hidden=True,
        )
        for number in (1, 2)
    ]  # fmt: skip
    secret = {
        "mpNumenDigest": [f"k1:{tag}"], "mpInaCode": [f"mail 20300101000000Z k1:{tag}c"],
        "mpRecoveryNext": ["20300101000000Z a@lointain.test -"],
        "mpInaDigest": [f"k1:{tag}i"], "mpInaExpiry": ["20300101000000Z"],
        "mpSourceDigest": [f"k1:{tag}s"], "mpRecoveryMail": [f"{tag}@lointain.test"],
        "mpRecoveryPhone": ["+33600000000"], "mpRecoveryChanged": ["20260101000000Z"],
        "mpBlockedUntil": ["20400101000000Z"], "mpStateChanged": ["20260101000000Z"], "description": ["secret"],
        "telephoneNumber": ["+33380000000"], "homePhone": ["+33380000001"],
    }  # fmt: skip
    box = FunctionalBox(
        f"boite-{tag}", f"Boîte {tag}", f"boite-{tag}@{domain}", delegates=(persons[0].uid,), hidden=True,
        establishments=("9990001H",), profile="roundcube", quota_mb=1234, mail_host="magasin.test",
    )  # fmt: skip
    cn, uai = f"liste-{tag}", f"{int(tag, 16) % 10_000_000:07d}A"
    entries: dict[str, tuple[str, dict[str, list[str]]]] = {
        "people": (persons[0].dn(suffix), agent_attributes(persons[0]) | secret | {"userPassword": [first]}),
        "functional": (box.dn(suffix), box_attributes(box) | {"mpSourceDigest": [f"k1:{tag}b"]}),
        "lists": (
            f"cn={cn},ou=lists,{suffix}",
            {
                "objectClass": ["mpList", "inetLocalMailRecipient"], "cn": [cn], "mail": [f"{cn}@{domain}"],
                "mailLocalAddress": [f"{cn}@{domain}"], "member": [persons[0].dn(suffix)], "mpPoster": [persons[0].uid],
                "mpMemberURL": [f"ldap:///ou=people,{suffix}?uid?one?(mpCorps=x)"], "mpState": ["active"],
                "mpHidden": ["TRUE"], "mpSourceDigest": [f"k1:{tag}l"], "description": ["liste"],
            },
        ),
        "establishments": (
            f"mpEstablishment={uai},ou=establishments,{suffix}",
            {
                "objectClass": ["mpSchool"], "mpEstablishment": [uai], "o": ["École"], "mpSourceDigest": [f"k1:{tag}e"],
                "l": ["Dijon"], "mpDepartment": ["21"],
            },
        ),
        "tombstones": (
            f"uid=ancien-{tag},ou=tombstones,{suffix}",
            {
                "objectClass": ["mpTombstone"], "uid": [f"ancien-{tag}"], "mpRemoved": ["20260101000000Z"],
                "mail": [f"ancien-{tag}@{domain}"],
            },
        ),
    }  # fmt: skip
    with stage.reader(WRITER) as writer:
        for branch, (dn, attributes) in entries.items():
            stage.entries[branch] = dn
            assert writer.add(dn, attributes=attributes), (dn, writer.result)
        stage.other = persons[1].dn(suffix)
        assert writer.add(stage.other, attributes=agent_attributes(persons[1]) | {"userPassword": [second]})
        # A second password, so that there is a history; both agents then have this one.
        for dn in (stage.agent, stage.other):
            if dn == stage.agent:
                assert code_of(writer, "modify", dn, {"userPassword": [(ldap3.MODIFY_REPLACE, [second])]}) == SUCCESS
        stage.password = second
        writer.modify(stage.agent, {"pwdEndTime": [(ldap3.MODIFY_REPLACE, ["20400101000000Z"])]})
    for branch, dn in stage.entries.items():
        stage.values[branch] = _whole(site, dn)
    assert {"userpassword", "pwdhistory", "pwdchangedtime", "mpnumendigest"} <= stage.values["people"].keys()


def _whole(site: Any, dn: str) -> dict[str, list[bytes]]:
    """Every attribute of an entry and its values, as root sees them."""
    import base64

    text = root(site, f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b '{dn}' -s base '*' '+'")
    found: dict[str, list[bytes]] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name != "dn":
            raw = base64.b64decode(value[2:]) if value.startswith(":") else value.strip().encode()
            found.setdefault(name.lower(), []).append(raw)
    return found


def code_of(connection: Any, operation: str, *arguments: Any) -> int:
    getattr(connection, operation)(*arguments)
    return int(connection.result["result"])


def name_of(dn: str) -> str:
    return dn.partition(",")[0]


def allowed(name: str, branch: str) -> set[str]:
    """The attributes that the table allows, in small letters; empty: not even the entry is visible."""
    if name == "self":
        return {*ALWAYS, *(a.lower() for a in DEFAULTS["openldap_self_read"])} if branch == "people" else set()
    rights = SERVICES.get(name, {})
    return {*ALWAYS, *(a.lower() for a in rights["read"])} if branch in rights.get("branches", []) else set()


def read(connection: Any, dn: str) -> dict[str, Any] | None:
    """Return the visible attributes of one entry; None when it is not visible at all."""
    connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["*", "+"])
    found = [item for item in connection.response or [] if item["type"] == "searchResEntry"]
    return {n.lower(): v for n, v in found[0]["raw_attributes"].items() if v} if found else None


READERS = [*sorted(SERVICES), "self", "another"]
PLACES = [(name, branch) for name in READERS for branch in BRANCHES]


@pytest.mark.parametrize(("name", "branch"), PLACES)
def test_what_is_read(stage: Stage, name: str, branch: str) -> None:
    with stage.reader(name) as client:
        seen = read(client, stage.entries[branch])
    may = allowed(name, branch) & stage.values[branch].keys()
    assert (seen is not None) is bool(may)
    assert (seen or {}).keys() == may
    assert not SECRET & (seen or {}).keys()


@pytest.mark.parametrize(("name", "branch"), PLACES)
def test_nothing_else_is_compared_or_searched(stage: Stage, name: str, branch: str) -> None:
    """Neither a true nor a false: a comparison that is answered tells a digest a guess at a time."""
    dn, leaks = stage.entries[branch], []
    with stage.reader(name) as client:
        for attribute, values in stage.values[branch].items():
            if attribute in allowed(name, branch):
                continue
            if code_of(client, "compare", dn, attribute, values[0]) in (TRUE, FALSE):
                leaks.append(f"compare {attribute}")
            shown = "".join(f"\\{byte:02x}" for byte in values[0][:200])
            for question in (f"({attribute}=*)", f"({attribute}={shown})"):
                client.search(dn, question, ldap3.BASE, attributes=["1.1"])
                if any(item["type"] == "searchResEntry" for item in client.response or []):
                    leaks.append(question[:60])
    assert leaks == []


@pytest.mark.parametrize("name", READERS)
def test_nothing_is_written(stage: Stage, name: str) -> None:
    granted = []
    with stage.reader(name) as client:
        for branch, dn in stage.entries.items():
            for attribute, values in stage.values[branch].items():
                change = {attribute: [(ldap3.MODIFY_REPLACE, [values[0]])]}
                if code_of(client, "modify", dn, change) not in (*DENIED, VIOLATION):
                    granted.append((branch, attribute, client.result["description"]))
            for operation, arguments in (
                ("delete", (dn,)),
                ("modify_dn", (dn, "mpEstablishment=9999999A" if branch == "establishments" else f"{name_of(dn)}x")),
            ):
                if code_of(client, operation, *arguments) not in DENIED:
                    granted.append((branch, operation, client.result["description"]))
            fresh = f"uid=neuf-{stage.tag},ou={branch},{stage.suffix}"
            if code_of(client, "add", fresh, ["mpTombstone"], {"mpRemoved": "20260101000000Z"}) not in DENIED:
                granted.append((branch, "add", client.result["description"]))
    assert granted == []


@pytest.mark.parametrize("name", READERS)
def test_no_password_is_set(stage: Stage, name: str) -> None:
    fresh = rules.generate()
    with stage.reader(name) as client:
        own = {"self": stage.agent, "another": stage.other}.get(name, stage.service(name))
        for dn in {stage.agent, own}:
            assert code_of(client, "modify", dn, {"userPassword": [(ldap3.MODIFY_REPLACE, [fresh])]}) in DENIED
            given = [(ldap3.MODIFY_DELETE, [stage.password]), (ldap3.MODIFY_ADD, [fresh])]
            assert code_of(client, "modify", dn, {"userPassword": given}) in DENIED
            for old in (stage.password, None):
                assert not client.extend.standard.modify_password(dn, old, fresh)
                assert client.result["result"] in DENIED
    with stage.bound(stage.agent, stage.password):
        pass


@pytest.mark.parametrize("name", [*READERS, WRITER])
def test_what_is_nobody_s(stage: Stage, name: str) -> None:
    """Other daemons' accounts, the policies (the writer alone), slapd's own configuration and its figures."""
    bases = [*(f"ou={branch},{stage.suffix}" for branch in CLOSED), "cn=config", "cn=monitor", "cn=accesslog"]
    bases += [stage.service(name), stage.service("dovecot"), f"cn=agents,ou=policies,{stage.suffix}"]
    with stage.reader(name) as client:
        for base in bases:
            client.search(base, "(objectClass=*)", attributes=["*", "+"])
            found = [item["dn"] for item in client.response or [] if item["type"] == "searchResEntry"]
            assert not found or (name == WRITER and "ou=policies" in base), (base, found)


@pytest.mark.parametrize("name", ["self", "another"])
def test_an_agent_finds_nobody_else(stage: Stage, name: str) -> None:
    with stage.reader(name) as client:
        client.search(stage.suffix, "(objectClass=*)", attributes=["*", "+"])
        found = {item["dn"] for item in client.response or [] if item["type"] == "searchResEntry"}
    assert found <= {stage.agent if name == "self" else stage.other}


@pytest.mark.parametrize("name", ["self", WRITER])
def test_a_comparison_does_not_end_slapd(stage: Stage, site: Any, name: str) -> None:
    """slapd 2.6.10 keeps a read transaction after a refused comparison of hasSubordinates: the next search ended it."""
    pid = root(site, "systemctl show -p MainPID --value slapd")
    with stage.reader(name) as client:
        assert code_of(client, "compare", stage.agent, "hasSubordinates", "FALSE") == UNWILLING
        for _ in range(60):
            client.search(stage.agent, "(uid=*)", ldap3.BASE, attributes=["1.1"])
    assert root(site, "systemctl show -p MainPID --value slapd") == pid


def test_the_writer_reads_no_password(stage: Stage) -> None:
    with stage.reader(WRITER) as writer:
        seen = read(writer, stage.agent) or {}
        assert not PASSWORD & seen.keys()
        assert {"mpnumendigest", "mpsourcedigest", "pwdchangedtime"} <= seen.keys()
        for attribute in sorted(PASSWORD & stage.values["people"].keys()):
            value = stage.values["people"][attribute][0]
            assert code_of(writer, "compare", stage.agent, attribute, value) not in (TRUE, FALSE)
            writer.search(stage.agent, f"({attribute}=*)", ldap3.BASE, attributes=["1.1"])
            assert not [item for item in writer.response if item["type"] == "searchResEntry"]


@pytest.mark.parametrize(
    ("where", "attribute", "value"),
    [
        ("agent", "userPassword", SSHA),
        ("agent", "userPassword", "{CRYPT}$6$abc$" + "x" * 86),
        ("agent", "pwdHistory", "20260101000000Z#1.3.6.1.4.1.1466.115.121.1.40#3#abc"),
        ("agent", "pwdPolicySubentry", "cn=services,ou=policies,{suffix}"),
        ("agent", "pwdChangedTime", "20400101000000Z"),
        ("policy", "pwdMinLength", "1"),
        ("policy", "pwdMaxAge", "0"),
        ("service", "userPassword", "Renard;Bleu;512"),
        ("suffix", "description", "x"),
    ],
)
def test_what_the_writer_may_not(stage: Stage, where: str, attribute: str, value: str) -> None:
    """It sets passwords that keep the policy, and nothing by which the policy could be passed by."""
    dn = {
        "agent": stage.agent,
        "policy": f"cn=agents,ou=policies,{stage.suffix}",
        "service": stage.service("dovecot"),
        "suffix": stage.suffix,
    }[where]
    change = {attribute: [(ldap3.MODIFY_REPLACE, [value.replace("{suffix}", stage.suffix)])]}
    with stage.reader(WRITER) as writer:
        assert code_of(writer, "modify", dn, change) in (*DENIED, VIOLATION)
    with stage.bound(stage.agent, stage.password):
        pass


@pytest.mark.parametrize("branch", CLOSED)
def test_the_writer_adds_neither_accounts_nor_policies(stage: Stage, branch: str) -> None:
    dn = f"cn=neuf,ou={branch},{stage.suffix}"
    with stage.reader(WRITER) as writer:
        assert code_of(writer, "add", dn, ["organizationalRole"], {"cn": "neuf"}) in DENIED
        assert code_of(writer, "delete", stage.service("dovecot")) in DENIED
        assert code_of(writer, "delete", f"cn=agents,ou=policies,{stage.suffix}") in DENIED


def test_an_anonymous_client_gets_nothing(stage: Stage) -> None:
    server = ldap3.Server(f"ldapi://{stage.socket}", get_info=ldap3.NONE)
    client = ldap3.Connection(server, check_names=False)
    assert not client.bind()
    for dn in (stage.suffix, *stage.entries.values(), stage.service("dovecot"), "cn=config", "cn=Subschema"):
        client.search(dn, "(objectClass=*)", attributes=["*", "+"])
        assert not [item for item in client.response or [] if item["type"] == "searchResEntry"]
    for attribute in ("userPassword", "uid", "mpNumenDigest"):
        value = stage.values["people"][attribute.lower()][0]
        assert code_of(client, "compare", stage.agent, attribute, value) not in (TRUE, FALSE)
    assert code_of(client, "modify", stage.agent, {"uid": [(ldap3.MODIFY_REPLACE, ["x"])]}) not in (SUCCESS,)
    assert code_of(client, "delete", stage.agent) != SUCCESS
    assert not client.extend.standard.modify_password(stage.agent, stage.password, rules.generate())
    client.unbind()


def test_a_list_without_end_is_cut(stage: Stage, site: Any) -> None:
    """A daemon that need not list gets as many as the limit, paged or not; one that must gets all."""
    limit = int(DEFAULTS["openldap_size_limit"])
    many = limit + 20
    classes = ["mpFunctionalBox", "inetLocalMailRecipient"]
    base = f"ou=functional,{stage.suffix}"
    asked = f"(cn=essai-{stage.tag})"
    names = [f"liste-{stage.tag}-{number}" for number in range(many)]
    server, password = ldap3.Server(f"ldapi://{stage.socket}", get_info=ldap3.NONE), site.secret(f"ldap-{WRITER}")
    connection = ldap3.Connection(
        server, stage.service(WRITER), password, client_strategy=ldap3.ASYNC, check_names=False
    )
    assert connection.bind()
    try:

        def answered(waiting: list[Any]) -> None:
            for message in waiting:
                assert connection.get_response(message, timeout=60)[1]["result"] == SUCCESS

        common = {"cn": f"essai-{stage.tag}", "mpState": "suspended", "mpHidden": "TRUE"}
        answered([
            connection.add(f"uid={name},{base}", classes, common | {"mail": f"{name}@x.test"}) for name in names
        ])  # fmt: skip
        try:
            for name, rights in SERVICES.items():
                if "functional" not in rights["branches"]:
                    continue
                with stage.reader(name) as client:
                    question = asked if "cn" in rights["read"] else "(uid=*)"
                    client.search(base, question, attributes=["uid"])
                    found = sum(item["type"] == "searchResEntry" for item in client.response)
                    if rights.get("unlimited"):
                        assert found >= many
                        continue
                    assert (found, client.result["result"]) == (limit, SIZE), name
                    cookie, pages, total = None, 0, 0
                    while pages < 10:
                        client.search(base, question, attributes=["uid"], paged_size=100, paged_cookie=cookie)
                        total += sum(item["type"] == "searchResEntry" for item in client.response or [])
                        controls = client.result.get("controls", {}).get("1.2.840.113556.1.4.319", {})
                        cookie, pages = controls.get("value", {}).get("cookie"), pages + 1
                        if not cookie:
                            break
                    assert total <= limit, name
        finally:
            answered([connection.delete(f"uid={name},{base}") for name in names])
    finally:
        connection.unbind()


def _configuration(site: Any) -> str:
    return root(site, "slapcat -n0 -o ldif-wrap=no")


def test_searches_end_in_time(site: Any) -> None:
    text = _configuration(site)
    assert f"olcTimeLimit: {DEFAULTS['openldap_time_limit']}" in text
    assert f"olcSizeLimit: {DEFAULTS['openldap_size_limit']}" in text
    free = [line for line in text.splitlines() if line.startswith("olcLimits:")]
    assert len(free) == 1 + sum(bool(rights.get("unlimited")) for rights in SERVICES.values())


# --- indexes

FILES = ("/etc/dovecot/dovecot.conf", "/etc/postfix/ldap/*.cf", "/etc/roundcube/config.inc.php", "/etc/sogo/sogo.conf")


def indexes(text: str) -> dict[str, set[str]]:
    """Attribute in small letters -> kinds of its index."""
    found: dict[str, set[str]] = {}
    for line in re.findall(r"^olcDbIndex: (.+)$", text, re.M):
        names, _blank, kinds = line.partition(" ")
        for name in names.split(","):
            found.setdefault(name.lower(), set()).update(kinds.replace(" ", "").split(","))
    return found


def served(question: str, known: dict[str, set[str]]) -> bool:
    """Whether an index narrows a filter: of a conjunction one part is enough, of a choice every part must be."""
    body = question.strip()[1:-1]
    if body[0] in "&|!":
        parts, depth, start = [], 0, 0
        for place, char in enumerate(body):
            depth += {"(": 1, ")": -1}.get(char, 0)
            if char == "(" and depth == 1:
                start = place
            elif char == ")" and depth == 0:
                parts.append(body[start : place + 1])
        results = [served(part, known) for part in parts]
        return {"&": any, "|": all, "!": lambda _results: False}[body[0]](results)
    name, _sign, value = body.partition("=")
    kinds = known.get(name.lower(), set())
    if value == "*":
        return "pres" in kinds
    return ("sub" if "*" in value else "eq") in kinds


def filters(site: Any) -> set[str]:
    """Every LDAP filter in the daemons' files; an expansion of Dovecot's, quotes and all, stands for some value."""
    text = re.sub(r"%\{(?:[^{}']|'[^']*')*\}", "x", root(site, f"cat {' '.join(FILES)}"))
    found, begin = set(), re.compile(r"\([&|!(]*\(?[A-Za-z]+=")
    match = begin.search(text)
    while match:
        end = depth = 0
        for end in range(match.start(), len(text)):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            if depth == 0 or text[end] == "\n":
                break
        if depth == 0:
            found.add(text[match.start() : end + 1])
        match = begin.search(text, end + 1)
    return {one for one in found if "'" not in one}


def test_every_filter_of_a_daemon_has_an_index(site: Any) -> None:
    known, asked = indexes(_configuration(site)), filters(site)
    assert len(asked) >= 5
    assert all(any(name in one for one in asked) for name in ("mpLoginAlias", "mpDeviceId"))
    assert sorted(one for one in asked if not served(one, known)) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("(&(a=x)(b=y))", True),
        ("(|(a=x)(b=y))", False),
        ("(&(!(a=x))(b=y))", False),
        ("(|(a=x)(&(a=z)(!(b=y))))", True),
        ("(a=*x*)", False),
        ("(a=*)", False),
    ],
)
def test_the_judge_of_filters(question: str, expected: bool) -> None:
    assert served(question, {"a": {"eq"}}) is expected


def test_what_is_looked_up_by_everybody_is_indexed(site: Any) -> None:
    known = indexes(_configuration(site))
    compared = ("uid", "mail", "mailLocalAddress", "mpLoginAlias", "sn", "givenName", "mpDelegate", "mpNumenDigest")
    for attribute in (*compared, "objectClass"):
        assert "eq" in known[attribute.lower()], attribute
    for attribute in ("cn", "mail"):
        assert "sub" in known[attribute.lower()], attribute
