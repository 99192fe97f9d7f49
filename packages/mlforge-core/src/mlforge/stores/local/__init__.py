"""The offline store in a folder of this machine."""
