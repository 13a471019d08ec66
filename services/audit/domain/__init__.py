"""The trail's mathematics and words: values in, values out. No clock, no store, no network."""
