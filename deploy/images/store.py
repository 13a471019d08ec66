"""Process 1 of the store for trials: makes the services' users once, then serves with passwords.

Each service's user reads and writes its own database and no other. That the audit service may not
even change what it wrote is MongoDB's to enforce (`mongo-users.js`); this store is for trials.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure

DATA = Path("/data/db")
MADE = DATA / "users-made"
USERS = Path("/run/secrets/users.json")
SERVER = ("secantusd-py", "--port", "27017", "--storage-path", str(DATA / "store"))
KEPT = ("--standalone", "--sync-on-commit", "--oplog-max-entries", "1000")
EXISTS = 51003


def make_users() -> None:
    """While the store answers on loopback only; what was begun and cut off is finished."""
    server = subprocess.Popen([*SERVER, *KEPT, "--host", "127.0.0.1"])  # noqa: S603
    try:
        users = json.loads(USERS.read_text("utf-8"))
        with MongoClient("mongodb://127.0.0.1:27017", serverSelectionTimeoutMS=60000) as client:
            for name, password in users.items():
                try:
                    client[f"hub_{name}"].command(
                        "createUser", name, pwd=password, roles=["readWrite"]
                    )
                except OperationFailure as error:
                    if error.code != EXISTS:
                        raise
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(30)
        server.kill()
    MADE.touch()


if __name__ == "__main__":
    if not MADE.exists():
        make_users()
    sys.stderr.write("SecantusDB in place of MongoDB: for trials, not for live cases\n")
    os.execvp(SERVER[0], [*SERVER, *KEPT, "--host", "0.0.0.0", "--auth"])  # noqa: S104, S606
