"""The stores that come with the core. They enter by the door that every plugin uses."""
