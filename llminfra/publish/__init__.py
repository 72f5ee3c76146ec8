"""Turn notebooks into files: engine, jobs, exporters, manifest. Knows nothing of LLMs."""
