"""The pages of agents: the portal, both webmails, what mail clients and foreign servers fetch by HTTPS."""

from __future__ import annotations

import json
import re

from ..https import Browser
from ..mailbox import compose, subject, wait_imap
from ..plan import Account, NotTestedError, PathError, Plan, poll
from ..wire import deliver, smtp
from . import elsewhere, sso
from .flows import accepted
from .refusals import mx_names

ROUNDCUBE_TOKEN = re.compile(r'"request_token":"(\w+)"')
FORMS = ("/activer", "/motdepasse/changer", "/motdepasse/oublie")
"""Pages of the portal that agents need without a log-in."""
TESTER = "/motdepasse/robustesse"
"""The tester of passwords: a page, a script, and data that name further scripts."""
MODULE = re.compile(r'<script src="(/[\w./-]+)" type="module">')
CSRF = 'name="csrf_token"'
ROW = re.compile(r"add_message_row\((\d+),")


def mail_to(plan: Plan, path: str, agent: Account, colleague: Account) -> str:
    """A colleague's message is sent to an account and has arrived; returns its subject."""
    with smtp(plan, plan.mail, "submission", colleague) as session:
        message = compose(plan, path, colleague.mail, agent.mail)
        accepted(deliver(session, colleague.mail, agent.mail, message))
    wait_imap(plan, agent, path)
    return subject(plan, path)


def portal(plan: Plan) -> str:
    """The portal's first page, its forms and the tester of passwords answer, over TLS that browsers will insist on.

    See RFC 6797.
    """
    browser = Browser(plan, plan.host("portal"))
    page = browser.get("/").expect(200, what="the portal")
    if "strict-transport-security" not in page.headers:
        raise PathError("no Strict-Transport-Security")
    for path in FORMS:
        if CSRF not in browser.get(path).expect(200, what=path).text:
            raise PathError(f"{path} has no form")
    tester(browser)
    title = re.search(r"<title>\s*([^<]+?)\s*</title>", page.text)
    return title[1] if title else "answers"


def tester(browser: Browser) -> None:
    """Every script of the tester of passwords is served as one, and its data name the rules. Raises PathError."""
    scripts = MODULE.findall(browser.get(TESTER).expect(200, what=TESTER).text)
    data = f"{TESTER}.json"
    try:
        document = browser.get(data).expect(200, what=data).json()
        further, rules = list(document["scripts"]), dict(document["sentence_of"])
    except (ValueError, KeyError, TypeError) as error:
        raise PathError(f"{data} is not the tester's data") from error
    if not scripts or not further or not rules:
        raise PathError(f"{data if scripts else TESTER} names no {'script' if not (scripts and further) else 'rule'}")
    for path in (*scripts, *further):
        page = browser.get(str(path)).expect(200, what=str(path))
        if "javascript" not in page.headers.get("content-type", "") or not page.body:
            raise PathError(f"{path} is no script")


def roundcube(plan: Plan) -> str:
    """Enter Roundcube by the log-in page; find the message just sent, which it reads by a token; log out of both."""
    browser = Browser(plan, plan.host("webmail"))
    if plan.provider:
        return elsewhere.leads(plan, browser, "/?_task=mail")
    # The second account is of a class without SOGo, where there is one.
    other, agent = plan.accounts
    subject = mail_to(plan, "roundcube", agent, other)
    entered, page = sso.sign_on(plan, browser, "/?_task=mail", agent)
    if "groupware" in plan.hosts and entered.headers.get("location", "") == f"https://{plan.host('groupware')}/":
        raise NotTestedError("agents of every class are led to the groupware")
    token = ROUNDCUBE_TOKEN.search(browser.get("/?_task=mail").expect(200, what="the mail").text)
    if entered.status != 302 or token is None:
        raise PathError(f"not let in: HTTP {entered.status}")
    ajax = {"X-Requested-With": "XMLHttpRequest", "X-Roundcube-Request": token[1]}

    def look() -> str | None:
        answer = browser.get("/?_task=mail&_action=list&_mbox=INBOX&_remote=1", ajax).expect(200, what="the list")
        return newest(str(answer.json().get("exec", "")), subject)

    uid = poll(look, plan.deadline, "the message in Roundcube's list")
    shown = browser.get(f"/?_task=mail&_action=show&_mbox=INBOX&_uid={uid}").expect(200, what="the message")
    return leave(browser, page, shown.text, f"/?_task=logout&_token={token[1]}", "/?_task=mail")


def leave(browser: Browser, page: Browser, shown: str, out: str, start: str) -> str:
    """Log out of a webmail, which showed the message, and of the log-in page, and see that its start asks anew."""
    if "prove that mail flows" not in shown:
        raise PathError("the message is shown without its text")
    sso.sign_off(browser, page, out)
    if browser.get(start).status != 302:
        raise PathError("the session goes on after log-out")
    return "logged in by the log-in page, message listed and read by a token, logged out of both"


