"""What is printed: one line for one sentence, whatever is in the names that it tells."""

from typing import TextIO


def plain(text: str) -> str:
    """The text with everything escaped that is no visible character: a file's name may not print a
    line of its own, or move the cursor."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def tell(stream: TextIO, line: str) -> None:
    """Print a line, also on a console that has not all of its characters."""
    encoding = stream.encoding or "utf-8"
    stream.write(plain(line).encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
