"""The parts of the HTML exporter: outputs, Markdown, cleaning, chart library, page."""
