"""What changes in the room of syncs: `connections.connect(…)`, `runs.request(…)`, `runs.perform(…)`."""