def newest(commands: str, subject: str) -> str | None:
    """The UID of the first row of Roundcube's commands that holds `subject`."""
    parts = ROW.split(commands)
    return next((uid for uid, row in zip(parts[1::2], parts[2::2], strict=True) if subject in row), None)


def sogo(plan: Plan) -> str:
    """Enter SOGo by the log-in page; find the message just sent, which it reads by a token; log out of both."""
    browser = Browser(plan, plan.host("groupware"))
    if plan.provider:
        return elsewhere.leads(plan, browser, "/SOGo/")
    agent, other = plan.accounts
    subject = mail_to(plan, "sogo", agent, other)
    entered, page = sso.sign_on(plan, browser, "/SOGo/", agent)
    if entered.status != 302 or browser.get(f"/SOGo/so/{agent.uid}/jsonDefaults").status != 200:
        raise PathError(f"not let in: HTTP {entered.status}")
    inbox = f"/SOGo/so/{agent.uid}/Mail/0/folderINBOX"
    order = {"sortingAttributes": {"match": "OR", "sort": "arrival", "asc": 0}}

    def look() -> str | None:
        listed = browser.post_json(f"{inbox}/view", order).expect(200, what="the list").json()
        fields, *rows = listed.get("headers") or [[]]
        messages = [dict(zip(fields, row, strict=True)) for row in rows]
        return next((str(row["uid"]) for row in messages if subject in str(row.get("Subject"))), None)

    uid = poll(look, plan.deadline, "the message in SOGo's list")
    shown = browser.get(f"{inbox}/{uid}/view").expect(200, what="the message")
    return leave(browser, page, json.dumps(shown.json()), f"/SOGo/so/{agent.uid}/logoff", "/SOGo/")


def mta_sts(plan: Plan) -> str:
    """The MTA-STS policy is published and names every mail exchanger (RFC 8461)."""
    browser = Browser(plan, f"mta-sts.{plan.domain}")
    page = browser.get("/.well-known/mta-sts.txt").expect(200, what="the policy")
    if not page.headers.get("content-type", "").startswith("text/plain"):
        raise PathError(f"served as {page.headers.get('content-type')}, text/plain wanted")
    lines = [line.partition(":") for line in page.text.splitlines() if line.strip()]
    fields = [(key.strip(), value.strip()) for key, _, value in lines]
    mode = dict(fields).get("mode", "")
    named = [value for key, value in fields if key == "mx"]
    missing = [name for name in mx_names(plan) if not any(sts_match(name, pattern) for pattern in named)]
    if dict(fields).get("version") != "STSv1" or mode not in ("enforce", "testing", "none"):
        raise PathError(f"not a policy: {' '.join(page.text.split())[:80]}")
    if missing and mode != "none":
        raise PathError(f"{missing[0]} is a mail exchanger but not in the policy")
    return f"mode {mode}, mx {' '.join(named)}"


def sts_match(name: str, pattern: str) -> bool:
    """Whether a host name is one of a policy's `mx` (RFC 8461, 4.1: a wildcard stands for one label)."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:].lower()
    return name == pattern.lower()


def autoconfig(plan: Plan) -> str:
    """Mail clients find the servers by the address alone."""
    browser = Browser(plan, f"autoconfig.{plan.domain}")
    address = plan.accounts[0].mail
    page = browser.get(f"/mail/config-v1.1.xml?emailaddress={address}").expect(200, what="the configuration")
    document = page.xml()
    servers = [
        f"{server.get('type')} {server.findtext('hostname')}:{server.findtext('port')}"
        for kind in ("incomingServer", "outgoingServer")
        for server in document.iter(kind)
    ]
    if {"imap", "smtp"} - {server.partition(" ")[0] for server in servers}:
        raise PathError(f"names {', '.join(servers) or 'no server'}")
    return ", ".join(servers)


ASKED = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>{}</EMailAddress></Request></Autodiscover>"""


def autodiscover(plan: Plan) -> str:
    """Outlook finds the servers by the address alone ([MS-OXDSCLI])."""
    browser = Browser(plan, f"autodiscover.{plan.domain}")
    body = ASKED.format(plan.accounts[0].mail).encode()
    kind = {"Content-Type": "text/xml"}
    page = browser.request("POST", "/autodiscover/autodiscover.xml", body, kind).expect(200, what="the servers")
    servers = [
        " ".join(one.findtext(f"{{*}}{key}", "") for key in ("Type", "Server", "Port"))
        for one in page.xml().iter()
        if one.tag.endswith("}Protocol")
    ]
    if {"IMAP", "SMTP"} - {server.partition(" ")[0] for server in servers}:
        raise PathError(f"names {', '.join(servers) or 'no server'}")
    return ", ".join(servers)
