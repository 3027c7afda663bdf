"""Agendas and contacts: their stores, and their move with the owner's class of service.

Each class keeps them in stores of its own: SOGo's database, or Radicale's files with Roundcube's address book. At a
change of class they move: what the old stores hold goes to the new ones, and leaves the old ones once it is there.
"""

from malleposte.accounts.agendas.model import Collection, Item, Kind, Store
from malleposte.accounts.agendas.move import Moved, Stores, astray, move

__all__ = ["Collection", "Item", "Kind", "Moved", "Store", "Stores", "astray", "move"]
