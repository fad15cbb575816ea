"""The reference authorization server: both dialects, served from memory by a Starlette application."""
