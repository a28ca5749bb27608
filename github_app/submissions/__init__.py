"""The workflows that people put into issues.

    model.py     what can be referred to, what was asked for beside it, and what became of it
    find.py      from the text of an issue to references and options; pure: `find_submissions`
    links.py     what addresses and paths refer to
    form.py      the fields of the issue form, and options in YAML
    fetch.py     from references to bytes, over the network: `collect`, `fetch`
    site.py      which addresses are GitHub's own, here or on a server of a company
    download.py  one file from the web, with bounds on size, time and where it may come from
    picture.py   a picture made small and plain
    archive.py   the files in a zip file, with bounds on what it may unpack to

A workflow may be attached, pasted with or without a fence, in a gist, or a file of a repository. What is no workflow by
`codegen.parse` starts nothing; what cannot be read is explained, with a way that works.
"""
