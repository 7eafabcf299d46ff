"""Queries and scans, page by page: what to ask for next, what an answer gives, and where a later read goes on."""
