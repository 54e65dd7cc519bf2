"""Views and forms, one package per audience; the audiences are strangers to each other."""
