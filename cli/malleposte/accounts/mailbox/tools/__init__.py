"""Tools around mail: a label or a rule of the agent makes a card, a page, an alert or a signed call elsewhere."""
