"""Training code of the default show-and-tell model."""
