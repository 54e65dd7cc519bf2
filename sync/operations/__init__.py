"""What changes in the room of syncs: `connections.connect(…)`, `runs.perform(…)`, `pulls.purge(…)` and their like."""
