"""The S3 offline store of mlforge: versions of features in a bucket of Amazon S3, or of what speaks its protocol."""
