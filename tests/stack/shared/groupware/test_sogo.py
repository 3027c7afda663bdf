"""SOGo: mail, agenda and address book of its class, without access to others' data."""

import dataclasses
import datetime
import email
import email.header
import json
import re
import zoneinfo

import pytest

from tests.stack.support.groupware import Groupware, event
from tests.stack.support.mail import FOREIGN, compose, token

pytestmark = pytest.mark.scattered

CALENDAR = "Calendar/personal"
CONTACTS = "Contacts/personal"
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
ICS, VCF = "text/calendar", "text/vcard"
INVITATION = "Invitation"
JSON = {"Content-Type": "application/json"}
SYNC = """<?xml version="1.0"?><d:sync-collection xmlns:d="DAV:"><d:sync-token/><d:sync-level>1</d:sync-level>
<d:prop><d:getetag/></d:prop></d:sync-collection>"""


@pytest.fixture
def visit(site, ca_bundle):
    """A visitor of SOGo, by account or uid."""

    def enter(who) -> Groupware:
        return Groupware(site, ca_bundle, site.accounts[who] if isinstance(who, str) else who)

    return enter


@pytest.fixture
def pair(people, visit):
    """Two agents of the class that has an agenda."""
    return [visit(people.agent(profile="convergence", given_name="Zoë", surname="Lœuf-Été")) for _ in range(2)]


def test_a_visitor_is_led_to_the_log_in_page_over_tls(visit):
    visitor = visit("mdupond")
    page = visitor.get("/SOGo/")
    assert page.status == 302 and page.header("Location")[0].startswith(f"https://{visitor.sso}/oauth2/authorize?")
    assert page.header("Strict-Transport-Security")
    assert visit("mdupond").get("/").header("Location")[0].endswith("/SOGo/")
    script = visit("mdupond").get("/SOGo.woa/WebServerResources/js/Common.js")
    assert (script.status, script.header("Cache-Control") != []) == (200, True)


def test_special_folders_are_those_of_the_mail_store(visit):
    agent = visit("mdupond").login()
    folders = agent.get(agent.own("Mail/0/view")).json()["mailboxes"]
    kinds = {folder["type"]: folder["name"] for folder in folders}
    assert (kinds["draft"], kinds["sent"], kinds["trash"], kinds["junk"]) == (
        "Brouillons",
        "Envoyés",
        "Corbeille",
        "Indésirables",
    )
    assert not {"Drafts", "Sent", "Trash", "Junk"} & {folder["name"] for folder in folders}


def test_a_message_sent_arrives_outside_signed_and_is_kept(visit, mail, site):
    agent, word = visit("elefevre").login(), token()
    sent = agent.send(to=[f"probe@{FOREIGN}"], subject=f"À bientôt {word}", text="Très cordialement, Élodie")
    assert sent.status == 200, sent.text
    arrived = mail.at_foreign("probe", word).decode()
    assert f"d={site.platform['domain']}" in arrived
    assert "dkim=pass" in arrived
    assert mail.arrived("elefevre", word, folder="Envoyés")
    mail.remove("elefevre", word)


def journal(mail1, unit, since):
    return mail1.check_output(f"journalctl -q -u {unit} --since @{since} -o short-iso --no-pager")


def test_a_wrong_password_of_a_device_is_refused_and_seen_once(visit, site, mail1, wait_for):
    since, name = mail1.check_output("date +%s"), token()
    for _ in range(2):
        stranger = dataclasses.replace(site.accounts["mdupond"], uid=name, password="faux mot de passe")
        assert visit(stranger).propfind(CALENDAR).status == 401
    wait_for(lambda: name in journal(mail1, "dav-router", since))
    lines = [line for line in journal(mail1, "dav-router", since).splitlines() if name in line]
    assert len(lines) == 1
    assert lines[0].endswith(f"rip={site.lab.settings.gateway}")
    assert name not in journal(mail1, "sogo", since), "SOGo was asked before Dovecot"


