"""The Spark engine of mlforge: features where one machine is not enough."""
