"""`python -m reprocheck` is the same as the `reprocheck` command."""

from reprocheck.cli.main import main

main()
