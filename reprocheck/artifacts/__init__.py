"""Output files: what is in them, as digests that do not depend on the container around it.

`formats` describes a file, `compare` holds two against each other. No file is ever executed or extracted.
"""
