"""Run a program that ends when the process that asked for it ends.

Started as a script (`python -I -S leash.py PARENT SIGNAL USER PROGRAM ARGS…`), so that no code
runs between fork and exec in a process that has threads. The leash is Linux's
PR_SET_PDEATHSIG (prctl(2)); elsewhere the program is run without one.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


if sys.platform == "linux":
    # Loaded while we may still read it: the user that we become perhaps may not.
    import ctypes

    libc = ctypes.CDLL(None)


def hold(death_signal: int, parent: int) -> None:
    """Have the kernel send `death_signal` to this process when its parent dies.

    Ends the process when `parent` is gone already: the signal would never come.
    """
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def become(user: str) -> None:
    """Give up root for `user`; nothing to do when we are not root.

    Must come before `hold`: a change of user clears the death signal.
    """
    if os.geteuid() != 0:
        return
    import pwd

    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def main(arguments: list[str]) -> None:
    """Read the arguments described above and turn into the program."""
    parent, death_signal, user, *command = arguments
    if user:
        become(user)
    hold(int(death_signal), int(parent))
    # Python ignores these two for itself; a program expects to find them as the system has them.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - to become that program is the purpose
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
