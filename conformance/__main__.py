"""`python -m conformance` is `device-grant`."""

from conformance.cli import main

if __name__ == "__main__":
    main()
