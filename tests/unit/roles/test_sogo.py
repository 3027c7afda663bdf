"""SOGo's configuration: each secret has one purpose; agendas have colours on which white text can be read."""

import re

import yaml
from malleposte.core.paths import ROOT

from tests.support.contrast import contrast

SCRIPT = ROOT / "roles/sogo/templates/usr/share/GNUstep/SOGo/WebServerResources/js/malleposte.js.j2"
PURPOSES = ("SOGoEncryptionKey", "SOGoJWTSecret")


def test_the_key_of_encryption_signs_no_token() -> None:
    text = (ROOT / "roles/sogo/vars/main.yml").read_text("utf-8")
    variables = [
        line.partition("{{")[2].strip(' }"') for name in PURPOSES for line in text.splitlines() if name in line
    ]
    wiring = yaml.safe_load((ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8"))
    secrets = [wiring[name] for name in variables]
    assert len(secrets) == len(PURPOSES) and all("secret" in one for one in secrets)
    assert len(set(secrets)) == len(PURPOSES)


def test_agendas_have_colours_on_which_white_text_can_be_read() -> None:
    line = next(line for line in SCRIPT.read_text("utf-8").splitlines() if "var shades" in line)
    shades = re.findall("#[0-9a-f]{6}", line)
    assert len(shades) == 8
    weak = [one for one in shades if contrast(bytes.fromhex(one[1:]), (255, 255, 255)) < 4.5]
    assert weak == []
