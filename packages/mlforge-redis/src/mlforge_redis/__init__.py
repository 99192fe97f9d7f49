"""The Redis online store of mlforge: features served from Redis or Valkey, one server, behind Sentinels or a cluster."""
