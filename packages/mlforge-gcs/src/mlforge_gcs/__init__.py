"""The Google Cloud Storage offline store of mlforge: versions of features in a bucket."""
