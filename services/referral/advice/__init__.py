"""A professional asks about a worry, before there is a case: no child is named, and a Hub answers."""
