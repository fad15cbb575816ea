"""The commands on results that exist: other forms of them, shards made one, two runs compared."""
