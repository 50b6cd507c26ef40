"""`xlm-model` without its start: a process that has imported everything forks for each command.

Most of what a command takes in the tests is Python importing PyTorch.  Whether a command starts
by itself, and what it imports then, are other tests' business.

    python tests/docs/warm_command.py SOCKET              serves
    python -S -E tests/docs/warm_command.py SOCKET ARGS   runs `xlm-model ARGS`
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import sys

STANDARD_STREAMS = (0, 1, 2)
MODES = zip(STANDARD_STREAMS, "rww", strict=True)


def serve(path):
    """Fork for each command that comes, until this process is killed."""
    import torch._dynamo  # noqa: F401  # the first model imports it
    import xlm_cli.model

    import xlm_model.tasks

    with contextlib.suppress(ImportError):  # where the extra is not installed
        import sklearn.metrics  # noqa: F401

        import xlm_model.finetuning
        import xlm_model.pretraining  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are done
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                answer(connection, xlm_cli.model.main)
            connection.close()


def run(main):
    """Run a command and end the process; Python would take a second to free all modules."""
    try:
        status = main()
    except SystemExit as end:
        status = end.code
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def answer(connection, main):
    """Run a command in a process of its own, and send its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(connection, 1 << 20, len(STANDARD_STREAMS))
    asked = json.loads(message)
    pid = os.fork()
    if pid == 0:
        connection.close()
        for stream, number in zip(streams, STANDARD_STREAMS, strict=True):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in MODES)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["xlm-model", *asked["arguments"]]
        run(main)
    _, status = os.waitpid(pid, 0)
    connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
    os._exit(0)


def ask(path, arguments):
    """Send a command with the streams, the folder and the environment of this process."""
    asked = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        socket.send_fds(client, [json.dumps(asked).encode()], list(STANDARD_STREAMS))
        return client.recv(1)[0]


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
