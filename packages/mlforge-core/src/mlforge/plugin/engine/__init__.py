"""The engine contract: what engines do, and what all of them must say or decide alike."""
