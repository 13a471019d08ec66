"""Asking a Hub about a worry, and answering: before there is a case, and without naming a child."""
