"""The register of areas, and where a word for an area belongs: docs/decisions/1201."""
