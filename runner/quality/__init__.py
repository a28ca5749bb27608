"""How good an output is, as far as that can be measured: pure, from decoded media to measures and a score.

    rules        what a repository's people ask of outputs: `QualityRules`
    expected     what the workflow itself asks for: size, frames, seconds; and whether it is a mask or a map
    scoring      from a number to a score of 0 to 10, and from scores to one
    eight_bits   grey of 16 and 32 bits as people see it
    image, video, audio, mesh, text    what is measured of each kind
    reference    against the picture that the issue shows
    repeat       whether the same seed gives the same again
    judge        a language model's opinion, which decides nothing

The formula, its calibration and what it cannot tell are in docs/quality.md. Nothing here loads numpy or scikit-image
when this package is imported.
"""
