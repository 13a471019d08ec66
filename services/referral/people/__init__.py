"""Whom a referral is about: matching, linking, parting, age."""
