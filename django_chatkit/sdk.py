"""The ChatKit SDK's types, imported without the DeprecationWarnings that it raises at its own import."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from chatkit import types as types

__all__ = ["types"]
