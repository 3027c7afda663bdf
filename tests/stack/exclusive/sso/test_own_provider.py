"""The academy's own provider in place of our log-in page: a deploy to it, log-ins by it, refusals, and the way back.

The lab goes back to its snapshot at the end.
"""

import base64
import hashlib
import hmac
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.relying_party import EVENT
from malleposte.dev.bringup import SNAPSHOT
from malleposte.dev.world import world_sso
from malleposte.fleet import playbook
from malleposte.probe import facts, ship
from malleposte.probe.model import Status
from malleposte.probe.walker.plan import Plan

from tests.stack.support import log_outs
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.another import CLIENTS, Another
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import ended, wait_for
from tests.stack.support.people import People
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Site
from tests.stack.support.tokens import MECHANISMS, Bearer, Forge, of_roundcube, part
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail
from tests.support.page import Page

pytestmark = pytest.mark.full

OURS = ("lemonldap-ng-fastcgi-server.service", "sso-prove.socket", "sso-prove.service", "valkey-server@sso.service")
LEFT = ("/etc/lemonldap-ng/malleposte", "/etc/malleposte/sso-prove.json", "/etc/nginx/sites/lemonldap.conf",
        "/etc/valkey/users-sso.acl", "/usr/local/share/malleposte/sso")  # fmt: skip
Deploy = Callable[[bool], playbook.Report]


@pytest.fixture(scope="module")
def old_token(site: Site, web: Web) -> str:
    """A token of our own log-in page, from before the change; it would be good for an hour."""
    account = site.accounts["probe2"]
    told = of_roundcube(site, web, account)["access_token"]
    return Forge(site, part(told, 0), part(told, 1)).ours(exp=int(time.time()) + 3600)


