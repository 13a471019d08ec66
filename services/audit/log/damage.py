"""What a reader of the trail says where the store no longer holds what was written to it."""


class Damaged(Exception):
    """The store doesn't hold what was written to it. `where` is a code and a number."""

    def __init__(self, code: str, at: int) -> None:
        super().__init__(f"{code} at {at}")
        self.code, self.at = code, at
