"""flyexpr beside its peers, measured: `python -m bench`, or `make bench`, which makes an environment of its own.

Every library works in a process of its own on the same canned answers; in each round each of them runs once, in random
order, and only one runs at a time. What is reported is the median over the rounds of the ratio within a round, of CPU
time unless it says wall: times drift on a shared machine, ratios within a round hardly do.
"""
