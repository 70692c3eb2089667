"""A child and a grandchild that hold one connection open for as long as either of them lives.

Arguments: the port to connect to, and `stubborn` to ignore SIGTERM or `leaving` to end and leave the grandchild behind.
"""

import signal
import socket
import subprocess
import sys

port, manner = int(sys.argv[1]), sys.argv[2:]
if "stubborn" in manner:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
link = socket.create_connection(("127.0.0.1", port))
wait_for_ever = [sys.executable, "-c", "import signal; signal.pause()"]
subprocess.Popen(wait_for_ever, pass_fds=[link.fileno()], stdin=subprocess.DEVNULL)
print("said on stdout")
print("said on stderr", file=sys.stderr)
link.sendall(b"born")
if "leaving" not in manner:
    signal.pause()
