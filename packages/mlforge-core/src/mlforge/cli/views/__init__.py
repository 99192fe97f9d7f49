"""Views: what each answer looks like, to people on a terminal and to programs as JSON."""
