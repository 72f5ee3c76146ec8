"""A notebook read once: what of it is shown, as data that each writer gets."""
