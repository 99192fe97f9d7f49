"""Ask `mlforge serve` for features, with nothing but Python. client.py URL FEATURES KEY=VALUE..."""

import json
import os
import sys
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit


class Refused(Exception):
    """What the server did not answer, and the way out."""


class Features:
    """A connection that is kept: opening one for each request would take longer than the request."""

    def __init__(self, url, key=None):
        place = urlsplit(url)
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        self._connection = kind(place.hostname, place.port, timeout=5)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def online(self, features, **entity):
        """The values of one entity, and how good each feature's are."""
        answer = self._ask("/features/online", {"features": features, "entity": entity})
        return answer["values"], answer["status"]

    def batch(self, features, entities):
        """The values of many entities, in order, and how good they are."""
        answer = self._ask("/features/batch", {"features": features, "entities": entities})
        return answer["values"], answer["status"]

    def _ask(self, path, document):
        body = json.dumps(document).encode()
        try:
            answer = self._send(path, body)
        except ConnectionError:  # the server closed a connection that was idle: once more, on a new one
            self._connection.close()
            answer = self._send(path, body)
        said = json.loads(answer.read())
        if answer.status != 200:
            raise Refused(f"{said['detail']} {said['hint']}")
        return said

    def _send(self, path, body):
        self._connection.request("POST", path, body, self._headers)
        return self._connection.getresponse()


def main(url, names, *words):
    """Print what is served of one entity. Values that are JSON, such as 1, are taken as such."""
    entity = {name: plain(text) for name, _, text in (word.partition("=") for word in words)}
    try:
        values, status = Features(url, os.environ.get("MLFORGE_KEY")).online(names.split(","), **entity)
    except (Refused, OSError) as problem:
        return f"Error: {problem}"
    for name, value in (values | status).items():
        print(f"{name:32} {value}")
    return 0


def plain(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
