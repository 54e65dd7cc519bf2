"""Letters to people: e-mail today. Whoever is above writes one; a worker delivers it."""