OTHER_WAYS = [
    *("/SOGo/so/connect", "/SOGo/connect/", "/SOGo//connect", "//SOGo/connect", "/SOGo/so//connect", "/connect"),
    *("/SOGo/%63onnect", "/SOGo/so/%63onnect", "/SOGo.woa/connect", "/SOGo.woa/so/connect", "/so/connect"),
    *("/SOGo/so/connect/connect", "/SOGo/so/index/connect", "/SOGo/so/view/connect", "/SOGo/so/GET/connect"),
    *("/SOGo/so/SOGo/connect", "/SOGo/SOGo/connect", "/SOGo/so/casProxy/connect", "/SOGo/so/saml2-metadata/connect"),
    *("/SOGo/so/%EF%BB%BFconnect", "/SOGo/so/index/%EF%BB%BFconnect", "/SOGo/so/%5Frange/connect", "/X/so/connect"),
    *("/SOGo/_range0/connect", "/SOGo/so/_range/connect", "/SOGo/so/connect/_range", "/SOGo/so/connect?x=1"),
    *("/SOGo/so/x/../connect", "/SOGo/so/x/%2e%2e/connect", "/SOGo/./connect"),
    "/SOGo/so/connect/_range%2f..%2f..%2fmdupond%2fview",
    "/SOGo/so/connect/_range%2f..%2f..%2f..%2fdav%2fmdupond%2f",
    "/SOGo%2fso%2fmdupond/so/connect",
    "/SOGo/so/mdupond/connect",
    "/SOGo/so/?connect:method=1",
    "/SOGo/so/?:method=connect",
    "/SOGo/so/?Cmd=connect",
    "/SOGo/dav/connect",
    "/SOGo/dav/index/connect",
]


def test_no_other_way_leads_to_the_log_in(visit, mail1, wait_for):
    """Whoever asks: a stranger, an agent with a session, an agent with a device; at the groupware's host and at dav."""
    since, word = mail1.check_output("date +%s"), token()
    agent = visit("mdupond").login()
    for agent.host in ("dav", "groupware"):
        for number, path in enumerate(OTHER_WAYS):
            for basic in (False, True):
                text = json.dumps({"userName": f"{word}-{number}-{basic}", "password": "faux"})
                agent.request("POST", path, text, basic=basic, headers=JSON)
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for path in ("/SOGo/", "/SOGo/so/", "/SOGo/so/index", "/SOGo/so/mdupond/view"):
            text = f'{{"userName":"{word}","password":"faux","a":"&connect:method=1&"}}'
            if kind.startswith("multipart"):
                text += "\r\n--x\r\nContent-Disposition: form-data; name=:method\r\n\r\nconnect\r\n--x--\r\n"
            agent.request("POST", path, text, headers={"Content-Type": kind})
    # SOGo writes what it was asked: its journal is complete up to this.
    agent.get(f"/SOGo/so/mdupond/{word}-fin/view")
    wait_for(lambda: f"{word}-fin" in journal(mail1, "sogo", since))
    assert f"'{word}" not in journal(mail1, "sogo", since)


def test_passwords_are_for_the_log_in_page_alone(visit):
    agent = visit("mdupond").login()
    asked = {"userName": "mdupond", "password": agent.account.password}
    assert agent.post("/SOGo/connect", asked).status == 404
    document = {"userName": "mdupond", "oldPassword": agent.account.password, "newPassword": "Un-nouveau-Mot2passe!"}
    assert agent.post(agent.own("changePassword"), document).status >= 400
    assert agent.request("GET", "/Microsoft-Server-ActiveSync", basic=True).status == 404
    assert visit("mdupond").enters()


def test_colleagues_see_that_one_is_busy_and_nothing_more(pair):
    owner, colleague = pair
    uid, tomorrow = token(), datetime.datetime.now(PARIS).date() + datetime.timedelta(days=1)
    day = f"{tomorrow:%Y%m%d}"
    text = event(uid, "Rendez-vous chez le médecin", start=f"{day}T090000", end=f"{day}T100000")
    assert owner.put(f"{CALENDAR}/{uid}.ics", text, ICS) == 201
    busy = colleague.fetch("freebusy.ifb", owner.account.uid)
    assert busy.status == 200
    assert re.search(rf"FREEBUSY;FBTYPE=BUSY:{day}T0[78]0000Z", busy.text), busy.text
    assert "médecin" not in busy.text
    assert "médecin" not in colleague.fetch(f"{CALENDAR}/{uid}.ics", owner.account.uid).text
    assert colleague.put(f"{CALENDAR}/{uid}.ics", event(uid, "Piraté"), ICS, owner.account.uid) == 403
    assert colleague.delete(f"{CALENDAR}/{uid}.ics", owner.account.uid) == 403
    assert colleague.propfind(CONTACTS, owner.account.uid).status in (403, 404)
    assert owner.request("GET", owner.dav("freebusy.ifb")).status == 401, "without a name, nothing"


