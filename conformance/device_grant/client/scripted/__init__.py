"""The scripted authorization server that clients are run against: honest, except where a script says otherwise."""
