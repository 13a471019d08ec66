"""The rules of notify. Pure: values in, values out."""
