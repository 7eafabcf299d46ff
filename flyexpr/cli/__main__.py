"""`python -m flyexpr.cli` is `flyexpr`."""

from flyexpr.cli import main

main()
