"""What tokens are worth once they are issued."""
