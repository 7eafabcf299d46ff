"""Puts and updates that repeat an earlier one with other values: they are not read as a whole again."""
