"""Expressions: conditions, updates and projections as values, and what is done with them, one purpose a file."""
