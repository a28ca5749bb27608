"""Which addresses are GitHub's own, on github.com or on a company's server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

GITHUB_API = "https://api.github.com"
STORES = frozenset(
    {
        "github-production-user-asset-6210df.s3.amazonaws.com",
        "github-production-repository-file-5c1aeb.s3.amazonaws.com",
    }
)
"""Buckets that github.com redirects to for attachments; by name, because anybody can have one with a similar name."""
CONTENT = "githubusercontent.com"


@dataclass(frozen=True)
class Site:
    """A GitHub: where its pages are, and where its API is."""

    web: str
    """Origin of the pages, `https://github.com`."""
    api: str
    """Address of the API without a slash at the end."""

    @classmethod
    def of(cls, api_url: str) -> Site:
        """The site whose API is at `api_url`: github.com, GHE.com (`api.` before the name), or a server (`/api/v3`)."""
        api = api_url.rstrip("/")
        parts = urlsplit(api)
        host = parts.netloc.removeprefix("api.") if not parts.path else parts.netloc
        return cls(web=f"{parts.scheme}://{host}", api=api)

    @property
    def host(self) -> str:
        """Name and port of the pages."""
        return urlsplit(self.web).netloc.lower()

    @property
    def is_public(self) -> bool:
        """Whether it is github.com."""
        return self.host == "github.com"

    def is_configured(self, url: str) -> bool:
        """Whether an address is of the very hosts that the settings name, wherever these are."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return (parts.scheme, parts.netloc.lower()) in {
            (urlsplit(own).scheme, urlsplit(own).netloc.lower()) for own in (self.web, self.api)
        }

    def is_own(self, url: str) -> bool:
        """Whether an address is GitHub's: nothing else is ever asked for a file."""
        if self.is_configured(url):
            return True
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" or port not in {None, 443} or parts.username is not None:
            return False
        if self.is_public:
            return host in STORES or host.endswith((".github.com", f".{CONTENT}"))
        return host.endswith(f".{self.host}")


GITHUB = Site.of(GITHUB_API)
