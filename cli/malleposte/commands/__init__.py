"""The commands: each parses, calls the library, prints, and gives an exit code. No logic lives here."""
