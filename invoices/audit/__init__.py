"""
Whether the books of a business agree with themselves. Nothing here writes.

Every document is worked out again from its own frozen rows, and compared with what is
stored, what the ledger says, and what was sealed. Documents are read in chunks, so that
memory does not grow with the books.
"""
