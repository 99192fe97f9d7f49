"""A stranger's plugin for mlforge."""
