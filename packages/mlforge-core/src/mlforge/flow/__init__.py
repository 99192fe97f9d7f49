"""The verbs, a room each: building, training, online and explaining; under them planning and versions.

What lies here directly is the ground of them all. Rooms of verbs do not import each other.
"""
