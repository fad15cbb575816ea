"""Active learning: the state machine that a server really has, inferred from its answers to sequences of inputs."""
