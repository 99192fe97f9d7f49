"""What this plugin is."""
