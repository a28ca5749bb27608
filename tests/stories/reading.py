"""What people read, without what is different each time."""

from __future__ import annotations

import re

_DIFFERENT = (
    (re.compile(r"run_[a-z2-7]{20}"), "run_ID"),
    (re.compile(r"http://127\.0\.0\.1:\d+/(?=acme|umbra)"), "https://github.com/"),
    (re.compile(r"http://127\.0\.0\.1:\d+/user-attachments/files/\d+"), "https://github.com/user-attachments/files/N"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:PORT"),
    (re.compile(r"\b(acme|umbra)/site-\d+"), r"\1/site"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "COMMIT"),
    (re.compile(r"(?<=[`(])[0-9a-f]{12}(?=[`)])"), "COMMIT"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "N s"),
    (re.compile(r"(cost about|wake it up) \$[\d.,]*\d"), r"\1 $N"),
    (re.compile(r"\$0\.0\d{3,}"), "$0.0…"),
    (re.compile(r"\b\d+ min N s\b"), "N s"),
    (re.compile(r"[█▉▊▋▌▍▎▏]+"), "█"),
    (re.compile(r"\b\d+\.\d of 10\b"), "N of 10"),
    (re.compile(r"(?:\| ✓ \| `image` \|.*\n)+"), "| ✓ | `image` | … |\n"),
    (re.compile(r"\b\d+ [A-Z][a-z]+ \d{4}, \d\d:\d\d UTC"), "DATE"),
)


def read(body: str) -> str:
    """A comment as it is shown: without its marker, and with the same words each time."""
    text = re.sub(r"\A<!-- flowberth .*? -->\n", "", body)
    for pattern, shown in _DIFFERENT:
        text = pattern.sub(shown, text)
    return text
