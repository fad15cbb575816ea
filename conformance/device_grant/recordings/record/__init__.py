"""Records a run: a target whose traffic, decisions and generated cases are kept."""