def test_who_is_invited_gets_the_event_and_a_message(pair, mail, wait_for):
    owner, guest = pair
    uid = token()
    # An agenda is made at its owner's first visit.
    assert guest.propfind(CALENDAR).status == 207
    invited = event(
        uid,
        f"Réunion {uid}",
        f"ORGANIZER;CN=Zoë:mailto:{owner.account.mail}",
        f"ATTENDEE;CN=Zoë;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{guest.account.mail}",
    )
    assert owner.put(f"{CALENDAR}/{uid}.ics", invited, ICS) == 201
    message = mail.arrived(guest.account, INVITATION)
    assert b"text/calendar" in message
    subject = email.header.make_header(email.header.decode_header(email.message_from_bytes(message)["Subject"]))
    assert str(subject) == f"Invitation à la réunion\u00a0: «\u00a0Réunion {uid}\u00a0»"
    name = wait_for(lambda: re.search(r"[^/>]+[.]ics", guest.propfind(CALENDAR).text))[0]
    assert f"Réunion {uid}" in guest.fetch(f"{CALENDAR}/{name}").text


@pytest.mark.full
def test_the_other_class_has_no_agenda_here_and_is_invited_by_mail(people, visit, mail, mail1):
    owner = visit(people.agent(profile="convergence"))
    other = visit(people.agent(profile="roundcube"))
    uid = token()
    assert not other.enters()
    assert other.propfind(CALENDAR).status == 404, "its agenda is elsewhere"
    invited = event(
        uid,
        f"Réunion {uid}",
        f"ORGANIZER:mailto:{owner.account.mail}",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{other.account.mail}",
    )
    assert owner.put(f"{CALENDAR}/{uid}.ics", invited, ICS) == 201
    assert b"METHOD:REQUEST" in decoded(mail.arrived(other.account, INVITATION))
    assert owner.fetch(f"{CALENDAR}/{uid}.ics").status == 200
    owners = sql(mail1, "select c_path2 from sogo_folder_info").split()
    assert owner.account.uid in owners
    assert other.account.uid not in owners, "a second agenda was made for an agent who has one elsewhere"


def sql(mail1, query):
    return mail1.check_output("runuser -u sogo -- psql -AtX sogo -c %s", query)


def decoded(message):
    """The text of every part."""
    parts = email.message_from_bytes(message).walk()
    return b"\n".join(part.get_payload(decode=True) or b"" for part in parts if not part.is_multipart())


def test_an_agenda_is_shared_between_two_agents(pair):
    owner, colleague = pair
    uid = token()
    assert owner.put(f"{CALENDAR}/{uid}.ics", event(uid, "Séance partagée"), ICS) == 201
    owner.login()
    added = owner.get(owner.own(f"{CALENDAR}/addUserInAcls?uid={colleague.account.uid}"))
    assert added.status in (200, 204), added.text
    first = colleague.fetch(f"{CALENDAR}/{uid}.ics", owner.account.uid).text
    assert "Séance partagée" not in first, "a share begins with the hours alone"
    assert "20300115T090000" in first
    rights = [{"uid": colleague.account.uid, "c_email": colleague.account.mail, "rights": {"Public": "Viewer"}}]
    saved = owner.post(owner.own(f"{CALENDAR}/saveUserRights"), rights)
    assert saved.status in (200, 204), saved.text
    assert "Séance partagée" in colleague.fetch(f"{CALENDAR}/{uid}.ics", owner.account.uid).text
    assert colleague.put(f"{CALENDAR}/{uid}.ics", event(uid, "Piraté"), ICS, owner.account.uid) == 403


def found(agent, text):
    """The addresses that the address book gives for a text."""
    answer = agent.get(agent.own(f"Contacts/allContactSearch?search={text}&excludeGroups=0&excludeLists=0"))
    assert answer.status == 200, answer.text
    return {one["value"] for contact in answer.json()["contacts"] for one in contact["emails"]}


def test_the_address_book_has_everybody_but_the_hidden(visit):
    agent = visit("mdupond").login()
    assert "aicha.benali-morel@ac-exemple.test" in found(agent, "Benali"), "the other class can be written to"
    assert "ce.9990001x@ac-exemple.test" in found(agent, "Tilleuls"), "so can the boxes of a function"
    assert found(agent, "probe") == set()
    assert visit("probe1").enters(), "hidden, but the probe logs in"


