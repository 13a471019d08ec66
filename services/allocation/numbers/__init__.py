"""Numbers of a finished quarter, small counts withheld."""
