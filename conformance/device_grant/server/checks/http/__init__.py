"""HTTP, encodings and malformed input, whatever the operation."""
