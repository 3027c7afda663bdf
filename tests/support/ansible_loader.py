"""Ansible's own loader of collections, in the process of the tests."""

import os
from typing import Any

from malleposte.core.paths import ANSIBLE_CFG, ROOT

MANY = 100
"""Variables of a host at least; other mappings are smaller."""
RECENT = 16
"""The hosts whose variables are kept."""


def start() -> None:
    """Let Ansible find collections, with the repository's configuration. It comes before any import of
    `ansible_collections`: Python's own import of a plugin would hide the collection's filters from Ansible.
    """
    os.environ["ANSIBLE_CONFIG"] = str(ANSIBLE_CFG)
    from ansible.plugins.loader import init_plugin_loader  # reads the configuration when imported

    init_plugin_loader()
    compile_once()
    read_once()
    wrap_once()


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


def read_once() -> None:
    """Let Ansible parse a text below `playbooks` once in this process: each inventory has them all."""
    from ansible._internal._datatag._tags import TrustedAsTemplate
    from ansible.parsing.dataloader import DataLoader

    parsed: dict[Any, Any] = {}
    original = DataLoader.load

    def once(self: Any, data: str, file_name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if not str(file_name).startswith(f"{ROOT}/playbooks/"):
            return original(self, data, file_name, *args, **kwargs)
        key = (str(data), file_name, TrustedAsTemplate.is_tagged_on(data), args, tuple(kwargs.items()))
        if key not in parsed:
            parsed[key] = original(self, data, file_name, *args, **kwargs)
        return parsed[key]

    DataLoader.load = once


def wrap_once() -> None:
    """Let Ansible mark the variables of a host as not yet templated once, not for each template that it renders.

    The marks hold a variable and nothing else; each rendering has a dictionary of its own, to which they are copied.
    """
    from ansible._internal._templating import _lazy_containers as lazy

    recent: dict[int, tuple[Any, dict[Any, Any]]] = {}
    original = lazy._AnsibleLazyTemplateDict._lazy_values

    def once(values: dict[Any, Any], lazy_options: Any) -> Any:
        if len(values) < MANY:
            return original(values, lazy_options)
        variables, marked = recent.get(id(values), (None, {}))
        if variables is not values or len(marked) != len(values):
            if len(recent) >= RECENT:
                recent.clear()
            marked = {key: lazy._LazyValue(value) for key, value in values.items()}
            recent[id(values)] = (values, marked)
        templar = lazy.TemplateContext.current().templar
        return lazy._LazyValueSource(source=marked, templar=templar, lazy_options=lazy_options)

    lazy._AnsibleLazyTemplateDict._lazy_values = staticmethod(once)
