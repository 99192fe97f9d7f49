"""The same with mlforge, whose project it is: online_mlforge.py publish|build DIR [PORT]"""

import json
import os
import runpy
import sys
import time

from redis import Redis


def main():
    verb, folder, *port = sys.argv[1:]
    os.chdir(folder)
    defs = runpy.run_path("definitions.py")["defs"]
    if port:
        publish(defs, verb)
        Redis(port=int(*port)).flushall()
    wall, processor = time.perf_counter(), time.process_time()
    publish(defs, verb)
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processor}))


def publish(defs, verb):
    """What is built, or what is built now."""
    found = defs.publish() if verb == "publish" else defs.build(force=True, online=True, preview=False)
    found.raise_for_failure()


main()