@pytest.mark.full
def test_an_absence_is_a_filter_of_the_mail_store(pair, mail, site):
    absent, colleague = pair
    absent.login()
    today = datetime.datetime.now(PARIS).date()
    end = int(datetime.datetime.combine(today + datetime.timedelta(days=3), datetime.time(), PARIS).timestamp())
    defaults = absent.get(absent.own("jsonDefaults")).json()
    defaults["Vacation"] = {
        "enabled": 1,
        "endDateEnabled": 1,
        "endDate": end,
        "autoReplyText": "Je suis absente jusqu’à la fin de l’été.",
        "daysBetweenResponse": 7,
        "autoReplyEmailAddresses": [absent.account.mail],
    }
    saved = absent.post(absent.own("Preferences/save"), {"defaults": defaults, "settings": {}})
    assert saved.status == 200, saved.text
    assert [name for name, active in mail.sieve(absent.account).scripts().items() if active] == ["sogo"]
    script = site.run("mail1", f"cat /srv/mail/*/{absent.account.uid}/sieve/sogo.sieve")
    assert "vacation" in script
    assert "currentdate" in script, "its end is in the filter: no job with power over all mailboxes is needed"
    word = token()
    message = compose(colleague.account.mail, absent.account.mail, word)
    assert mail.submit(colleague.account, colleague.account.mail, absent.account.mail, message).accepted
    reply = decoded(mail.arrived(colleague.account, word)).decode()
    assert "jusqu’à la fin de l’été" in reply


@pytest.mark.full
def test_a_reminder_is_sent_by_mail(pair, mail, mail1, wait_for):
    owner, _ = pair
    uid, start = token(), datetime.datetime.now(PARIS) + datetime.timedelta(minutes=10, seconds=10)
    alarm = ["BEGIN:VALARM", "ACTION:EMAIL", "TRIGGER:-PT10M", f"ATTENDEE:mailto:{owner.account.mail}"]
    alarm += [f"SUMMARY:Rappel {uid}", "DESCRIPTION:Rappel", "END:VALARM"]
    stop = start + datetime.timedelta(hours=1)
    text = event(uid, f"Conseil {uid}", *alarm, start=f"{start:%Y%m%dT%H%M%S}", end=f"{stop:%Y%m%dT%H%M%S}")
    assert owner.put(f"{CALENDAR}/{uid}.ics", text, ICS) == 201
    # It is due in some seconds. The job looks every two minutes, and here as soon as another look may find it.

    def told() -> str:
        # So often that systemd would think that it fails.
        mail1.check_output("systemctl reset-failed malleposte-sogo-reminders.service")
        mail1.check_output("systemctl start malleposte-sogo-reminders.service")
        return mail1.run(f"doveadm search -u {owner.account.uid} mailbox INBOX header subject {uid}").stdout.strip()

    wait_for(told, 200)
    assert mail.arrived(owner.account, uid)


@pytest.mark.full
def test_a_rush_of_pages_is_served_over_a_few_connections(site, mail1):
    """At eight in the morning. SOGo is asked itself, as its front asks it."""
    url = "http://127.0.0.1:20000/SOGo/so/mdupond/jsonDefaults"
    curl = "curl -s -A Firefox/140 -o /dev/null -w '%{http_code}\\n' -H 'x-webobjects-remote-user: mdupond'"
    many = f"seq 120 | xargs -P 4 -IN setpriv --reuid www-data --clear-groups {curl} {url} | sort | uniq -c"
    assert site.run("mail1", many).split() == ["120", "200"]
    assert int(sql(mail1, "select count(*) from pg_stat_activity where datname = 'sogo'")) < 50


@pytest.mark.parametrize("place", ["groupware", pytest.param("dav", marks=pytest.mark.full)])
def test_a_device_in_the_inbox_of_invitations_keeps_no_connection(people, visit, mail1, place):
    """Each look into it kept one of the database for ever: a worker that had fifty answered nobody any more."""
    agent = visit(people.agent(profile="convergence"))
    agent.host = place
    inbox, sent = "Calendar/inbox/", {"Depth": "1", "Content-Type": "text/xml"}
    assert agent.propfind("Calendar/").status == 207
    for other in (f"{inbox}x.ics", "Calendar//inbox/x.ics", "Calendar/in%62ox/x.ics"):
        assert agent.put(other, event("x", "Perdu"), ICS) == 403, other

    def connections(looks: int) -> int:
        """The connections whose last question was for this agent, after further looks: a worker has a few for good."""
        for _ in range(looks):
            assert "schedule-inbox" in agent.propfind(inbox).text
            assert agent.request("REPORT", agent.dav(inbox), SYNC, basic=True, headers=sent).status == 403
        asked = f"datname = 'sogo' and query like '%''{agent.account.uid}''%'"
        return int(sql(mail1, f"select count(*) from pg_stat_activity where {asked}"))

    assert connections(5) + 5 > connections(10)
    assert agent.put(f"{CALENDAR}/y.ics", event("y", "Gardé"), ICS) == 201


