"""The parts of the PDF exporter: a notebook as plain data, and the Typst files that set it."""
