"""Upload a file in parts, several at a time, and nothing else: upload_obstore.py FILE URL"""

import sys
import uuid
from pathlib import Path

import obstore
from obstore.store import S3Store

path, url = sys.argv[1:3]
client = S3Store("shop-features", endpoint=url, region="us-east-1", client_options={"allow_http": True})
obstore.put(client, uuid.uuid4().hex, Path(path), chunk_size=8 * 2**20, max_concurrency=8)
