"""Entry points of the package on a host, a line each: a program's name, and the module with its function `main`.

docs/architecture.md says what each does. `main` takes the words after the program's name and gives the exit code. The
role toolkit installs the package as one file; a unit or a daemon starts a program of it by
`python3 -I -B malleposte.pyz run NAME WORD...`.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence

PROGRAMS: Mapping[str, str] = {
    "accountd": "accountd.server",  # role accountd
    "archiving": "accounts.mailbox.archiving.nightly",  # role dovecot
    "authpolicy": "daemons.authpolicy",  # role authpolicy
    "calendars": "groupware.published.gathering",  # role calendars
    "circulars": "daemons.circulars",  # role circulars
    "dav-router": "daemons.dav_router.main",  # role dav
    "deliveries": "daemons.deliveries.main",  # role deliveries
    "dovecot-boxes": "accounts.mailbox.shared_boxes",  # role dovecot
    "dovecot-filed": "accounts.mailbox.filed",  # role dovecot
    "dovecot-nightly": "daemons.dovecot.nightly",  # role dovecot
    "dovecot-quota": "daemons.dovecot.quota",  # role dovecot
    "guard": "daemons.guard.main",  # role guard
    "guesses": "daemons.guesses",  # role fail2ban
    "hostd": "daemons.hostd",  # role hostd
    "hours": "accounts.mailbox.hours.mover",  # role dovecot
    "later": "accounts.mailbox.later.sender",  # role dovecot
    "later-order": "accounts.mailbox.later.order",  # role dovecot
    "later-submit": "accounts.mailbox.later.submit",  # role dovecot
    "lists": "lists.daemon",  # role lists
    "measures": "watch.run",  # role watch
    "owner-order": "accounts.mailbox.owners.order",  # role dovecot
    "owners": "accounts.mailbox.owners.keeper",  # role dovecot
    "pager": "daemons.pager",  # role pager
    "portal": "daemons.portal",  # role portal
    "portal-profile": "front.sign_profile",  # role portal
    "portal-states": "front.look_at_services",  # role portal
    "postfix-check": "adapters.postfix_check",  # role postfix
    "quarantine-digest": "daemons.deliveries.digest",  # role deliveries
    "quota-warning": "accounts.mailbox.quota_warning",  # role dovecot
    "radicale-busy": "groupware.busy_times",  # role radicale
    "radicale-calendars": "groupware.published.radicale",  # role radicale
    "radicale-check": "adapters.radicale_check",  # role radicale
    "radicale-reminders": "groupware.reminder_mails",  # role radicale
    "record": "daemons.record",  # role record
    "reports": "reports.daemon",  # role reports
    "report-message": "accounts.mailbox.report_message",  # role dovecot
    "siem": "siem.daemon",  # role siem
    "sogo-check": "adapters.sogo.check",  # role sogo
    "sogo-front": "daemons.sogo_front.main",  # role sogo
    "sogo-imap": "daemons.sogo_imap",  # role sogo
    "sogo-overlay": "adapters.sogo.overlay",  # role sogo
    "sogo-submission": "daemons.sogo_submission",  # role sogo
    "sogo-sync": "groupware.sogo.sync",  # role sogo
    "sso-prove": "daemons.sso_prove",  # role sso_prove
    "sso-tokens": "daemons.sso_tokens",  # role sso_tokens
    "tls-policy": "daemons.tls_policy",  # role mta_sts_resolver
    "tool-order": "accounts.mailbox.tools.order",  # role dovecot
    "tools": "accounts.mailbox.tools.keeper",  # role dovecot
    "tools-send": "accounts.mailbox.tools.send",  # role dovecot
    "updates": "fleet.updates_note",  # role toolkit
    "vault-probe": "daemons.vault_probe",  # role prober
    "watch-accounts": "accounts.watchers",  # role accounts
}
"""Modules without the name of the package, `malleposte`."""
WORLD: Mapping[str, str] = {
    "world-relay": "dev.world.world_relay",
    "world-sms": "dev.world.world_sms",
    "world-sso": "dev.world.world_sso",
    "world-tools": "dev.world.world_tools",
    "world-trust": "dev.world.world_trust",
}
"""Those of the lab's simulated world, in an archive of its own."""


def run(words: Sequence[str], table: Mapping[str, str] = PROGRAMS) -> int:
    """Run the program of a table that the first word names, and give its exit code; 2 where there is none."""
    name = words[0] if words else ""
    if name not in table:
        print(f"malleposte: no program is called {name!r}; see malleposte.programs", file=sys.stderr)
        return 2
    code = importlib.import_module(f"malleposte.{table[name]}").main(words[1:])
    assert isinstance(code, int)
    return code
