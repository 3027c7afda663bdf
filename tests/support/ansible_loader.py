"""Ansible's own loader of collections, in the process of the tests."""

import os
from typing import Any

from malleposte.core.paths import ANSIBLE_CFG


def start() -> None:
    """Let Ansible find collections, with the repository's configuration. It comes before any import of
    `ansible_collections`: Python's own import of a plugin would hide the collection's filters from Ansible.
    """
    os.environ["ANSIBLE_CONFIG"] = str(ANSIBLE_CFG)
    from ansible.plugins.loader import init_plugin_loader  # reads the configuration when imported

    init_plugin_loader()
    compile_once()


def compile_once() -> None:
    """Let Ansible compile a template's text once in this process.

    Tests read one inventory hundreds of times, and its templates are compiled anew for each: two fifths of their time.
    The code depends on the text and on the lexer's settings alone, since Ansible switches Jinja's optimizer off.
    """
    from ansible._internal._templating import _jinja_bits as bits

    compiled: dict[Any, Any] = {}
    original = bits.AnsibleEnvironment.compile

    def once(self: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(source, str) or args or any(kwargs.values()) or self.optimized:
            return original(self, source, *args, **kwargs)
        context = bits._TemplateCompileContext.current(optional=True)
        settings = tuple(getattr(self, name) for name in bits._TEMPLATE_OVERRIDE_FIELD_NAMES)
        key = (str(source), bool(context and context.escape_backslashes), settings)
        if key not in compiled:
            compiled[key] = original(self, source, **kwargs)
        return compiled[key]

    bits.AnsibleEnvironment.compile = once
