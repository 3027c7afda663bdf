"""The pages, as an agent uses them in a browser."""
