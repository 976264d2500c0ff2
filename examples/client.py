"""Captions photographs over HTTP, with nothing but Python's own library.

    npx show-and-tell serve &
    python3 client.py http://127.0.0.1:8080 photo.jpg ...
"""

import json
import sys
import urllib.error
import urllib.request


def caption(server: str, photo: str) -> str:
    """The best caption of an image file. Raises HTTPError, whose body is a problem document."""
    with open(photo, "rb") as file:
        request = urllib.request.Request(
            f"{server}/captions?count=1",
            data=file.read(),
            headers={"content-type": "application/octet-stream"},
        )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["captions"][0]["text"]


def main(server: str, *photos: str) -> int:
    failed = False
    for photo in photos:
        try:
            print(f"{photo}: {caption(server, photo)}")
        except urllib.error.HTTPError as error:
            failed = True
            print(f"{photo}: {json.load(error)['detail']}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
