"""`python -m aeverify` is the `aeverify` command."""

from aeverify.cli import main

if __name__ == "__main__":
    main()
