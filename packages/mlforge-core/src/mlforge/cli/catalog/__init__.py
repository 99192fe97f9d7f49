"""The catalog: a folder of pages about every feature, which needs neither a server nor a network."""
