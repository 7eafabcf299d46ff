"""Puts, updates, queries and searches that repeat an earlier one with other values, so that little of them is read."""
