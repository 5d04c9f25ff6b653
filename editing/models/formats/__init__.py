"""Files of other systems, one reader per kind, recognised by what they hold.

Nothing in a file can run code: pickles go through ``pickles.py``, which builds inert data and
calls only functions of this package.
"""
