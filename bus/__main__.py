"""`python -m bus` is `bus`."""

from bus.cli import main

main()
