"""Invitations as Roundcube reads them, on the host of the webmail: a stranger has written them."""

import json
import shlex

from tests.stack.support.site import Site

FILE = "/var/lib/roundcube/plugins/agents_mail/invitation.php"
PARTS = """
class rcube_utils { static function check_email($address, $dns) { return str_contains($address, '@'); } }
require $argv[1];
foreach (json_decode(stream_get_contents(STDIN)) as $line) {
    $one = new agents_invitation("BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\n$line\nEND:VEVENT\nEND:VCALENDAR\n");
    echo json_encode([$one->invited(['chef@x.test']), $one->organizer(), $one->link()], JSON_UNESCAPED_SLASHES), "\n";
}
"""
LINES: dict[str, list[str]] = {
    "ATTENDEE;CN=Chef:mailto:Chef@x.test": ["chef@x.test", "", ""],
    'ATTENDEE;CN="A:mailto:b@x.test":MAILTO:chef@x.test': ["", "", ""],
    "ATTENDEE:mailto:chef@x.test x": ["", "", ""],
    "ORGANIZER;CN=Le chef:mailto:chef@x.test": ["", "chef@x.test", ""],
    "URL;VALUE=URI:https://visio.x.test/a?b=c": ["", "", "https://visio.x.test/a?b=c"],
    'URL:https://visio.x.test/a"b': ["", "", ""],
    "ATTENDEE" + ":mailto:" * 30_000 + " x": ["", "", ""],
    "ORGANIZER" + ":mailto:" * 30_000 + " x": ["", "", ""],
    "URL" + ":http://" * 30_000 + " x": ["", "", ""],
}


def test_an_invitation_costs_little_whatever_a_stranger_wrote(site: Site) -> None:
    """Without the compiler of expressions, which the role turns off: the longest line took minutes of processor."""
    php = shlex.join(
        ["timeout", "60", "php", "-n", "-d", "pcre.jit=0", "-d", "extension=mbstring", "-r", PARTS, "--", FILE]
    )
    said = site.run(site.host_of("web"), php, given=json.dumps([*LINES]))
    assert [json.loads(line) for line in said.splitlines()] == [*LINES.values()]
