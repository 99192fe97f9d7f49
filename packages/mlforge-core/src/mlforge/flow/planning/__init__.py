"""Planning: who computes a feature and from what, refused before any work where the two do not fit."""
