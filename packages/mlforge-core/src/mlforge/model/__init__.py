"""The nouns: frozen structs without I/O, clock or plugin."""
