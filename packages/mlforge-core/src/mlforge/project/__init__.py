"""What the user has: definitions, profiles, and the choice of features."""
