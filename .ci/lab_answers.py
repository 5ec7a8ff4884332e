"""Runs a command that opens JupyterLab, waits for "Start here" to answer 200, ends it by Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

LIMIT_S = 300
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/00_start_here\.ipynb\?token=\w+")


def main(command: list[str]) -> int:
    """The exit status: 0 when the page was served."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(LIMIT_S, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.start()
    try:
        address = printed_address(process)
        status = status_of(address, began + LIMIT_S)
        page = address.partition("?")[0]
        print(f"{page} answered {status} after {time.monotonic() - began:.1f} s")
        return 0 if status == 200 else 1
    finally:
        watchdog.cancel()
        stop(process)


def printed_address(process: subprocess.Popen[str]) -> str:
    """The address that the server prints, with its token."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := ADDRESS.search(line):
            return found.group()
    raise SystemExit("no JupyterLab on 00_start_here.ipynb; it said:\n" + "".join(said[-40:]))


def status_of(address: str, deadline: float) -> int:
    """The status of the page once the server listens."""
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C for the whole group; what does not heed it within 20 s is ended."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
