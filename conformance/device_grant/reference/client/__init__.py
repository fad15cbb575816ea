"""The reference client: small, honest, both dialects; and its named faults, which prove the checks on clients."""
