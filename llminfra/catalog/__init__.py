"""Facts with unit, source, date, confidence and range, and the one door to them."""
