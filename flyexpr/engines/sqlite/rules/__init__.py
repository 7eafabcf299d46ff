"""The rules of the service: what a table asks of keys, items and reads, and what a write makes of an item."""
