"""A folder of SOGo, an agenda or an address book, by its number in the tables: statements on the folder itself."""

from __future__ import annotations

from malleposte.accounts.agendas.sogo import quoted

QUICK = {"Calendar": "sogo_quick_appointment", "Contacts": "sogo_quick_contact"}
"""The table with the indexes of what a folder holds, by module."""

_TITLE = "UPDATE sogo_folder_info SET c_foldername = {title} WHERE c_folder_id = {id};"
_REMOVE = """BEGIN;
DELETE FROM {quick} WHERE c_folder_id = {id};
DELETE FROM sogo_store WHERE c_folder_id = {id};
DELETE FROM sogo_acl WHERE c_folder_id = {id};
DELETE FROM sogo_folder_info WHERE c_folder_id = {id};
COMMIT;"""


def entitle(number: int, title: str) -> str:
    """Give it another title."""
    return _TITLE.format(id=number, title=quoted(title))


def remove(number: int, module: str) -> str:
    """Remove it with all that it holds."""
    return _REMOVE.format(id=number, quick=QUICK[module])
