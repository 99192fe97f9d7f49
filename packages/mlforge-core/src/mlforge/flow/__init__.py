"""The verbs: plan, build, version, validate, retrieve. Planning is pure; then one straight run."""
