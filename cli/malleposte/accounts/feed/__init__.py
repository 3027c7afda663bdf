"""Feeds of the HR systems: a file is decoded, its columns named, its rows judged one by one.

``table``     bytes to cells: encodings and separators of CSV files, XLSX through ``workbook``
``columns``   what each column is, by its French name or a mapping
``values``    one cell: canonical form, or the cause of its refusal
``records``   one row: a person, a school or a list, or the reasons why not
``rejects``   the file of refused rows
"""

from malleposte.accounts.feed.records import Feed, ListRow, Person, Problem, Reject, RoomRow, School, read

__all__ = ["Feed", "ListRow", "Person", "Problem", "Reject", "RoomRow", "School", "read"]
