"""Puts and updates of which the most was read before: the patterns of items, and the texts around values."""
