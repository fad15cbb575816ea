"""`python -m device_grant` is `device-grant`."""

from device_grant.cli import main

if __name__ == "__main__":
    main()
