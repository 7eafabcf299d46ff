"""A request read: its members by their rules, its values and its expressions. Nothing here looks at a table's rows."""
