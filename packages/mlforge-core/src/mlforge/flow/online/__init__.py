"""Online: publishing versions, reading what is served, and replaying it against what a training set would have."""
