"""`device-grant matrix`: its members, their runs, and what is published of them."""
