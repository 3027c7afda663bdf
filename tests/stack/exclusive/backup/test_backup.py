"""A backup server that is down does not stop the backups to the others."""

import json
import time


def listed(mail1, vault, source):
    return json.loads(mail1.check_output(f"malleposte backup list --json --vault {vault} --source {source}"))[
        "archives"
    ]


def test_a_dead_vault_stops_no_other(site, mail1):
    site.lab.kill(["vault2"])
    try:
        begun = time.time()
        done = mail1.run("malleposte backup run --source ldap")
        assert done.rc == 1
        assert "vault2 lacks ldap: cannot be reached" in done.stderr
        (newest, *_older) = listed(mail1, "vault1", "ldap")
        assert newest["start"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begun - 2))
        mail1.run("systemctl start malleposte-backup.service")
        assert mail1.check_output("systemctl show -p Result --value malleposte-backup.service") == "exit-code"
        assert "vault2" in mail1.check_output("journalctl -u malleposte-backup -o cat -n 5")
    finally:
        site.lab.start(["vault2"])
        mail1.run("systemctl reset-failed malleposte-backup.service")
        mail1.check_output("malleposte backup run --vault vault2")
