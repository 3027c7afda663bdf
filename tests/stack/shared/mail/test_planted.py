"""Files planted in the stores by their users open nothing of root's, whatever an operator then does to the account."""

import base64
import io
import zipfile
from collections.abc import Callable

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.dav import Device, events, first, put_event
from tests.stack.support.mail import Mail
from tests.stack.support.site import Site

HOST = "mail1"
# A file of the test's own, as /etc/shadow is: other tests make users meanwhile.
OURS = "/etc/essai-secret"
MARK = "contenu-de-root"
STAT = f"stat -c '%U %G %a %h %s' {OURS}; sha256sum <{OURS}"


def as_user(site: Site, user: str, script: str) -> str:
    """A script as another user of the host."""
    return site.run(HOST, f"cd / && runuser -u {user} -- sh -eu -s", given=script)


def test_links_that_the_stores_users_plant_lead_nowhere(site: Site, mail: Mail, device: Callable[..., Device]) -> None:
    dav = device(profile="roundcube")
    uid = dav.account.uid
    _, agendas, _ = dav.discover()
    put_event(dav, first(agendas), "honnete", "Conseil d’été")
    sieve = mail.sieve(dav.account)
    sieve.put("honnete", 'redirect "ami@lointain.test";\n')
    sieve.put("roundcube", "keep;\n")
    sieve.activate("roundcube")
    mail.close()
    site.run(HOST, f"install -m 0640 -o root -g shadow /dev/stdin {OURS}", given=f"{MARK}\n")
    before = site.run(HOST, STAT)
    home = site.run(HOST, f"doveadm user -f home {uid}").strip()
    base = f"/var/lib/radicale/collections/collection-root/{uid}"
    as_user(
        site,
        "vmail",
        f"""
cd {home}
mkdir -p Maildir/cur sieve
ln -sf {OURS} sieve/roundcube.sieve
ln -sf {OURS} carried.sieve
ln -sf {OURS} senders.sieve
ln -s {OURS} 'Maildir/cur/1.essai,S=9:2,S'
ln -s /root Maildir/.Racine
mkfifo 'Maildir/cur/2.essai,S=9:2,S'
! ln {OURS} dur
""",
    )
    as_user(site, "radicale", f"cd {base}/agenda && ln -s {OURS} lien.ics && ln -s /root ../racine && mkfifo tube.ics")
    cli = Cli(site)

    done = site.run(HOST, f"malleposte accounts export {uid} --out /root/essai-{uid}.zip; base64 /root/essai-{uid}.zip")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(done))) as made:
        texts = {name: made.read(name).decode("utf-8", "replace") for name in made.namelist()}
    assert not [name for name, text in texts.items() if MARK in text]
    assert any("ami@lointain.test" in text for text in texts.values())
    assert any("Conseil d’été" in text for text in texts.values())
    assert cli.json("show", uid)["forwards"] == []

    moved = cli.json("profile", uid, "convergence")
    assert moved["failures"] == [] and moved["moved"]["agenda"] == 1
    assert ["Conseil d’été"] in events(dav).values()
    assert site.run(HOST, STAT) == before
    assert site.run(HOST, f"ls -A {home}").split().count("carried.sieve") == 0, "no filter was in force"
    strangers = site.run(HOST, f"find {home} {base} ! -user vmail ! -user radicale -print")
    assert strangers == ""
    site.run(HOST, f"rm -f /root/essai-{uid}.zip {OURS}")
