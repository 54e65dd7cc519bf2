"""What changes in the room of attendance."""
