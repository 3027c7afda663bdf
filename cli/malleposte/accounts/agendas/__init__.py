"""Agendas and contacts: their stores, and their move with the owner's class of service.

Each class keeps them in stores of its own: SOGo's database, or Radicale's files with Roundcube's address book. At a
change of class they move: what the old stores hold goes to the new ones, and leaves the old ones once it is there.
"""

from malleposte.accounts.agendas.model import Agendas, Collection, Item, Kind, Place, Store
from malleposte.accounts.agendas.move import Moved, Stores, astray, move

__all__ = ["Agendas", "Collection", "Item", "Kind", "Moved", "Place", "Store", "Stores", "astray", "move"]
