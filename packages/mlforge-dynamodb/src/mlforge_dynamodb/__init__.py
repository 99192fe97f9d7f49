"""The DynamoDB online store of mlforge: features served from a table of Amazon DynamoDB."""