@pytest.fixture(scope="module")
def deploy(site: Site, web: Web, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Deploy everything, to that provider or to our log-in page. The fact goes by a file: it holds secrets."""
    path = tmp_path_factory.mktemp("fact") / "extra.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"malleposte_sso": Another(site, web).fact()}))

    def done(to_another: bool) -> playbook.Report:
        extra = (f"@{path}",) if to_another else ()
        report = playbook.run(playbook.Options(site.inventory, extra=extra), name="test-own-provider")
        playbook.ensure(report, "the deploy")
        return report

    return done


@pytest.fixture(scope="module", autouse=True)
def changed_over(site: Site, old_token: str, deploy: Deploy) -> Iterator[None]:
    """The platform has changed over, from before the first test to the end of the last."""
    assert old_token
    try:
        deploy(True)
        yield
    finally:
        site.close()
        site.lab.restore(SNAPSHOT)


@pytest.fixture
def another(site: Site, web: Web) -> Another:
    """A browser at that provider."""
    return Another(site, web)


@pytest.fixture
def bearer(plan: Plan) -> Bearer:
    """Log-ins by a token."""
    return Bearer(plan)


def to_portal(site: Site, web: Web, another: Another, uid: str, code: str = "") -> tuple[SignedOn, Page]:
    """A browser that logs in to the portal by that provider, and the page that it comes to."""
    visitor = SignedOn(site, web)
    sent = visitor.ask("/compte")
    where = str(visitor.ask(str(sent.headers["Location"])).headers["Location"])
    assert where.startswith(f"{another.issuer}/authorize?")
    back = urllib.parse.urlsplit(another.log_in(uid, where, code))
    assert back.netloc == visitor.name
    return visitor, Page(visitor.follow(visitor.ask(f"{back.path}?{back.query}")).text)


def to_roundcube(site: Site, web: Web, another: Another, uid: str) -> tuple[Webmail, str]:
    """A browser that logs in to Roundcube by it; the address to go on to, empty for whoever is not let in."""
    here = Webmail(site, web)
    back = another.log_in(uid, str(here.ask("/").headers["Location"]))
    return here, here.enter(back.removeprefix(f"https://{here.name}"))


def to_sogo(site: Site, ca_bundle: Path, another: Another, account: Any) -> tuple[Groupware, int]:
    """A browser that logs in to SOGo by it, and the status of its way back."""
    here = Groupware(site, ca_bundle, account)
    back = another.log_in(account.uid, here.get("/SOGo/").header("Location")[0])
    return here, here.get(back.removeprefix(f"https://{here.name}")).status


def inside(here: Groupware) -> bool:
    """Whether SOGo leads this browser to the agent's own pages."""
    where = [urllib.parse.urlsplit(one) for one in here.get("/SOGo/").header("Location")]
    return bool(where) and where[0].hostname in (None, here.name) and where[0].path.startswith("/SOGo/")


def test_a_second_deploy_changes_nothing(deploy: Deploy) -> None:
    report = deploy(True)
    assert report.changed == 0, report.log


def test_our_log_in_page_is_gone_and_its_second_factors_are_kept(site: Site) -> None:
    states = site.run("pia1", f"systemctl is-active {' '.join(OURS)} || true").split()
    assert set(states) == {"inactive"}
    assert site.run("pia1", f"ls -d {' '.join(LEFT)} 2>/dev/null || true") == ""
    assert site.run("pia1", "ls /var/lib/valkey-sso").strip(), "what agents enrolled is not thrown away"
    names = site.run("pia1", "openssl x509 -in /etc/ssl/malleposte/fullchain.pem -noout -ext subjectAltName")
    assert "pia.ac-exemple.test" in names and "sso.ac-exemple.test" not in names
    assert site.run("mail1", "systemctl is-active sso-tokens.socket sso-tokens.service").split() == ["active"] * 2
    assert "no log-in page of the platform's" in site.run("pia1", "malleposte sso status probe1 2>&1 || true")


def test_the_probe_knows_that_provider(site: Site, another: Another) -> None:
    said = another.fact()
    own = {
        "issuer": said["issuer"],
        "authorization_endpoint": said["authorization_endpoint"],
        "algorithms": said["algorithms"],
        "keys": [key["kid"] for key in said["jwks"]["keys"]],
    }
    found = facts.site(site.inventory)
    request = {"plan": found.plan | {"provider": own, "factor": None}, "only": ["provider", "roundcube", "sogo"]}
    results = {one.name: one for one in ship.run(found.ssh, request) if one.name != "clean-up"}
    assert {name: one.status for name, one in results.items()} == dict.fromkeys(results, Status.OK), results
    unknown = {"plan": request["plan"] | {"provider": own | {"keys": ["autre"]}}, "only": ["provider"]}
    (told,) = [one for one in ship.run(found.ssh, unknown) if one.name == "provider"]
    assert told.status is Status.FAILED and f"publishes the key {world_sso.KID}" in told.detail


def test_the_portal_logs_in_by_it_and_out_again(site: Site, web: Web, another: Another, people: People) -> None:
    agent = people.agent()
    visitor, page = to_portal(site, web, another, agent.uid)
    assert visitor.entered and agent.uid in page.main
    devices = visitor.get("/compte/appareils").all("a")
    assert "/compte/double-authentification" in {str(held.get("href")) for held, _text in devices}
    led = visitor.ask("/compte/double-authentification")
    assert (led.status, led.headers["Location"]) == (303, f"{another.issuer}/facteurs")
    policy = str(visitor.ask("/").headers["Content-Security-Policy"])
    assert f"form-action 'self' https://{another.name}:8444;" in policy
    (form,) = [one["fields"] for one in visitor.get("/compte").forms() if one["action"] == "/deconnexion"]
    out = str(visitor.ask("/deconnexion", form).headers["Location"])
    assert out.startswith(f"{another.issuer}/logout?")
    assert another.follow(out) == f"https://{visitor.name}/deconnecte"
    assert not visitor.entered


def test_a_blocked_agent_logs_in_nowhere_though_that_provider_does_not_know(
    site: Site, web: Web, ca_bundle: Path, another: Another, people: People, bearer: Bearer
) -> None:
    agent = people.agent(profile="convergence")
    portal, _page = to_portal(site, web, another, agent.uid)
    groupware, status = to_sogo(site, ca_bundle, another, agent)
    assert portal.entered and status == 302 and inside(groupware)
    token = another.mint(agent.uid)
    assert bearer.everywhere(agent.uid, token) == {True}
    link = bearer.session(agent.uid, token)
    link.send(b"X1 IDLE\r\n")
    Cli(site).out("block", agent.uid, "--reason", "essai")
    assert ended(link), "an open connection is cut"
    link.shutdown()
    assert bearer.everywhere(agent.uid, token) == {False}, "at once, though the signature is right"
    assert not inside(groupware), "its session there has ended"
    _again, refused = to_portal(site, web, another, agent.uid)
    assert "n’a pas abouti" in refused.main


def test_roundcube_reads_mail_by_its_tokens_and_logs_out_of_both(
    site: Site, web: Web, another: Another, people: People
) -> None:
    agent = people.agent()
    here, where = to_roundcube(site, web, another, agent.uid)
    assert where and here.inside
    assert "exec" in here.call(_task="mail", _action="list", _mbox="INBOX")
    out = str(here.ask(f"/?_task=logout&_token={here.token}").headers["Location"])
    assert out.startswith(f"{another.issuer}/logout?")
    assert another.follow(out) == f"https://{here.name}/"
    assert not here.inside
    blocked = people.agent()
    Cli(site).out("suspend", blocked.uid)
    assert to_roundcube(site, web, Another(site, web), blocked.uid)[1] == ""


def test_sogo_reads_mail_by_its_tokens(site: Site, ca_bundle: Path, another: Another, people: People) -> None:
    agent = people.agent(profile="convergence")
    here, status = to_sogo(site, ca_bundle, another, agent)
    assert status == 302 and inside(here)
    order = {"sortingAttributes": {"match": "OR", "sort": "arrival", "asc": 0}}
    assert here.post(f"/SOGo/so/{agent.uid}/Mail/0/folderINBOX/view", order).status == 200


def test_a_log_out_that_it_tells_of_ends_the_session_of_that_webmail(
    site: Site, web: Web, ca_bundle: Path, people: People
) -> None:
    light, full = people.agent(), people.agent(profile="convergence")
    here, _where = to_roundcube(site, web, Another(site, web), light.uid)
    there, _status = to_sogo(site, ca_bundle, Another(site, web), full)
    another = Another(site, web)
    for host, client, sid, opens in (
        ("webmail", CLIENTS["roundcube"], log_outs.roundcube_sid(site, light.uid), lambda: here.inside),
        ("groupware", CLIENTS["sogo"], log_outs.sogo_sid(site, full.uid), lambda: inside(there)),
    ):
        content = {"sid": sid, "events": {EVENT: {}}, "scope": None}
        assert opens()
        for wrong in ({"aud": CLIENTS["portal"]}, {"iss": "https://autre.test/"}, {"events": {}}, {"nonce": "n"}):
            assert log_outs.told(site, web, host, another.mint("", **{"aud": client, **content, **wrong})) == 400, wrong
        assert opens()
        assert log_outs.told(site, web, host, another.mint("", aud=client, **content)) == 200
        wait_for(lambda opens=opens: not opens(), 5, f"{host} still opens")


def test_a_way_back_that_nobody_went_out_on_enters_nobody(
    site: Site, web: Web, another: Another, people: People
) -> None:
    agent, here = people.agent(), Webmail(site, web)
    back = another.log_in(agent.uid, str(here.ask("/").headers["Location"]))
    path = back.removeprefix(f"https://{here.name}")
    assert Webmail(site, web).ask(path).status == 403, "another browser's"
    assert here.enter(path)


def text(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_tokens_that_are_not_for_mail_open_none_beside_one_that_does(
    another: Another, people: People, bearer: Bearer, old_token: str
) -> None:
    uid, now = people.agent().uid, int(time.time())
    good = another.mint(uid)
    assert bearer.everywhere(uid, good) == {True}
    assert bearer.everywhere(uid, another.mint(uid, client="sogo-ac")) == {True}
    head, body, signature = good.split(".")
    longer = part(good, 1) | {"exp": now + 9000}
    public = json.dumps(another.fact()["jwks"]["keys"][0]).encode()
    mac = hmac.digest(public, f"{text({'alg': 'HS256', 'kid': world_sso.KID})}.{body}".encode(), hashlib.sha256)
    wrong = {
        "of another issuer": another.mint(uid, iss="https://autre.test/"),
        "for another audience": another.mint(uid, aud=["autre"]),
        "of the portal": another.mint(uid, client="portail-ac"),
        "of another service": another.mint(uid, client="intranet"),
        "of no service": another.mint(uid, azp=None),
        "without the scope": another.mint(uid, scope="openid"),
        "an identity token": another.mint(uid, aud="roundcube-ac", scope=None, nonce="n"),
        "over": another.mint(uid, iat=now - 900, exp=now - 600),
        "not yet good": another.mint(uid, iat=now + 600, nbf=now + 600, exp=now + 900),
        "of nobody": another.mint(uid, **{world_sso.UID_CLAIM: None}),
        "of another agent": another.mint("probe1"),
        "of an unknown key": another.mint(uid, head={"kid": "autre"}),
        "of our log-in page": old_token,
        "unsigned": f"{text({'alg': 'none', 'kid': world_sso.KID})}.{body}.",
        "with the public key for a password": (
            f"{text({'alg': 'HS256', 'kid': world_sso.KID})}.{body}."
            f"{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        ),
        "changed on the way": f"{head}.{text(longer)}.{signature}",
    }
    opened = [(name, one) for name, token in wrong.items() for one in MECHANISMS if bearer.imap(uid, token, one)]
    assert opened == []
    assert bearer.everywhere(uid, good) == {True}, "and nobody waits for what others tried"
    assert not bearer.imap("probe2", old_token), "not its own agent either"


def test_the_help_desk_acts_after_a_second_factor_that_it_tells_of(
    site: Site, web: Web, person: Any, people: People
) -> None:
    who, agent = person(), people.agent()
    Cli(site).json("role", "grant", who.uid, "helpdesk", "--everywhere", "--reason", "essai")
    seen = {}
    for code in ("", "123456"):
        visitor, _page = to_portal(site, web, Another(site, web), who.uid, code)
        seen[code] = agent.uid in visitor.get(f"/assistance/agent?agent={agent.uid}").main
    assert seen == {"": False, "123456": True}


def test_mail_opens_while_that_provider_is_away(
    site: Site, web: Web, another: Another, people: People, bearer: Bearer
) -> None:
    agent = people.agent()
    token = another.mint(agent.uid)
    site.run("world", "systemctl stop world-sso.service")
    try:
        assert bearer.everywhere(agent.uid, token) == {True}
        assert Webmail(site, web).ask("/").status == 503, "a page says so, and leads nowhere"
    finally:
        site.run("world", "systemctl start world-sso.service")
    wait_for(lambda: Webmail(site, web).ask("/").status == 302, 60, "the way to the provider")


def test_without_the_daemon_no_token_opens_mail_and_passwords_do(
    site: Site, another: Another, people: People, bearer: Bearer, enters: Callable[[str, str], bool]
) -> None:
    agent = people.agent()
    token = another.mint(agent.uid)
    site.run("mail1", "systemctl stop sso-tokens.socket sso-tokens.service")
    try:
        assert not bearer.imap(agent.uid, token)
        assert enters(agent.uid, agent.password)
    finally:
        site.run("mail1", "systemctl start sso-tokens.socket sso-tokens.service")
    # Dovecot lets some time go by after a connection that was refused.
    wait_for(lambda: bearer.imap(agent.uid, token), 120, "the daemon")


def test_no_token_and_no_secret_of_it_is_in_a_log(site: Site, another: Another, people: People, bearer: Bearer) -> None:
    uid = people.agent().uid
    token = another.mint(uid)
    assert bearer.imap(uid, token) and not bearer.imap(uid, token[:-4] + "AAAA")
    lines = site.run("mail1", "journalctl -o cat --since=-10min -u sso-tokens -u dovecot")
    assert "a token was refused" in lines
    assert token.split(".")[1] not in lines


def test_the_way_back_brings_our_page_and_its_factors(
    site: Site, web: Web, deploy: Deploy, another: Another, people: People, bearer: Bearer
) -> None:
    uid = people.agent().uid
    token = another.mint(uid)
    assert bearer.imap(uid, token)
    deploy(False)
    assert not bearer.imap(uid, token)
    assert (
        site.run("mail1", "ls /etc/malleposte/sso-tokens.json /etc/systemd/system/sso-tokens.* 2>/dev/null || true")
        == ""
    )
    account = people.agent()
    here = Webmail(site, web)
    assert here.login(account.uid, account.password)
    probed = {one.name: one for one in ship.run(facts.site(site.inventory).ssh, {
        "plan": facts.site(site.inventory).plan, "only": ["sso", "second-factor"]})}  # fmt: skip
    assert probed["second-factor"].status is Status.OK, "the factor from before was kept"
    report = deploy(False)
    assert report.changed == 0, report.log
