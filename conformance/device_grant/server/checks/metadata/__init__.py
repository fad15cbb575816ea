"""What a server publishes about itself, and whether it keeps to it."""
