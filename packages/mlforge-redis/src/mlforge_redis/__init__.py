"""The Redis online store of mlforge: features served from Redis or Valkey, one server, by Sentinels or a cluster."""
