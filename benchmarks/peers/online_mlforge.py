"""The same with mlforge, whose project it is: online_mlforge.py publish|build DIR"""

import json
import os
import runpy
import sys
import time


def main():
    verb, folder = sys.argv[1:]
    os.chdir(folder)
    defs = runpy.run_path("definitions.py")["defs"]
    wall, processor = time.perf_counter(), time.process_time()
    found = defs.publish() if verb == "publish" else defs.build(force=True, online=True, preview=False)
    found.raise_for_failure()
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processor}))


main()
