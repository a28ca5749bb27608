"""Nothing has to be computed for what passes by itself."""
