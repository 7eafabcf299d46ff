"""What happened to an item: changes as values, the conditions that ask about them, and where changes come from."""
