"""Commands and pages without their start: a process that has imported everything forks for each.

Most of what they take in the tests is Python importing PyTorch.  Whether a command starts by
itself, and what it imports then, are other tests' business.

    python tests/docs/warm_command.py SOCKET                      serves
    python -S -E tests/docs/warm_command.py SOCKET xlm-tok ARGS   runs `xlm-tok ARGS`

``page`` runs the code of a page as `run_page.py` does.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import sys
import weakref

STANDARD_STREAMS = (0, 1, 2)
MODES = zip(STANDARD_STREAMS, "rww", strict=True)
KILLED = b"\x01"


def serve(path):
    """Fork for each command that comes, until this process is killed."""
    commands = load()
    # PyTorch takes its operators apart at the end, for longer than most commands run.
    for finalizer in list(weakref.finalize._registry):
        finalizer.atexit = False
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are done
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                answer(connection, commands)
            connection.close()


def load():
    """Import everything; return what runs each command."""
    import run_page
    import torch._dynamo  # noqa: F401  # the first model imports it
    import xlm_cli.model
    import xlm_cli.tok

    import xlm_model.tasks

    with contextlib.suppress(ImportError):  # where the extra is not installed
        import sklearn.metrics  # noqa: F401

        import xlm_model.finetuning
        import xlm_model.pretraining  # noqa: F401

    return {
        "xlm-tok": xlm_cli.tok.main,
        "xlm-model": xlm_cli.model.main,
        "page": run_page.main,
    }


def answer(connection, commands):
    """Run a command, send its exit status and end this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, len(STANDARD_STREAMS))
    asked = json.loads(message)
    for stream, number in zip(streams, STANDARD_STREAMS, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in MODES)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = asked["command"]
    try:
        status = commands[sys.argv[0]]()
    except SystemExit as end:
        status = end.code
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([(status or 0) & 0xFF]))
    os._exit(0)  # Python would take a second to free all modules


def ask(path, command):
    """Send a command with the streams, the folder and the environment of this process."""
    asked = {"command": command, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        socket.send_fds(client, [json.dumps(asked).encode()], list(STANDARD_STREAMS))
        return (client.recv(1) or KILLED)[0]


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
