"""The books as JSON. Rows are known by their `public_id`."""
