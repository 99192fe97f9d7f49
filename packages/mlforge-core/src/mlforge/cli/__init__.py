"""The command line: `mlforge …`. One file a command, loaded when it is called."""

from __future__ import annotations

INTERRUPTED = 130


def main() -> None:
    """Run `mlforge` with the arguments of the process, and leave with its exit code."""
    import sys

    try:
        _heed_the_end()
        _leave_quietly_at_last()
        _heed_interrupts_in_callbacks()
        from mlforge.cli.app import run
        from mlforge.cli.invocation import Invocation

        call = Invocation()
        code = run(call=call)
        call.answer_no_more()
    except KeyboardInterrupt:  # while modules were loaded, or an error was being put in words
        sys.stderr.write("Interrupted.\n")
        code = INTERRUPTED
    _leave_quietly()
    sys.exit(code)


def _heed_the_end() -> None:
    """End at SIGTERM as any process does: for the first of a container the kernel drops what has no handler."""
    import os
    import signal

    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


def _heed_interrupts_in_callbacks() -> None:
    """Python prints and forgets a Ctrl-C that arrives in a callback, such as a weak reference's: press it again."""
    import _thread
    import sys
    import time

    def press() -> None:
        time.sleep(0.01)  # when the callback is over: until then it would be forgotten again
        _thread.interrupt_main()

    def again(lost: sys.UnraisableHookArgs) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(press, ())
        else:
            sys.__unraisablehook__(lost)

    sys.unraisablehook = again


def _leave_quietly_at_last() -> None:
    """What is registered first is called last: after it, Python has no handler any more."""
    import atexit
    import signal

    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _leave_quietly() -> None:
    """All is said and done: a Ctrl-C while Python ends what is left of the process is no error to talk about."""
    import os
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
