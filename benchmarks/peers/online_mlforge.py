"""The same with mlforge, whose project it is: online_mlforge.py publish|build DIR [twice]"""

import json
import os
import runpy
import sys
import time


def main():
    verb, folder, *more = sys.argv[1:]
    os.chdir(folder)
    defs = runpy.run_path("definitions.py")["defs"]
    if more == ["twice"]:
        defs.publish().raise_for_failure()
    wall, processor = time.perf_counter(), time.process_time()
    publish(defs, verb).raise_for_failure()
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processor}))


def publish(defs, verb):
    """Every entity of every feature."""
    return defs.publish(force=True) if verb == "publish" else defs.build(force=True, online=True, preview=False)


main()
