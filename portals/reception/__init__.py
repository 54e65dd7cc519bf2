"""Pages of super users."""
