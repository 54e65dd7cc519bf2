"""Schools: tenancy and the open scope."""
