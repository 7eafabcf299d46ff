"""Readers of what is set on a table besides its definition, and of what a table is asked in passing."""
