"""Expressions: conditions, updates and projections as values, and one purpose a file that works on them."""
