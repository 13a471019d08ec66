"""May an agency be told, now and as long as it is true? Withheld or retracted where it may not."""
