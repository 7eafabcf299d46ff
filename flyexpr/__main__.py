"""`python -m flyexpr` is `flyexpr`."""

from flyexpr.cli import main

if __name__ == "__main__":
    main()
