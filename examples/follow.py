"""Follows a newswire feed with Python's `websockets`, and goes on where it was.

    pip install 'websockets>=13'
    python follow.py ws://127.0.0.1:8787/v1/feeds/news-feed/live position.txt

Prints a line for each change (its type, the item's id and headline) and keeps the position of what was printed in the
file. Started again, by hand or after a crash, it goes on from there; the server may be restarted meanwhile.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect


def kept(file):
    """The position to go on from; 0 is before the first change."""
    return file.read_text().strip() if file.exists() else "0"


def keep(file, position):
    """Writes the position beside the file and renames it: a crash leaves the old one or the new one, never half of one."""
    beside = file.with_name(file.name + ".new")
    with beside.open("w") as out:
        out.write(position)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(file)


def moves(message):
    """Whether the position in this message is one to keep: `hello` only repeats ours, and a snapshot counts when it is whole."""
    if "position" not in message or message["type"] == "hello":
        return False
    return message["type"] != "snapshot" or message["done"]


def deal_with(message):
    """Here a real client would do its work; for `reset` it would forget its items, since a snapshot follows."""
    if message["type"] == "snapshot":
        for item in message["items"]:
            print("snapshot", item["id"], item.get("headline"), flush=True)
    elif message["type"].startswith("item."):
        print(message["type"], message["item"]["id"], message["item"].get("headline"), flush=True)


def follow_once(door, file):
    """Follows until the connection ends; returns how long the server asks to stay away, in seconds."""
    with connect(f"{door}?after={kept(file)}") as socket:
        # Longer than two and a half heartbeats without a word, and the connection is dead.
        silence = 40
        while True:
            message = json.loads(socket.recv(timeout=silence))
            if message["type"] == "hello":
                silence = 2.5 * message["heartbeat"]
            if message["type"] == "bye":
                if message["reason"] == "gone":
                    sys.exit("there is no such feed")
                return message["retryMs"] / 1000
            deal_with(message)
            if moves(message):
                keep(file, message["position"])


def follow(door, file):
    """Follows for good, with pauses that grow while nothing is heard, and are never the same for two clients."""
    pause = 0.5
    while True:
        before = kept(file)
        try:
            asked = follow_once(door, file)
        except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
            asked = 0
            print(f"connection lost: {error}", file=sys.stderr, flush=True)
        pause = min(2 * pause, 30) if kept(file) == before else 0.5
        time.sleep(asked + pause * random.uniform(0.5, 1))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    follow(sys.argv[1], Path(sys.argv[2]))
