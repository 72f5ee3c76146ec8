"""Turn notebooks into files: engine, jobs, exporters, manifest. Knows nothing of LLMs."""

import llminfra._jsonschema  # noqa: F401  # must come before papermill, for its effect
