"""The offline store in a bucket: what S3, Google Cloud Storage and their like have in common.

A plugin brings a `Bucket`, nine requests of its service; `LiveObjectStore` makes versions of them.
"""
