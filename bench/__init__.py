"""Compares the speed of flyexpr with that of other libraries: `python -m bench`, or `make bench` in a venv of its own.

Each library works in a process of its own on the same canned answers. In each round each of them runs once, in random
order, and only one runs at a time. The report gives the median over the rounds of the ratio within a round, of CPU time
unless it says wall: on a shared machine times drift, but ratios within a round hardly do.
"""
