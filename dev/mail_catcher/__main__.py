"""`python -m dev.mail_catcher`: run the catcher until told to stop."""

import argparse
import signal
import sys
from pathlib import Path

from dev.loopback import LOOPBACK
from dev.mail_catcher.catcher import MailCatcher

STOPPING = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    """Start, print a line with both addresses, and wait for SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m dev.mail_catcher", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=1025, help="0 for any free port")
    parser.add_argument("--http-port", type=int, default=8025, help="0 for any free port")
    parser.add_argument("--keep", type=Path, help="folder that messages are kept in")
    options = parser.parse_args()
    # Held back in every thread, to be waited for below.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        with MailCatcher(options.keep, options.smtp_port, options.http_port) as catcher:
            print(
                f"mail catcher listening on {catcher.url} (SMTP on {LOOPBACK}:{catcher.smtp_port})",
                flush=True,
            )
            signal.sigwait(STOPPING)
    except OSError as error:
        print(f"mail catcher: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