def test_ten_tables_whatever_the_number_of_agents(mail1):
    every = sql(mail1, "select tablename from pg_tables where schemaname = 'public'").split()
    names = {name for name in every if not name.startswith("malleposte_")}  # those of our own jobs
    assert len(names) == 10, names
    assert all(name.startswith("sogo_") for name in names)


def test_its_configuration_is_read_by_nobody_else(site, mail1):
    for name in ("sogo.conf", "reminders.conf"):
        file = mail1.file(f"/etc/sogo/{name}")
        assert (file.mode, file.user, file.group) == (0o640, "root", "sogo")
        assert site.secret("ldap-sogo") in file.content_string


def test_only_the_web_server_reaches_it(mail1, site):
    """It believes whom its front names: with that name alone, nobody else may speak to it."""
    assert "127.0.0.1:20000" in mail1.check_output("ss -Hlnt sport = 20000")
    assert len(mail1.check_output("ss -Hlnt sport = 20000").splitlines()) == 1
    named = "curl -s -A Firefox/140 -o /dev/null -w '%{http_code}' -H 'x-webobjects-remote-user: mdupond'"
    ask = f"{named} http://127.0.0.1:20000/SOGo/so/mdupond/jsonDefaults"
    for user in ("root", "nobody", "roundcube", "sogo", "dav-router", "radicale", "vmail"):
        refused = mail1.run(f"setpriv --reuid {user} --clear-groups {ask}")
        assert (refused.rc, refused.stdout) == (7, "000"), user
    assert mail1.check_output(f"setpriv --reuid www-data --clear-groups {ask}") == "200"
    far = f"curl -s -m 5 -o /dev/null http://{site.address('mail1')}:20000/SOGo/"
    assert site.run("pia1", f"{far}; echo $?").strip() in ("7", "28")
    assert "malleposte-local-ports.service" in mail1.check_output("systemctl show -p Requires --value sogo.service")


def test_a_name_from_outside_is_no_name(visit):
    """Headers that only the front may send, sent by a visitor, an agent and a device."""
    headers = {"x-webobjects-remote-user": "elefevre", "x-webobjects-auth-type": "Basic"}
    agent, own = visit("mdupond"), "/SOGo/so/elefevre/jsonDefaults"
    assert agent.request("GET", own, headers=headers).status == 302
    assert agent.request("GET", "/SOGo/dav/elefevre/", headers=headers).status == 401
    theirs = "/SOGo/dav/elefevre/Contacts/personal/"
    assert agent.request("PROPFIND", theirs, basic=True, headers=headers).status in (403, 404)
    agent.login()
    assert agent.request("GET", "/SOGo/so/mdupond/jsonDefaults", headers=headers).status == 200
    where = agent.request("GET", "/SOGo/", headers=headers).header("Location")[0]
    assert "mdupond" in where and "elefevre" not in where


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ('s#^  SOGoTimeZone = .*#  SOGoTimeZone = "Mars/Olympe";#', "Mars/Olympe"),
        ('s#bindPassword = "#&faux#', "Could not bind to the LDAP server"),
        ("s#:5432/sogo/#:5432/absente/#", "could not open channel"),
        ("s#WOPort = .*#WOPort = #", "Cannot read configuration"),
    ],
)
def test_the_check_refuses_what_would_not_work(mail1, change, reason):
    path = mail1.check_output("mktemp")
    mail1.check_output(f"sed '{change}' /etc/sogo/sogo.conf > {path}")
    refused = mail1.run(f"malleposte run sogo-check --group memcache {path}")
    mail1.run(f"rm -f {path}")
    assert refused.rc == 1
    assert reason in refused.stderr
    assert mail1.run("malleposte run sogo-check --group memcache /etc/sogo/sogo.conf").rc == 0
