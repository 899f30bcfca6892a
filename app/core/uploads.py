"""Files that come with a request."""

from flask import request


def close_files(_error: BaseException | None) -> None:
    """Large uploads lie in temporary files; they are gone with the request.

    For `Blueprint.teardown_request`.
    """
    request.close()
