"""A request, from its body to the intent that the operations carry out. Nothing here looks at a table."""
