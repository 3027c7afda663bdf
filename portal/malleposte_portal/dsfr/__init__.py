"""The State's design system (Système de design de l'État): all of its markup, in templates and in widgets of WTForms.

A body that may not use it brings a folder of the same names.
"""

from malleposte_portal.dsfr.widgets import Checkbox, Input, Password, Radios, Textarea

__all__ = ["Checkbox", "Input", "Password", "Radios", "Textarea"]
