"""SOGo follows the directory: agendas of rooms and boxes, books of schools, senders; offers of what is shared."""
