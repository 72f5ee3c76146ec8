"""One file per question: its inputs, its result, its `evaluate`. Facets never import each other."""
