"""Sends what mlforge builds, publishes and retrieves to OpenTelemetry, as spans and metrics."""
