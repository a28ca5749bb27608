"""Texts cut to what GitHub takes."""

from hypothesis import given
from hypothesis import strategies as st

from github_app.github.redaction import words
from github_app.github.text import CUT, LONGEST_BODY, LONGEST_OUTPUT_BYTES, cut_body, cut_line, cut_output
from runner.redaction import redacted


def test_what_fits_stays_as_it_is():
    text = "x" * LONGEST_BODY
    assert cut_body(text) == text
    assert cut_output("ü" * (LONGEST_OUTPUT_BYTES // 2)) == "ü" * (LONGEST_OUTPUT_BYTES // 2)


def test_open_fences_and_details_are_closed_in_the_right_order():
    text = "<details>\n<summary>Log</summary>\n\n~~~~text\n" + "```\nline\n" * 20_000
    cut = cut_body(text)
    assert cut.endswith(f"\n~~~~\n\n\n</details>{CUT}")
    assert len(cut) <= LONGEST_BODY


def test_a_fence_that_was_closed_is_not_closed_again():
    cut = cut_body("```\ncode\n```\n" + "word\n" * 20_000)
    assert cut.endswith(f"word{CUT}")


def test_an_endless_line_is_cut_inside():
    assert len(cut_body("ü" * 100_000)) <= LONGEST_BODY
    assert cut_body("ü" * 100_000).startswith("ü" * 20_000)
    assert cut_line("a  b\nc", 10) == "a b c"
    assert cut_line("abcdef", 4) == "abc…"


_pieces = st.sampled_from(["```\n", "~~~~\n", "<details>\n", "</details>\n", "text ü\n", "x" * 9_000, "\n", "\udc80"])


@given(st.lists(_pieces, min_size=1, max_size=12).map("".join))
def test_whatever_the_text_the_limit_holds_and_it_can_be_sent(text):
    long = text * 12
    assert len(cut_body(long)) <= LONGEST_BODY
    assert len(cut_output(long).encode()) <= LONGEST_OUTPUT_BYTES
    assert cut_body(cut_body(long)) == cut_body(long)


def test_credentials_are_taken_out_and_other_words_stay():
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMiJ9.c2lnbmF0dXJl"
    for secret in (f"ghs_12_{jwt}", "ghp_0123456789ab", "gho_0123456789ab", "github_pat_11AAAA_0123", jwt):
        assert redacted(f"before {secret} after") == "before [redacted] after"
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert redacted(f"a {key} b") == "a [redacted] b"
    assert redacted("https://user:pass@host/x") == "https://[redacted]@host/x"
    assert redacted("see https://github.com/a/b, ghs_ and eyJ") == "see https://github.com/a/b, ghs_ and eyJ"
    assert words(" two\n lines ") == "two lines"
